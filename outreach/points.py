"""Contact points of many customers at once: addresses in their canonical form, in columns.

What most addresses need (lower case, no `+tag`) is done by Arrow; `contact_point` sees to the rest,
and is the reference that both must equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outreach import contact_point

if TYPE_CHECKING:
    import pyarrow as pa

    from models.contracts import CustomerBook

KINDS = ("email", "phone")
# A contact point of each kind closes these ways.
WAYS = {"email": ("email",), "phone": ("phone", "sms")}
# Plain ASCII, nothing that IDNA would change; `--` stands third in what it encodes.
_PLAIN = (
    r"^[A-Za-z0-9._%-]+(\+[A-Za-z0-9._%+-]*)?"
    r"@[A-Za-z0-9]+([.-][A-Za-z0-9]+)*\.[A-Za-z]{2,63}$"
)


@dataclass(frozen=True)
class Points:
    """n contact points: customer_id, contact_id (null: the customer's own), kind, point."""

    table: pa.Table

    @classmethod
    def none(cls) -> Points:
        """Where there is nothing to compare."""
        import pyarrow as pa

        names = ("customer_id", "contact_id", "kind", "point")
        return cls(pa.schema([(name, pa.string()) for name in names]).empty_table())

    @classmethod
    def of(cls, book: CustomerBook, wanted: pa.Array, key: bytes | None) -> Points:
        """Those of the customers `wanted`. With `key` each is the keyed hash of its canonical form,
        as the ledger has it; else that form itself, to be compared and forgotten."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found = []
        for kind in KINDS:
            rows = book.addresses(kind)
            rows = rows.filter(pc.is_in(rows["customer_id"], value_set=wanted))
            point = canonical(kind, rows["address"])
            if key is not None:
                point = _keyed(key, kind, point)
            found.append(
                rows.drop(["address"])
                .append_column("kind", pa.repeat(kind, rows.num_rows))
                .append_column("point", point)
                .filter(pc.is_valid(point))
            )
        return cls(pa.concat_tables(found))


def canonical(kind: str, addresses: pa.ChunkedArray) -> pa.ChunkedArray:
    """The canonical form of each; null for what is no address."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind != "email":
        return pa.chunked_array(
            [pa.array([_slow(kind, a) for a in addresses.to_pylist()], pa.string())]
        )
    plain = pc.fill_null(pc.match_substring_regex(addresses, _PLAIN), False)
    plain = pc.and_(plain, pc.less_equal(pc.utf8_length(addresses), 200))
    simple = pc.replace_substring_regex(pc.ascii_lower(addresses), r"\+[^@]*@", "@")
    others = addresses.filter(pc.invert(plain)).to_pylist()
    mended = pa.array([_slow(kind, address) for address in others], pa.string())
    return pc.replace_with_mask(
        pa.chunked_array([simple.combine_chunks()]) if simple.num_chunks != 1 else simple,
        pc.invert(plain).combine_chunks(), mended,
    )  # fmt: skip


def _slow(kind: str, address: str | None) -> str | None:
    if address is None:
        return None
    try:
        return contact_point.canonical(kind, address)
    except contact_point.NotAnAddress:
        return None


def _keyed(key: bytes, kind: str, points: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    told = [None if p is None else contact_point.keyed(key, kind, p) for p in points.to_pylist()]
    return pa.chunked_array([pa.array(told, pa.string())])
