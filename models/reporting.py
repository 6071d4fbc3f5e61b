"""A report as a table for people."""

from __future__ import annotations

from collections.abc import Iterator

from models import effects, groups
from models.evaluate import BASE_RATE, Report
from models.metrics import Metrics


def lines(report: Report) -> Iterator[str]:
    """The whole, its quality group by group, and what drives churn."""
    yield from whole(report)
    yield from groups.lines(report.groups)
    yield from (proxy.line() for proxy in report.proxies)
    yield from driving(report)


def driving(report: Report) -> Iterator[str]:
    """What drives churn by system, with value, and along the strongest features."""
    if report.drivers is not None:
        yield from report.drivers.lines()
    yield from effects.lines(report.effects)


def whole(report: Report) -> Iterator[str]:
    """The model beside its baselines, the comparisons, what it reaches and how it ages."""
    yield (
        f"{report.protocol}: {report.model.all.rows:,} rows of {report.customers:,} customers, "
        f"{report.base_rate:.1%} left; grade {report.grade}"
    )
    # Average precision, lift of the top decile, calibration error: in words in the docs.
    titles = ("rows", "left", "AUC", "precision", "lift", "Brier", "cal.error")
    yield f"{'':24}" + "".join(f"{title:>10}" for title in titles)
    for quality in (report.model, *report.baselines):
        # The base rate ranks nobody: of its parts nothing is to be learned.
        for who in ("all",) if quality.name == BASE_RATE else ("all", "silent", "vocal"):
            yield f"{quality.name + ', ' + who:24}" + _cells(getattr(quality, who))
    if report.model.auc is not None:
        yield f"AUC {report.model.auc}"
    for name, measures in report.gains.items():
        for measure, gain in measures.items():
            yield f"{measure} gain over {name}: {gain}"
    if report.gain:
        told = ", ".join(f"{one.found:.0%} in {one.contacted:.0%}" for one in report.gain)
        yield f"leavers reached, riskiest first: {told} of the customers"
    if report.profit is not None:
        yield report.profit.words
    for part in (report.alone, report.timing, report.renewing, report.ageing):
        if part is not None:
            yield from part.lines()


def _cells(metrics: Metrics) -> str:
    figures = (
        metrics.auc,
        metrics.average_precision,
        metrics.top_decile_lift,
        metrics.brier,
        metrics.calibration_error,
    )
    counts = f"{metrics.rows:>10,}{metrics.leavers:>10,}"
    return counts + "".join(f"{'-' if f is None else format(f, '.3f'):>10}" for f in figures)
