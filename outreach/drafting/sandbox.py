"""The language of templates: what is given is read, chosen from and gone through, and nothing else.

A part of Jinja, in its sandbox. Without calls, assignments, arithmetic and loops in loops no
template can fill the memory: `'x'.ljust(10 ** 9)` and `{% set x = x ~ x %}` are as good at that as
`'x' * 10 ** 9`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jinja2 import TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

_NODES = (
    nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem,
    nodes.If, nodes.For, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare,
    nodes.Operand, nodes.Test, nodes.Filter,
)  # fmt: skip
FILTERS = ("capitalize", "first", "last", "length", "lower", "trim", "upper")


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja without its functions, and of its filters with those that make no text longer or less
    escaped."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.globals.clear()
        self.filters = {name: self.filters[name] for name in FILTERS}


def read(source: str) -> tuple[set[str], list[str]]:
    """The names that a template uses, and what of it is no part of the language, in sentences."""
    try:
        tree = Sandbox().parse(source)
    except TemplateError as error:
        return set(), [f"it is no template: {error}"]
    wrong = list(dict.fromkeys(_foreign(tree)))
    return set() if wrong else meta.find_undeclared_variables(tree), wrong


def _foreign(tree: nodes.Node) -> Iterator[str]:
    for node in tree.iter_child_nodes():
        if not isinstance(node, _NODES):
            yield f"a letter has no use for {type(node).__name__!r} (line {node.lineno})"
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield f"a letter has no filter {node.name!r}: {', '.join(FILTERS)} are there"
        elif isinstance(node, nodes.For) and list(node.find_all(nodes.For)):
            yield f"there is a loop in a loop (line {node.lineno})"
        yield from _foreign(node)
