"""The model card: what the model is, for whom it works, and on whom it must not be used.

Source of the headings: Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models import reporting
from models.bundle import Bundle
from models.contracts import Feature
from models.evaluate import Report, Verdict
from models.groups import Group, is_apart
from models.provenance import Provenance

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


def card(
    bundle: Bundle, report: Report, verdict: Verdict, population: str, provenance: Provenance
) -> str:
    """The card in Markdown. `population`: who was scored and what counts as leaving, in words."""
    parts = (
        _data(bundle, population, provenance),
        _quality(bundle, report, verdict),
        _fairness(report.groups),
        _driving(report),
        _limits(report),
        _features(bundle),
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _data(bundle: Bundle, population: str, provenance: Provenance) -> Iterator[str]:
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
    yield (
        f"\nTo make it again: rows {provenance.data_fingerprint[:12]} (generation "
        f"{provenance.history_generation} of the history), {provenance.lock_of} "
        f"{provenance.lock_hash[:12]}, Warmline {provenance.code_version}, Python "
        f"{provenance.python_version}."
    )


def _quality(bundle: Bundle, report: Report, verdict: Verdict) -> Iterator[str]:
    model = bundle.model
    yield "\n## Quality\n\n```"
    yield from reporting.whole(report)
    yield "```"
    yield f"\nVerdict: {'promoted' if verdict.promote else 'not promoted'}."
    yield from (f"- {reason}" for reason in verdict.reasons)
    yield (
        f"\nBands: medium from {model.bands.medium:.1%}, high from {model.bands.high:.1%}. "
        f"Trees and linear model are blended {model.blend:.0%} to {1 - model.blend:.0%}."
    )


def _fairness(groups: Sequence[Group]) -> Iterator[str]:
    yield (
        "\n## For whom it works\n\nEach with its 95% interval over customers. *Off* is the mean "
        "probability less the share that left, *chosen* the share of the group in the riskiest "
        "tenth of all, *found* the share of its leavers there. Segment, region and protected "
        "attributes part the table and are no features."
    )
    yield "\n| group | rows | left | AUC | lift | Brier | off | chosen | found |"
    yield "| --- " * 9 + "|"
    for group in groups:
        counts = (
            f"| {group.kind}: {group.name} | {group.metrics.rows:,} | {group.metrics.leavers:,}"
        )
        if group.figures is None:
            yield f"{counts} | {group.why} | | | | | |"
        else:
            yield f"{counts} | " + " | ".join(map(str, vars(group.figures).values())) + " |"


def _driving(report: Report) -> Iterator[str]:
    lines = list(reporting.driving(report))
    if lines:
        yield "\n## What drives it\n\n```"
        yield from lines
        yield "```"


def _limits(report: Report) -> Iterator[str]:
    groups = report.groups
    yield f"\n## Limits\n\n{LIMITS}"
    small = [f"{group.kind} {group.name}" for group in groups if group.figures is None]
    off = [
        f"{group.kind} {group.name}"
        for group in groups
        if group.figures and is_apart(**vars(group.figures.calibration))
    ]
    if small:
        yield f"- Not judged, because too few left: {', '.join(small)}."
    if off:
        yield f"- Its probabilities were off, beyond chance, for: {', '.join(off)}."
    yield from (f"- {proxy.line()}." for proxy in report.proxies)
    yield f"\n## Must not be used on or for\n\n{NOT_FOR}"


def _features(bundle: Bundle) -> Iterator[str]:
    yield "\n## Features\n\n| feature | system | sentence |\n| --- | --- | --- |"
    yield from (_row(feature) for feature in bundle.model.features)


def _row(feature: Feature) -> str:
    sentence = feature.says.split("|", 1)[0].strip()
    return f"| {feature.name} | {feature.system} | {sentence} |"
