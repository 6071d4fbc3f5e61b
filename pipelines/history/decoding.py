"""Columns of our own Parquet files, decoded where they lie in the file into memory used before.

For what `partfiles` writes: pages that are not compressed, of numbers that are never absent. A
column that is anything else is left to whoever knows all of Parquet. pyarrow takes twice as long:
for compression, for new memory, and for going value by value where eight lie in a word
(docs/decisions/0002-history-layout.md).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from pipelines.history.rooms import Rooms

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]  # the eight bytes from each byte of the file on
Out = NDArray[np.unsignedinteger]
U = np.uint64

BITS: dict[int, type[np.generic]] = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
STORED_BITS = {"BOOLEAN": 1, "INT32": 32, "INT64": 64, "DOUBLE": 64}
MOST_WORDS = 1 << 18  # of a dictionary: no row group has more rows
# What a page is, how many bytes follow its header, of how many values in which encoding.
KIND, UNPACKED, STORED, VALUES, ENCODING = range(5)
DATA_PAGE, DICTIONARY_PAGE = 0, 2
PLAIN, PLAIN_DICTIONARY, DELTA, DICTIONARY = 0, 2, 5, 8
# Thrift's compact form of what a header holds.
STOP, TRUE, FALSE, LARGEST_NUMBER, DOUBLE, TEXT, STRUCT = 0, 1, 2, 6, 7, 8, 12
MALFORMED = -1


def decode(
    file: pq.ParquetFile, source: pa.Buffer, names: Collection[str], rooms: Rooms
) -> dict[str, NDArray[Any]]:
    """Those columns of the file (whose bytes are `source`) that are as said above, by name."""
    raw = np.frombuffer(source, np.uint8)
    words = np.ndarray(len(raw) - 7, U, source, 0, (1,))
    table, page = np.empty(MOST_WORDS, U), np.empty(5, np.int64)
    found: dict[str, NDArray[Any]] = {}
    for name in names:
        place = file.schema_arrow.get_field_index(name)
        chunks, stored = _chunks(file, place), file.schema.column(place).physical_type
        if chunks is None or stored not in STORED_BITS:
            continue
        dtype = file.schema_arrow.field(place).type.to_pandas_dtype()
        column = rooms.array(file.metadata.num_rows, dtype=dtype)
        bits = BITS[column.itemsize]
        room, out = table.view(bits)[:MOST_WORDS], column.view(bits)
        if _decode(raw, words, chunks, STORED_BITS[stored], room, page, out):
            found[name] = column
    return found


def _chunks(file: pq.ParquetFile, place: int) -> NDArray[np.int64] | None:
    """Where the pages of a column begin and end in each row group, and of how many values; None
    where they are compressed or some are absent."""
    facts = file.metadata
    chunks = [facts.row_group(group).column(place) for group in range(facts.num_row_groups)]
    packed = any(chunk.compression != "UNCOMPRESSED" for chunk in chunks)
    if packed or file.schema.column(place).max_definition_level:
        return None
    where = np.empty((len(chunks), 3), np.int64)
    for number, chunk in enumerate(chunks):
        words, values = chunk.dictionary_page_offset, chunk.data_page_offset
        begin = words if chunk.has_dictionary_page else values
        where[number] = begin, begin + chunk.total_compressed_size, chunk.num_values
    return where


@in_place
def _decode(
    raw: Bytes, words: Words, chunks: NDArray[np.int64], stored: int, table: Out,
    page: NDArray[np.int64], out: Out,
) -> bool:  # fmt: skip
    """Writes the values of all chunks into `out`; returns whether they are what was expected."""
    row = 0
    for chunk in range(len(chunks)):
        place, end, until = chunks[chunk, 0], chunks[chunk, 1], row + chunks[chunk, 2]
        if until > len(out) or end > len(words):
            return False
        while row < until:
            place = _header(raw, place, end, page)
            many, after = page[VALUES], place + page[STORED]
            if place < 0 or page[STORED] < 0 or after > end or many < 1:
                return False
            if (
                page[KIND] == DICTIONARY_PAGE
                and many <= len(table)
                and page[ENCODING] in (PLAIN, PLAIN_DICTIONARY)
            ):
                if not _plain(words, U(place), U(after), stored, U(0), U(many), table, table):
                    return False
            elif page[KIND] != DATA_PAGE or many > until - row:
                return False
            else:
                if not _values(
                    raw,
                    words,
                    U(place),
                    U(after),
                    stored,
                    page[ENCODING],
                    U(row),
                    U(many),
                    table,
                    out,
                ):
                    return False
                row += many
            place = after
    return row == len(out)


@in_place
def _values(
    raw: Bytes, words: Words, place: U, end: U, stored: int, encoding: int, row: U, many: U,
    table: Out, out: Out,
) -> bool:  # fmt: skip
    """The values of a page into `out` from `row` on."""
    if encoding == DELTA:
        return _deltas(raw, words, place, end, row, many, out)
    if encoding in (DICTIONARY, PLAIN_DICTIONARY):
        return _runs(raw, words, place, end, row, many, table, out)
    return encoding == PLAIN and _plain(words, place, end, stored, row, many, table, out)


@in_place
def _number(raw: Bytes, place: U) -> tuple[U, U]:
    """A number of seven bits a byte, the lowest first, and the place past it."""
    number, shift = U(0), U(0)
    while shift < U(63):
        byte = U(raw[place])
        place += U(1)
        number |= (byte & U(127)) << shift
        if byte < U(128):
            break
        shift += U(7)
    return number, place


@in_place
def _signed(raw: Bytes, place: U) -> tuple[np.int64, U]:
    """As `_number`, whose lowest bit is its sign."""
    number, place = _number(raw, place)
    return np.int64(number >> U(1)) ^ -np.int64(number & U(1)), place


@in_place
def _header(  # noqa: C901 - a branch a type
    raw: Bytes, begin: int, end: int, page: NDArray[np.int64]
) -> int:
    """Notes what a page's header says in `page`; returns the place past it, or MALFORMED."""
    place, depth, field, outer = U(begin), 0, np.int64(0), np.int64(0)
    page[:] = 0
    while place < U(end):
        byte = np.int64(raw[place])
        place += U(1)
        if byte == STOP:
            if depth == 0:
                return int(place)
            depth -= 1
            field = outer
            continue
        kind = byte & 15
        field += byte >> 4
        if byte >> 4 == 0:
            field, place = _signed(raw, place)
        if kind == STRUCT:
            if depth == 0:
                outer = field
            depth, field = depth + 1, np.int64(0)
        elif kind == TEXT:
            length, place = _number(raw, place)
            if length > U(end):
                return MALFORMED
            place += length
        elif kind == DOUBLE:
            place += U(8)
        elif FALSE < kind <= LARGEST_NUMBER:
            number, place = _signed(raw, place)
            if depth == 0 and 1 <= field <= 3:
                page[field - 1] = number
            elif depth == 1 and 1 <= field <= 2:
                page[VALUES + field - 1] = number
        elif kind > FALSE:
            return MALFORMED
    return MALFORMED


