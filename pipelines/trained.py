"""What a training run did, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from models.alone import Treated
from models.evaluate import Report, Verdict
from models.leaks import Finding
from pipelines import snapshots


@dataclass(frozen=True)
class Trained:
    """What a training run did."""

    model_version: str
    horizon_days: int
    label: str
    plan: snapshots.Plan
    rows: int
    leavers: int
    features: int
    treated: Treated
    report: Report
    verdict: Verdict
    left_out: tuple[str, ...] = ()  # what past nights could not use, and what stood in, in words
    findings: tuple[Finding, ...] = ()  # features that tell a lot by themselves

    def to_dict(self) -> dict[str, Any]:
        return {
            "model_version": self.model_version,
            "horizon_days": self.horizon_days,
            "label": self.label,
            "trained_on": [str(day) for day in self.plan.training],
            "judged_on": [str(day) for day in self.plan.judging],
            "rows": self.rows,
            "leavers": self.leavers,
            "features": self.features,
            "treated": asdict(self.treated),
            "report": self.report.to_dict(),
            "promoted": self.verdict.promote,
            "verdict": list(self.verdict.reasons),
            "left_out": list(self.left_out),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def lines(self) -> list[str]:
        training, judging = self.plan.training, self.plan.judging
        outcome = "Promoted to champion" if self.verdict.promote else "Not promoted"
        return [
            f"Churn within {self.horizon_days} days ({self.label.replace('_', '-')}), "
            f"{self.features} features.",
            f"Learned from {self.rows:,} rows of {_dates(training)}, of which {self.leavers:,} "
            f"left; judged on {_dates(judging)}.",
            self.treated.words,
            *self.report.lines(),
            *self.left_out,
            *(f"Look at it: {finding.line()}." for finding in self.findings),
            f"{outcome}: {'; '.join(self.verdict.reasons)}.",
        ]


def _dates(days: Sequence[date]) -> str:
    if len(days) == 1:
        return f"the night of {days[0]}"
    return f"{len(days)} nights, {days[0]} to {days[-1]}"
