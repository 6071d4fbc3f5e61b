"""Writes docs/features.md from the declarations: `python -m pipelines.features.docs`.

The examples are the spec tables of tests/spec/features, where the source tree is at hand.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.contracts import Feature
from models.words import window
from pipelines.features import matrix, relationship
from pipelines.features.agents import EXPLAINED
from pipelines.features.stream import Stream, Where
from pipelines.features.streams import OWN, STREAMS

SPECS = "tests.spec.features"
HEAD = """# Features

Written by `make docs` from the declarations in `pipelines/features/`; do not edit.

{many} features, in the order of the matrix. A feature at a night sees only what had happened
before `as_of` and was recorded by the night's cut-off, in the version that counted then. Windows of
w days are `[as_of - w x 86,400 s, as_of)`. Counts, sums and numbers of different things are 0 where
there is nothing; everything else is then not known (NaN). Facts and when each becomes known:
`pipelines/features/facts.py`. Sentences have up to three forms: usual, for zero, for not known.

A known outage of a feed is not silence: days since the last, gaps, rhythms and `silent` count only
time in which a feed of the stream was alive (`feed_gaps`, and gaps found in the feeds' own rhythm).
Windows and ages are as long as ever. Working hours are those of the team of who acted (`agents`,
`calendars`, `holidays`; weekday 0 is Monday); without a calendar that fits they are not known.
Why so: `docs/decisions/0011-gaps-and-calendars.md`.

What is told of those who served (`served_...`) cannot be told from one customer's rows. A pre-pass
finds it for each agent and night, from replies and solutions of all customers and from the table
`agents`, as known that night: `docs/decisions/0017-agents-context.md`.

| of an agent | what it is |
| --- | --- |
{agents}
"""


def page(examples: Mapping[str, Sequence[Any]]) -> str:
    """The whole page; `examples` are specs (tests/spec/features/table.py) by feature."""
    told = "\n".join(f"| `{name}` | {words} |" for name, words in EXPLAINED.items())
    parts = [HEAD.format(many=len(matrix.features()), agents=told)]
    parts += [_stream(stream, examples) for stream in STREAMS]
    parts.append("## The customer\n\n" + _table(OWN) + _examples(OWN, examples))
    parts.append(
        "## The contract\n\nFrom `terms`, as known that night; not known without any.\n\n"
        + _table(relationship.FEATURES)
    )
    return "\n".join(parts)


def _stream(stream: Stream, examples: Mapping[str, Sequence[Any]]) -> str:
    features = stream.features()
    measure = f" Measure: `{stream.measure}`{_scale(stream.scale)}." if stream.measure else ""
    head = f"## {stream.name} ({stream.system})\n\n{_where(stream.where)}.{measure}\n\n"
    return head + _table(features) + _examples(features, examples)


def _scale(scale: float) -> str:
    return {1.0: "", 1 / 60: " in minutes", 1 / 3600: " in hours"}.get(scale, f" times {scale}")


def _where(where: Where) -> str:
    """The filter in words."""
    said = [("Facts " if where.of_facts else "Rows ") + ", ".join(f"`{s}`" for s in where.sources)]
    if where.channels:
        said.append("on " + ", ".join(where.channels))
    if where.by:
        said.append(f"by a {where.by}")
    if where.ratings:
        said.append("answered " + " or ".join(where.ratings))
    if where.score_kinds:
        said.append("of " + ", ".join(where.score_kinds))
    if where.signs:
        said.append("with a value that is " + " or ".join(where.signs))
    if where.provoked is not None:
        said.append("provoked by us" if where.provoked else "not provoked by us")
    if where.in_case is not None:
        said.append("in a case" if where.in_case else "in no case")
    if where.said:
        said.append("whose words say " + " and ".join(where.said))
    return ", ".join(said)


def _table(features: Sequence[Feature]) -> str:
    lines = ["| feature | figure | window | sentence |", "| --- | --- | --- | --- |"]
    for feature in features:
        says = feature.says.replace("|", " \\| ")
        lines.append(
            f"| `{feature.name}` | {feature.stat} | {window(feature.window_days)} | {says} |"
        )
    return "\n".join(lines) + "\n"


def _examples(features: Sequence[Feature], examples: Mapping[str, Sequence[Any]]) -> str:
    return "".join(_example(spec) for f in features for spec in examples.get(f.name, []))


def _example(spec: Any) -> str:
    figures = ", ".join(
        f"{name}: {'not known' if figure is None else format(figure, '.4g')}"
        for name, figure in spec.expected.items()
    )
    title = spec.title[0].upper() + spec.title[1:]
    return (
        f"\n{title} (`{spec.feature}` at {spec.as_of}):\n\n```\n{spec.history}\n```\n\n{figures}\n"
    )


def collected() -> dict[str, list[Any]]:
    """The spec tables by feature; empty away from the source tree."""
    folder = Path(__file__).parents[2] / "tests" / "spec" / "features"
    if not folder.is_dir():
        return {}
    for path in sorted(folder.glob("test_*.py")):
        importlib.import_module(f"{SPECS}.{path.stem}")
    found: dict[str, list[Any]] = {}
    specs = importlib.import_module(f"{SPECS}.table").SPECS
    for _, spec in sorted(specs.items()):
        found.setdefault(spec.feature, []).append(spec)
    return found


if __name__ == "__main__":
    sys.stdout.write(page(collected()))