@in_place
def _plain(
    words: Words, place: U, end: U, stored: int, row: U, many: U, table: Out, out: Out
) -> bool:
    """Values as they are, of so many bits each."""
    if place + ((many * U(stored) + U(7)) >> U(3)) > end:
        return False
    if stored == 1:
        table[0], table[1] = 0, 1
        _unpack(words, place, U(1), row, many, table, out)
    elif stored == 32:
        for i in range(many):
            out[row + i] = words[place + U(4) * i]
    else:
        for i in range(many):
            out[row + i] = words[place + U(8) * i]
    return True


@in_place
def _unpack(words: Words, place: U, width: U, row: U, many: U, table: Out, out: Out) -> None:
    """Words of the dictionary, whose places are packed in `width` bits each."""
    mask, done = (U(1) << width) - U(1), U(0)
    for _ in range(many >> U(3)):
        if width <= U(8):
            eight = words[place]
            for i in range(U(8)):
                out[row + done + i] = table[(eight >> (i * width)) & mask]
        else:
            for i in range(U(8)):
                out[row + done + i] = table[_bits(words, place, i * width) & mask]
        place += width
        done += U(8)
    for i in range(many - done):
        out[row + done + i] = table[_bits(words, place, i * width) & mask]


@in_place
def _bits(words: Words, place: U, bit: U) -> U:
    """At least 57 bits from a bit on."""
    return U(words[place + (bit >> U(3))] >> (bit & U(7)))


@in_place
def _runs(
    raw: Bytes, words: Words, place: U, end: U, row: U, many: U, table: Out, out: Out
) -> bool:
    """Places in the dictionary, some packed and some as runs of the same."""
    width = U(raw[place])
    place += U(1)
    until, mask = row + many, (U(1) << width) - U(1)
    if width > U(32) or mask >= U(len(table)):
        return False
    while row < until:
        if place >= end:
            return False
        head, place = _number(raw, place)
        if head & U(1):
            if (head >> U(1)) * max(width, U(1)) > end - place or head > U(2 * MOST_WORDS):
                return False
            few = min((head >> U(1)) << U(3), until - row)
            after = place + (head >> U(1)) * width
            if after > end:
                return False
            _unpack(words, place, width, row, few, table, out)
            place = after
        else:
            few = min(head >> U(1), until - row)
            value = table[words[place] & mask]
            for i in range(few):
                out[row + i] = value
            place += (width + U(7)) >> U(3)
        if few == U(0):
            return False
        row += few
    return True


@in_place
def _deltas(raw: Bytes, words: Words, place: U, end: U, row: U, many: U, out: Out) -> bool:
    """Differences from value to value, less the least of a block, packed as wide as each of its
    miniblocks needs."""
    block, place = _number(raw, place)
    minis, place = _number(raw, place)
    _, place = _number(raw, place)
    value, place = _signed(raw, place)
    if minis == U(0) or minis > U(64) or block == U(0) or block > U(MOST_WORDS):
        return False
    if block % (minis * U(32)) != U(0):
        return False
    out[row] = value
    row, left = row + U(1), many - U(1)
    while left > U(0):
        if place + minis >= end:
            return False
        least, widths = _signed(raw, place)
        place = widths + minis
        for mini in range(minis):
            few, width = min(block // minis, left), U(raw[widths + mini])
            after = place + ((width * (block // minis)) >> U(3))
            if few == U(0):
                break
            if width > U(56) or after > end:
                return False
            value = _add_up(words, place, width, least, value, row, few, out)
            place, row, left = after, row + few, left - few
    return True


@in_place
def _add_up(
    words: Words, place: U, width: U, least: np.int64, value: np.int64, row: U, many: U, out: Out
) -> np.int64:
    """The values of a miniblock after `value`; returns the last."""
    mask, done = (U(1) << width) - U(1), U(0)
    if width == U(0) and least == 0:
        for i in range(many):
            out[row + i] = value
        return value
    for _ in range(many >> U(3)):
        for i in range(U(8)):
            value += least + np.int64(_bits(words, place, i * width) & mask)
            out[row + done + i] = value
        place += width
        done += U(8)
    for i in range(many - done):
        value += least + np.int64(_bits(words, place, i * width) & mask)
        out[row + done + i] = value
    return value
