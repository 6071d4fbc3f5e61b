"""Pictures of a model's quality, drawn without a display and without pyplot's global state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.metrics import calibration_bins

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SIZE = (5.0, 4.0)  # inches
DPI = 100


def draw(folder: Path, y: Bools, p: Floats) -> tuple[Path, ...]:
    """Write roc.png, gain.png, lift.png and calibration.png of held-out rows into `folder`."""
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
    }  # fmt: skip
    return tuple(_write(folder / f"{name}.png", *picture) for name, picture in pictures.items())


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
