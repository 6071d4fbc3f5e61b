"""One person erased from a home in which they lie in every way that one can."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models import inbox
from models.batch import ScoreBatch
from models.command import Run
from models.contracts import SAID
from models.erasure import Erasure, Journal, Place, journal
from models.errors import Busy, WarmlineError
from models.files import sha256
from models.home import Home, create
from models.suppression import Suppression
from outreach import erasing as outreach_erasing
from outreach import worklist
from pipelines.doctor import examine
from pipelines.erasure import forget as forgetting
from pipelines.erasure import proofs
from pipelines.features import matrix
from pipelines.history.manifest import manifest_name
from pipelines.history.parts import read_raw
from pipelines.history.store import History
from pipelines.intake import take_up
from pipelines.lock import exclusive
from pipelines.snapshots import night as night_of
from tests import planted

LATER = datetime(2026, 7, 2, 9, tzinfo=UTC)
OUTCOMES = ("new", "corrected", "repeated", "conflicting", "removed", "rejected", "erased")
LATEST = datetime(2026, 7, 3, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A home in which the person lies, and the folders that it came from."""
    place = tmp_path_factory.mktemp("planted")
    home, _ = create(place / "home")
    folders = planted.ingested(home, place / "sources")
    planted.published(home)
    planted.recorded(home)
    return home, folders


