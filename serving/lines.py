"""NDJSON: a body of many rows, one JSON object a line, in a bounded piece of memory.

The body goes to a file without a name first. So every line is known to be right before anything is
done or answered; and a caller that reads no answer before it has sent everything (most do not) is
not waited for by a service that waits for it to read.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, Iterator, Mapping
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from models.problems import Problem, Wrong, pointer
from serving.schemas import Body

IN_MEMORY = 1 << 20  # bytes; above, it lies in a file
LONGEST_LINE = 1 << 20  # bytes
SOME = 1000  # rows that are worked on at a time
MOST_TOLD = 20  # wrong lines

Row = TypeVar("Row", bound=Body)


class Lines(Generic[Row]):
    """Rows of one kind. To be closed."""

    def __init__(self, kind: type[Row], context: Mapping[str, Any] | None = None) -> None:
        self._kind, self._context = kind, context
        self._some = TypeAdapter(list[kind])  # type: ignore[valid-type]
        self._file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by `close`
        self._digest = hashlib.sha256()

    @classmethod
    async def read(
        cls,
        body: AsyncIterable[bytes],
        kind: type[Row],
        context: Mapping[str, Any] | None = None,
    ) -> Self:
        """The whole body, not looked at yet. `context`: what its validators are given."""
        lines = cls(kind, context)
        try:
            async for piece in body:
                lines._file.write(piece)
                lines._digest.update(piece)
        except BaseException:
            lines.close()
            raise
        return lines

    @property
    def digest(self) -> str:
        """SHA-256 of the body, in hexadecimal."""
        return self._digest.hexdigest()

    def require(self) -> int:
        """How many rows there are. Raises `Problem` 422 with each line that is none."""
        many = sum(len(rows) for rows in self.rows())
        if not many:
            raise Problem(422, "The body has no line.")
        return many

    def rows(self) -> Iterator[list[Row]]:
        """Some at a time, in their order. Raises `Problem` as `require` does."""
        for first, lines in self._pieces():
            filled = [line for line in lines if line.strip()]
            listed = b"[" + b",".join(filled) + b"]"
            try:
                rows = self._some.validate_json(listed, context=self._context)
            except ValidationError:
                rows = []
            # Two rows on a line would be one too many.
            if len(rows) != len(filled):
                raise Problem(422, "Some lines are no rows.", tuple(self._wrong(first, lines)))
            if rows:
                yield rows

    def _pieces(self) -> Iterator[tuple[int, list[bytes]]]:
        """Lines, and the number of their first."""
        self._file.seek(0)
        first = 1
        lines: list[bytes] = []
        while line := self._file.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                where = Wrong(f"line {first + len(lines)}", f"Over {LONGEST_LINE:,} bytes.")
                raise Problem(422, "A line is too long.", (where,))
            lines.append(line)
            if len(lines) == SOME:
                yield first, lines
                first, lines = first + len(lines), []
        yield first, lines

    def _wrong(self, first: int, lines: list[bytes]) -> Iterator[Wrong]:
        told = 0
        for number, line in enumerate(lines, first):
            try:
                if line.strip():
                    self._kind.model_validate_json(line, context=self._context)
            except ValidationError as error:
                found = error.errors(include_url=False, include_input=False, include_context=False)
                told += 1
                yield Wrong(f"line {number}{pointer(found[0]['loc'])}", found[0]["msg"])
            if told == MOST_TOLD:
                return

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
