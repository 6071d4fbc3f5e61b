"""The model card: what the model is, for whom it works, and on whom it must not be used.

Source of the headings: Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from __future__ import annotations

from collections.abc import Iterator

from models.bundle import Bundle
from models.contracts import Feature
from models.evaluate import Report, Verdict

LIMITS = """\
- It says who is likely to leave, not whom a contact would keep: that is measured against the
  control group (`warmline report`).
- It knows only what the connected feeds tell; a feed that is down looks like silence unless
  `feed_gaps` says otherwise.
- Reasons tell what moved the model, not what caused the customer's wish to leave.
- It ages: judge it again after each horizon has passed."""

NOT_FOR = """\
- whoever objected to profiling (`profiling_objection`): never scored, never contacted;
- whoever is under notice or whose relationship has ended: not scored;
- anything adverse: refusing service, raising a price, shortening help. Nothing adverse is decided
  without a person;
- customers of another company, or a population that the data below did not hold."""


def card(bundle: Bundle, report: Report, verdict: Verdict, population: str) -> str:
    """The card in Markdown. `population`: who was scored and what counts as leaving, in words."""
    return "\n".join(_lines(bundle, report, verdict, population)) + "\n"


def _lines(bundle: Bundle, report: Report, verdict: Verdict, population: str) -> Iterator[str]:
    facts, model = bundle.facts, bundle.model
    yield f"# Churn model {facts.model_version}"
    yield (
        f"\nProbability that a customer leaves within {model.horizon_days} days; higher is worse. "
        f"Made {facts.created_at} by Warmline {facts.code_version}."
    )
    yield "\n## Data"
    yield (
        f"\nSnapshots from {facts.trained_from} to {facts.trained_to}: {facts.rows:,} rows, "
        f"{facts.leavers:,} of which left ({model.base_rate:.1%})."
    )
    yield f"\nPopulation: {population}"
    yield "\n## Quality\n\n```"
    yield from report.lines()
    yield "```"
    yield f"\nVerdict: {'promoted' if verdict.promote else 'not promoted'}."
    yield from (f"- {reason}" for reason in verdict.reasons)
    yield (
        f"\nBands: medium from {model.bands.medium:.1%}, high from {model.bands.high:.1%}. "
        f"Trees and linear model are blended {model.blend:.0%} to {1 - model.blend:.0%}."
    )
    yield f"\n## Limits\n\n{LIMITS}"
    yield f"\n## Must not be used on or for\n\n{NOT_FOR}"
    yield "\n## Features\n\n| feature | system | sentence |\n| --- | --- | --- |"
    yield from (_row(feature) for feature in model.features)


def _row(feature: Feature) -> str:
    sentence = feature.says.split("|", 1)[0].strip()
    return f"| {feature.name} | {feature.system} | {sentence} |"