@pytest.fixture
def home(whole, tmp_path):
    """A copy, to be changed."""
    shutil.copytree(whole[0].root, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def erased(home):
    forget(home)
    return home


def run_of(home: Home, now: datetime = LATER) -> Run:
    return Run(home.root, json=True, verbose=False, now=now)


def forget(home: Home, who: str = planted.PERSON, **options: bool) -> forgetting.Forgotten:
    return forgetting.forget(run_of(home), who, outreach_erasing.places(), **options)


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def said(home: Home) -> list[int]:
    """What each row of the history says, as codes, versions that count no more included."""
    history = History.open(home.history)
    return sorted(
        int(bits)
        for part in history.manifest.parts
        for bits in read_raw(history.folder, part, ("said",)).said
    )


def test_the_codes_of_what_a_person_said_go_with_their_rows(whole, home):
    text, effort = 1 << SAID.index("text"), 1 << SAID.index("effort")
    assert said(whole[0]).count(text | effort) == 1  # "zebrafink again"
    forget(home)
    # An order of somebody else, and their "it hurts", also where it lay before a merge was undone.
    assert said(home) == [0, text, text]


def test_the_planted_home_holds_every_word_of_the_person(whole):
    found = set().union(*planted.hits(whole[0].root).values())
    assert found == set(planted.WORDS)


@pytest.mark.parametrize("asked", [planted.PERSON, "OLD-7001", "hd-88412", "bill-3390"])
def test_no_file_of_the_home_holds_a_word_of_the_person_after_it(home, asked):
    done = forget(home, asked)
    assert planted.hits(home.root) == {}
    assert done.removed["interactions"] > 0
    assert not journal(home).exists()


def test_a_dry_run_counts_what_goes_and_changes_nothing(home):
    before = contents(home.root)
    told = forget(home, dry_run=True)
    assert contents(home.root) == before
    assert told.proof is None
    assert told.removed == forget(home).removed


def test_the_counts_say_where_the_person_lay(home):
    assert forget(home).removed == {
        "interactions": 9,  # one of them an older version, two moved there and back by a merge
        "contacts_of_others_rows": 1, "cases": 3, "customers": 3, "terms": 1, "contacts": 1,
        "consents": 1, "attributes": 1, "identities": 3, "others_that_name_them": 2, "pending": 1,
        "customer_ids": 2, "scores": 6, "not_scored": 6, "unfinished_runs": 1, "worklists": 3,
        "decisions": 3, "assignments_renamed": 3, "rejects": 1, "records": 5,
    }  # fmt: skip


def test_nobody_elses_interactions_change(home):
    before = others(home)
    forget(home)
    after = others(home)
    # That a contact of the erased wrote for another customer is not kept either.
    assert [row.pop("contact_id") for row in before] == ["", "ct-5510"]
    assert [row.pop("contact_id") for row in after] == ["", ""]
    assert after == before


def others(home: Home) -> list[dict]:
    frame = History.open(home.history).table("interactions").astype(object)
    rows = frame.where(frame.notna(), "").to_dict("records")
    return [row for row in rows if row["customer_id"] in ("CALM-1", "KIND-1")]


@pytest.mark.parametrize("table", ["customers", "terms", "contacts", "consents", "attributes"])
def test_nobody_elses_rows_of_the_tables_change(home, table):
    def rows():
        frame = History.open(home.history).table(table)
        frame = frame[~frame["customer_id"].isin([planted.PERSON, "OLD-7001"])]
        return frame.drop(columns="parent_id", errors="ignore").reset_index(drop=True)

    before = rows()
    forget(home)
    assert len(before) > 0
    assert rows().equals(before)


def test_files_without_the_person_stay_to_the_byte(home):
    before = contents(home.root)
    untouched = set(before) - set(planted.hits(home.root))
    forget(home)
    after = contents(home.root)
    changes = {
        "history/CURRENT", "history/manifest-000002.json", "history/manifest-000003.json",
        "history/g000001/bucket-00000.arrows", "history/g000002/bucket-00000.arrows",
        "history/g000003/bucket-00000.arrows", "history/g000003/bucket-00000-side.parquet",
    }  # fmt: skip
    for name in untouched:
        if name in changes or "removed-" in name or "/cases/" in name or "g00000" in name:
            continue
        if name.startswith("scores/") or name.endswith("origin.json"):
            continue  # runs and what names them: below
        assert after[name] == before[name], name


def test_everybody_elses_features_stay_the_same(home):
    before = features(home)
    forget(home)
    after = features(home)
    history = History.open(home.history)
    stay = [history.numbers[one] for one in ("CALM-1", "KIND-1")]
    assert np.array_equal(after[stay], before[stay], equal_nan=True)
    assert np.isfinite(after[stay]).any()


def features(home: Home) -> np.ndarray:
    history, settings = History.open(home.history), run_of(home).settings
    night = night_of(planted.NIGHTS[-1], settings.zone, settings.training.usual_hour)
    known = matrix.context(history, settings, [night])
    rows = np.full((len(history.numbers), len(matrix.features())), np.nan)
    for block in matrix.stream(history, [night], known):
        rows[block.customers] = block.values[0]
    return rows


def test_scores_are_the_same_without_the_person_under_a_new_run(home):
    old = {night: ScoreBatch.open(home.scores, night) for night in planted.NIGHTS}
    rows = {night: batch.table().to_pylist() for night, batch in old.items()}
    forget(home)
    for night in planted.NIGHTS:
        new = ScoreBatch.open(home.scores, night)
        new.verify()
        assert new.run == f"{old[night].run}.e1"
        kept = [row for row in rows[night] if row["customer_id"] != planted.PERSON]
        assert new.table().to_pylist() == kept
        assert not old[night].path.exists()
        answers = new.answers()
        assert answers.find([planted.PERSON, "OLD-7001"]) == [None, None]
        assert answers.whose("HD-88412", "hd") == "HD-88412"  # nobody's any more
        assert answers.whose("HD-1", "hd") == "CALM-1"
        assert len(list(new.path.parent.glob("run=*"))) == 2  # the superseded one, cleared too


def test_what_waits_in_the_inbox_goes_too(home):
    row = {"interaction_id": "e1", "customer_id": planted.PERSON, "source": "endpoint",
           "kind": "complaint", "occurred_at": "2026-06-30T10:00:00Z",
           "text": "zebrafink"}  # fmt: skip
    calm = {**row, "interaction_id": "e2", "customer_id": "CALM-1", "text": "all is well"}
    inbox.add(home.root, "endpoint-1", [row, calm], now=LATER)
    forget(home)
    assert planted.hits(home.root) == {}
    assert inbox.take(home.root) == []
    assert "e2" in set(History.open(home.history).events_of("CALM-1")["interaction_id"])


def test_what_names_a_run_names_the_one_that_stands(erased):
    for night in planted.NIGHTS:
        run = ScoreBatch.open(erased.scores, night).run
        assert worklist.Origin.read(erased.root, night).run == run
        record = json.loads((erased.nights / f"as_of={night}.json").read_bytes())
        assert (record["run"], record["done"]["score"]["run"]) == (run, run)


def test_the_list_keeps_the_others_with_their_ranks(erased):
    for night in planted.NIGHTS:
        rows = worklist.read(erased.root, night).to_pylist()
        assert [(row["rank"], row["customer_id"]) for row in rows] == [(1, "CALM-1"), (3, "KIND-1")]


def test_the_log_of_decisions_keeps_every_row_under_one_pseudonym(erased):
    named = set()
    for night in planted.NIGHTS:
        path = erased.root / "assignments" / f"as_of={night}" / "assignments.parquet"
        rows = pq.read_table(path, partitioning=None).to_pylist()
        assert [row["decision_id"] for row in rows] == ["d0", "d1", "d2"]
        assert rows[0]["customer_id"] == "CALM-1"
        named.add(rows[1]["customer_id"])
    assert len(named) == 1
    assert named.pop().startswith("erased-")


def test_bringing_the_same_sources_again_does_not_bring_the_person_back(whole, erased, monkeypatch):
    monkeypatch.setenv("WARMLINE_INGEST__MAX_REJECT_SHARE", "1")
    generation = History.open(erased.history).generation
    words = []
    for folder in whole[1]:
        report = take_up(run_of(erased), str(folder), None)
        words += [line for line in report.lines() if "erased" in line]
        for counts in report.tables.values():
            outcomes = [getattr(counts, name) for name in OUTCOMES]
            assert counts.rows == sum(outcomes)
    assert words == [
        "15 rows of erased persons were left out", "5 rows of erased persons were left out",
    ]  # fmt: skip
    assert planted.hits(erased.root) == {}
    # The household of the erased parent is still known: its rows come as they stand.
    assert History.open(erased.history).generation == generation


def test_a_new_customer_with_an_id_that_the_person_had_in_another_system_is_welcome(
    erased, tmp_path
):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "customers.csv").write_text(
        "customer_id,joined_at\nbill-3390,2026-06-01T00:00:00Z\n", encoding="utf-8"
    )
    (folder / "interactions.csv").write_text(
        "interaction_id,customer_id,occurred_at,kind\n1,bill-3390,2026-06-02T00:00:00Z,order\n",
        encoding="utf-8",
    )
    assert take_up(run_of(erased), str(folder), None).interactions.new == 1
    assert len(History.open(erased.history).events_of("bill-3390")) == 1


