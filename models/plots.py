"""Pictures of a model's quality, drawn without a display and without pyplot's global state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.effects import Effect
from models.metrics import calibration_bins
from models.profit import CONTACT, INCENTIVE, TAKES, cuts

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SIZE, SMALL = (5.0, 4.0), (4.0, 2.6)  # inches; of a picture, and of one of several in it
ACROSS = 2  # of several in a row
DPI = 100


def draw(folder: Path, y: Bools, p: Floats, value: Floats) -> tuple[Path, ...]:
    """Write roc.png, gain.png, lift.png, calibration.png and profit.png of held-out rows, all [n],
    into `folder`. `value`: of each customer, NaN where unknown."""
    order = np.argsort(-p, kind="stable")
    found = np.cumsum(y[order]) / max(1, y.sum())
    contacted = np.arange(1, len(y) + 1) / len(y)
    false = np.cumsum(~y[order]) / max(1, (~y).sum())
    said, came, _ = calibration_bins(y, p)
    pictures: dict[str, tuple[str, str, list[tuple[Any, Any, str]]]] = {
        "roc": ("stayers above the cut", "leavers above the cut",
                [(false, found, "-"), ((0, 1), (0, 1), ":")]),
        "gain": ("share of customers, riskiest first", "share of the leavers among them",
                 [(contacted, found, "-"), ((0, 1), (0, 1), ":")]),
        "lift": ("share of customers, riskiest first", "times the base rate",
                 [(contacted, found / contacted, "-"), ((0, 1), (1, 1), ":")]),
        "calibration": ("probability said", "share that left",
                        [(said, came, "o-"), ((0, float(said.max())),) * 2 + (":",)]),
        "profit": ("share of customers, most at stake first",
                   "profit a customer, of a mean value", _profit(y, p, value)),
    }  # fmt: skip
    return tuple(_write(folder / f"{name}.png", *picture) for name, picture in pictures.items())


def _profit(y: Bools, p: Floats, value: Floats) -> list[tuple[Any, Any, str]]:
    """Profit of each cut where offers are taken as often as expected, and where none is made."""
    known = ~np.isnan(value)
    if not known.any():
        value, known = np.ones(len(y)), np.ones(len(y), np.bool_)
    y, p, value = y[known], p[known], value[known] / value[known].mean()
    taken = TAKES[0] / sum(TAKES)
    slope, height = cuts(y, p * value, value, incentive=INCENTIVE, contact=CONTACT)
    return [
        (np.arange(len(y) + 1) / len(y), taken * slope + height, "-"),
        ((0, 1), (0, 0), ":"),
    ]


def draw_effects(path: Path, effects: Sequence[Effect]) -> None:
    """Write a picture with one line and its 95% interval for each of `effects`, in points."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    down = max(1, -(-len(effects) // ACROSS))
    figure = Figure(figsize=(ACROSS * SMALL[0], down * SMALL[1]), dpi=DPI, layout="tight")
    FigureCanvasAgg(figure)
    for number, effect in enumerate(effects, 1):
        axes = figure.add_subplot(down, ACROSS, number)
        x = [point.value for point in effect.points]
        low, high = ([100 * getattr(one, end) for one in effect.points] for end in ("low", "high"))
        axes.fill_between(x, low, high, alpha=0.3)
        axes.plot(x, [100 * point.effect for point in effect.points])
        axes.set_xlabel(effect.feature)
        axes.set_ylabel("points of risk")
    figure.savefig(path)


def _write(path: Path, across: str, up: str, lines: list[tuple[Any, Any, str]]) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, dpi=DPI, layout="tight")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for x, values, style in lines:
        axes.plot(x, values, style)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    figure.savefig(path)
    return path
