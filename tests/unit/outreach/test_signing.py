"""Letters of an item that is handed over are signed by its new owner, as the plan would do it."""

from __future__ import annotations

from typing import Any

from outreach.store import items, messages, rewriting, tables
from outreach.store.database import Store
from outreach.store.drafts import gap
from outreach.store.recording import record
from outreach.store.signing import UNCLEAR, are_signed
from tests.unit.outreach.stores import NOW, draft, later, planned, rows, states, trail, words
from tests.unit.outreach.test_letters import writing

OMAR = "Omar  Haddad"  # as the owners' table has it; a letter says it on one line
BY = {"by": "ines", "now": NOW}
ANN = {"contact_id": "ann"}


def written(store: Store, customer: str = "acme", **others: Any) -> Any:
    """The letter that the plan writes."""
    record(store, by="plan", now=NOW, decisions=[planned(customer, **others)], drafts=writing())
    return only(store)


def only(store: Store) -> Any:
    (row,) = rows(store, tables.messages)
    return row


def handed(store: Store, owner_id: str | None = "omar", sender: str | None = OMAR) -> Any:
    """What became of the letters of the only item."""
    item = only(store).item_id
    return items.hand_over(store, **BY, item=item, owner_id=owner_id, sender=sender).letters


def test_a_letter_is_signed_as_if_it_were_written_for_the_new_owner(store: Store) -> None:
    row = written(store, **ANN)
    assert are_signed(store, row.item_id)
    assert handed(store).anew == [row.id]
    now, anew = only(store), writing()(planned(owner_id="omar", **ANN))
    assert anew
    assert (now.text, now.subject, now.from_name) == (anew.text, anew.subject, OMAR)
    assert "\nOmar Haddad\n" in now.text
    assert "Ines" not in now.text
    assert (now.state, now.why, trail(store)[-1]) == ("queued", None, "sign")
    assert handed(store).anew == []  # it is signed so already


def test_what_a_model_rewrote_is_signed_anew_with_the_words_before(store: Store) -> None:
    row = written(store, mode="approve", **ANN)
    after = row.text.replace("Guten Tag", "Hallo")
    rewriting.rewrite(store, **BY, message=row.id, model="m", before=row.text, after=after)
    handed(store)
    now = only(store)
    assert (now.state, now.rewritten_by) == ("awaiting_approval", "m")
    assert now.text == after.replace("Ines Novak", "Omar Haddad")
    assert now.drafted_text == row.text.replace("Ines Novak", "Omar Haddad")


def test_what_a_person_wrote_or_approved_stays_and_is_told(store: Store) -> None:
    row = written(store, mode="approve", **ANN)
    messages.edit(store, **BY, message=row.id, draft=draft(text="Yours, Ines\n"))
    assert handed(store).left == {row.id: "edited by hand"}
    messages.approve(store, **BY, message=row.id)
    assert handed(store).left == {row.id: "approved already"}
    assert (only(store).text, only(store).state) == ("Yours, Ines\n", "queued")


def test_in_the_queue_a_letter_has_a_gap_until_somebody_takes_it(store: Store) -> None:
    written(store, **ANN)
    handed(store, None, None)
    row = only(store)
    assert (row.state, row.why, row.from_name) == ("draft", "gaps: sender", None)
    assert f"\n{gap('sender')}\n" in row.text
    handed(store)
    row, anew = only(store), writing()(planned(owner_id="omar", **ANN))
    assert anew
    assert (row.state, row.why, row.text) == ("awaiting_approval", None, anew.text)


def test_a_name_that_the_customer_has_too_is_left_to_a_person(store: Store) -> None:
    row = written(store, **ANN)
    with store.begin() as tx:
        text = row.text.replace("Ann Reed", "Ines Novak")
        tx.execute(tables.messages.update().values(text=text))
    assert handed(store).left == {row.id: UNCLEAR}
    assert (only(store).text, only(store).from_name) == (text, "Ines Novak")


def test_what_has_gone_or_is_not_signed_by_us_is_not_touched(store: Store) -> None:
    record(store, by="plan", now=NOW, decisions=[planned()], drafts=words)
    assert not are_signed(store, only(store).item_id)
    assert handed(store) == items.Signed([], {})
    with store.begin() as tx:
        tx.execute(tables.messages.update().values(state="sent", from_name="Ines Novak"))
    assert handed(store) == items.Signed([], {})


def test_the_next_plan_writes_for_the_owner_who_was_handed_the_item(store: Store) -> None:
    row = written(store, **ANN)
    handed(store)
    messages.discard(store, **BY, message=row.id, why="too soon")
    tomorrow = planned(as_of=later(days=1).date(), **ANN)
    assert tomorrow.owner_id == "ines"
    record(store, by="plan", now=later(days=1), decisions=[tomorrow], drafts=writing())
    _, letter = sorted(rows(store, tables.messages), key=lambda each: each.created_at)
    assert (letter.from_name, states(store)) == (OMAR, {"acme": "queued"})