def test_customers_under_another_systems_id_do_not_come_back_either(erased, tmp_path):
    folder = tmp_path / "plants"
    folder.mkdir()
    (folder / "customers.csv").write_text(
        "customer_id,joined_at,name\nhd-88412,2026-06-01T00:00:00Z,Jo Quistorp\n",
        encoding="utf-8",
    )
    report = take_up(run_of(erased), str(folder), None)
    assert report.tables["customers"].erased == 1
    assert planted.hits(erased.root) == {}


def test_a_household_keeps_together_without_its_parent(erased):
    parent = History.open(erased.history).table("customers").set_index("customer_id")["parent_id"]
    assert parent["KIND-1"].startswith("erased-")


def test_an_erased_customer_can_be_read_and_has_nothing(erased):
    history = History.open(erased.history)
    assert planted.PERSON not in history.numbers
    assert len(history.numbers) == 4
    nameless = [word for word in history.numbers if word.startswith("erased-customer-")]
    assert len(nameless) == 2
    assert all(len(history.events_of(word)) == 0 for word in nameless)


def test_a_past_generation_says_how_many_were_erased_since(erased):
    history = History.open(erased.history)
    assert history.manifest.erased == 1
    assert [past.erased for past in history.manifest.past] == [0, 0, 0]
    assert set(history.at(1).table("interactions")["customer_id"]) == {"CALM-1", "KIND-1"}


def test_the_proof_names_nobody_and_fits_the_history(erased):
    (proof,) = proofs.read(erased)
    assert (proof.generation_before, proof.generation_after) == (3, 4)
    assert proof.manifest_sha256 == sha256(erased.history / manifest_name(4))
    assert len(proof.person) == 64


def test_erasing_again_shows_the_proof_and_changes_nothing(erased):
    before = contents(erased.root)
    for asked in (planted.PERSON, "OLD-7001", "hd-88412"):
        again = forgetting.forget(run_of(erased, LATEST), asked, outreach_erasing.places())
        assert again.again
        assert again.proof == proofs.read(erased)[0]
    assert contents(erased.root) == before


def test_an_unknown_id_is_refused_and_nothing_changes(home):
    before = contents(home.root)
    with pytest.raises(WarmlineError, match=r"has the id 'nobody'.*Nothing was changed"):
        forget(home, "nobody")
    assert contents(home.root) == before | {".nightly.lock": b""}


def test_one_person_after_another(erased):
    done = forget(erased, "KIND-1")
    assert done.proof.erasure == 2
    assert planted.hits(erased.root, (*planted.WORDS, "kind-1", "kim other")) == {}
    batch = ScoreBatch.open(erased.scores, planted.NIGHTS[0])
    assert batch.run.endswith("Z.e2")
    assert batch.table().to_pydict()["customer_id"] == ["CALM-1"]
    assert History.open(erased.history).manifest.erased == 2


def test_somebody_who_only_waits_for_their_customer_is_erased_too(home):
    words = ("nobody-yet",)
    assert planted.hits(home.root, words)
    forget(home, "NOBODY-YET")
    assert planted.hits(home.root, words) == {}


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("magda.q@example.net", True),
        (" MAGDA.Q@example.net", True),
        ("kim.other@example.net", False),
    ],
)
def test_nobody_may_write_to_an_erased_address(erased, asked, known):
    assert Suppression.of(erased).email(asked) is known


@pytest.mark.parametrize(
    ("asked", "known"),
    [("+49 30 5550199", True), ("0049-30-5550199", True), ("+49 30 7770001", False)],
)
def test_nobody_may_call_an_erased_number(erased, asked, known):
    assert Suppression.of(erased).phone(asked) is known


def test_without_its_key_the_list_is_not_passed_over(erased, whole):
    (erased.root / "secret.key").unlink()
    with pytest.raises(WarmlineError, match=r"secret\.key is missing"):
        take_up(run_of(erased), str(whole[1][0]), None)
    assert not next(f for f in examine(erased.root, LATER) if f.name == "erasure").ok


def test_an_erasure_that_was_cut_off_keeps_others_from_writing_until_it_is_completed(home, whole):
    cut_off(home)
    assert (journal(home).stat().st_mode & 0o777) == 0o600
    with pytest.raises(WarmlineError, match=r"is not finished.*Nothing was changed"):
        take_up(run_of(home), str(whole[1][0]), None)
    assert not next(f for f in examine(home.root, LATER) if f.name == "erasure").ok
    proof = forgetting.complete(run_of(home), outreach_erasing.places())
    assert proof is not None
    assert planted.hits(home.root) == {}
    assert proof.removed["worklists"] == 3
    assert next(f for f in examine(home.root, LATER) if f.name == "erasure").ok


def cut_off(home: Home) -> None:
    """An erasure that the lists stop."""

    def stops(home: Home, erasure: Erasure) -> None:
        raise OSError("the disk is full")

    lists, *others = outreach_erasing.places()
    with pytest.raises(OSError, match="the disk is full"):
        forgetting.forget(run_of(home), planted.PERSON, (replace(lists, erase=stops), *others))
    assert Journal.read(home).done == ("history", "scores")


def test_erasing_another_completes_what_was_cut_off_first(home):
    cut_off(home)
    done = forget(home, "KIND-1")
    assert done.proof.erasure == 2
    assert len(proofs.read(home)) == 2
    assert planted.hits(home.root, (*planted.WORDS, "kind-1")) == {}


def test_no_erasure_while_a_night_or_an_ingest_runs(home):
    for lock in (home.lock, home.history / ".lock"):
        with exclusive(lock, "other"), pytest.raises(Busy):
            forget(home)
    assert not journal(home).exists()


def test_places_of_others_take_part(home):
    seen = []
    further = Place("further", lambda *_: {"further": 1}, lambda home, one: seen.append(one.number))
    places = (*outreach_erasing.places(), further)
    done = forgetting.forget(run_of(home), planted.PERSON, places)
    assert done.removed["further"] == 1
    assert seen == [1]


def test_history_and_scores_by_url_hold_nothing_of_the_person_either(home, tmp_path, monkeypatch):
    from models.storage import push_scores
    from pipelines import storage

    for name in ("history", "scores"):
        (tmp_path / "mount" / name).mkdir(parents=True)
        monkeypatch.setenv(f"WARMLINE_STORAGE__{name.upper()}", f"file://{tmp_path}/mount/{name}")
    run = run_of(home)
    storage.push_history(run)
    for night in planted.NIGHTS:
        push_scores(home, run.settings, night, now=run.now)
    assert len(planted.hits(tmp_path / "mount")) > 10
    forget(home)
    assert planted.hits(tmp_path) == {f"home/{name}": words for name, words in ()}
    other, _ = create(tmp_path / "other")
    storage.pull(run_of(other), as_of=planted.NIGHTS[0])
    assert len(History.open(other.history).table("interactions")) == len(others(home))


def test_a_table_of_the_sources_words_is_found_by_the_scan(tmp_path):
    """The scan itself: it looks into columns, archives and databases."""
    pq.write_table(pa.table({"x": [["zebrafink"]]}), tmp_path / "a.parquet", compression="zstd")
    assert planted.hits(tmp_path) == {"a.parquet": {"zebrafink"}}
