"""Words become codes at ingest: in every version, by one lexicon; none cost nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from models.contracts import DAY, SAID
from models.errors import WrongUsage
from models.settings import Features, Settings
from pipelines.features import matrix
from pipelines.history.manifest import manifest_name
from pipelines.history.partfiles import read_coded, write_coded
from pipelines.history.store import History
from pipelines.history.words import Lexicon, lexicon
from pipelines.history.words.lexicon import OURS
from tests.integration.history.conftest import CUSTOMERS, NOW, Place
from tests.integration.history.test_two_times import day

HEAD = "interaction_id,customer_id,occurred_at,kind,channel,text,updated_at\n"
ROWS = (
    "1,acme,2026-01-01T00:00Z,message_in,email,I am not happy,\n"
    "2,acme,2026-01-02T00:00Z,message_out,email,There is nothing we can do,\n"
    "3,acme,2026-01-03T00:00Z,message_in,email,,\n"
    "4,bolt,2026-01-04T00:00Z,complaint,email,Ich kündige,\n"
)
WITHOUT = "interaction_id,customer_id,occurred_at,kind\n1,acme,2026-01-01T00:00Z,message_in\n"


def said(history: History) -> list[set[str]]:
    """What each row says, customer by customer in order of time."""
    bits = [int(b) for bucket in range(history.buckets) for b in history.versions(bucket).said]
    return [{word for n, word in enumerate(SAID) if one >> n & 1} for one in bits]


SAID_FIRST = [{"text", "negative"}, {"text", "refused"}, set(), {"text", "leaving"}]


@pytest.fixture
def filled(place: Place) -> Place:
    place.ingest(place.source(customers=CUSTOMERS, interactions=HEAD + ROWS))
    return place


@pytest.fixture
def danish(tmp_path: Path) -> Lexicon:
    path = tmp_path / "danish.toml"
    path.write_text('positive = ["there is nothing"]\nharmless = ["not happy"]\n')
    return lexicon(str(path))


def coded_file(place: Place) -> Path:
    return place.history / place.open().manifest.parts[0].coded.path


def test_words_are_coded_at_ingest(filled):
    assert said(filled.open()) == SAID_FIRST
    assert filled.open().manifest.lexicon == OURS.version
    assert not filled.ingest(filled.root / "crm").changed


def test_a_history_without_words_has_a_column_that_is_not_even_read(place):
    place.ingest(place.source(customers=CUSTOMERS, interactions=WITHOUT))
    events = place.open().versions(0)
    assert events.said.tolist() == [0]
    assert events.said.strides == (0,)
    assert events.wordless


def test_other_words_are_another_version_and_a_night_sees_those_it_knew(filled):
    other = HEAD + "1,acme,2026-01-01T00:00Z,message_in,email,Great service,2026-02-01T00:00Z\n"
    report = filled.ingest(filled.source(interactions=other), now=NOW + timedelta(days=1))
    assert report.interactions.corrected == 1
    history = filled.open()
    nights = [matrix.Night(day(date), day(date)) for date in ("2026-01-20", "2026-02-20")]
    events, joined = history.versions(0), np.zeros(1, np.int64)
    context = matrix.Context(history.bots(), np.full(10, DAY))
    found = matrix.compute(events, np.zeros(1, np.int32), joined, nights, context)
    assert found[:, 0, matrix.column("bad_tone_count_90")].tolist() == [1, 0]
    assert found[:, 0, matrix.column("good_tone_count_90")].tolist() == [0, 1]


def test_rows_that_wait_for_their_customer_are_coded_when_they_come(filled):
    late = HEAD + "9,cora,2026-01-05T00:00Z,message_in,email,I love it,\n"
    filled.ingest(filled.source(interactions=late))
    assert len(said(filled.open())) == 4
    filled.ingest(filled.source(customers=CUSTOMERS + "cora,2025-01-01T00:00Z\n"))
    assert {"text", "positive"} in said(filled.open())


def test_another_lexicon_codes_all_words_anew_with_the_next_ingest(filled, danish):
    before = filled.open()
    assert not filled.ingest(filled.root / "crm").changed
    assert filled.ingest(filled.root / "crm", lexicon=danish, dry_run=True).changed
    assert said(filled.open()) == SAID_FIRST
    assert filled.ingest(filled.root / "crm", lexicon=danish).changed
    after = filled.open()
    assert said(after) == [{"text"}, {"text", "refused"}, set(), {"text", "leaving"}]
    assert (after.generation, after.manifest.lexicon) == (before.generation + 1, danish.version)
    assert not filled.ingest(filled.root / "crm", lexicon=danish).changed
    assert (
        after.events_of("acme")
        .drop(columns="text")
        .equals(before.events_of("acme").drop(columns="text"))
    )


def test_features_of_words_that_other_lists_coded_are_refused_until_the_next_ingest(
    filled, danish, tmp_path
):
    settings = Settings(features=Features(words=str(tmp_path / "danish.toml")))
    with pytest.raises(WrongUsage, match="run `warmline ingest` with any source"):
        matrix.context(filled.open(), settings, [])
    filled.ingest(filled.root / "crm", lexicon=danish)
    assert len(matrix.context(filled.open(), settings, []).bots) == 0
    with pytest.raises(WrongUsage, match="coded by other lists"):
        matrix.context(filled.open(), Settings(), [])


def test_what_newer_versions_said_of_a_row_stays_with_it(filled, danish):
    other = HEAD + "1,acme,2026-01-01T00:00Z,message_in,email,Great service,2026-02-01T00:00Z\n"
    filled.ingest(filled.source(interactions=other))
    until = filled.open().versions(0).until.tolist()
    filled.ingest(filled.root / "crm", lexicon=danish)
    assert filled.open().versions(0).until.tolist() == until
    assert sorted(map(sorted, said(filled.open())))[1:3] == [
        ["leaving", "text"],
        ["positive", "text"],
    ]


def test_parts_written_before_there_were_codes_read_as_not_known_and_are_coded_at_once(filled):
    path = coded_file(filled)
    parquet = write_coded(path.with_suffix(""), read_coded(path)[0], small=0)
    pq.write_table(pq.read_table(parquet).drop_columns(["said"]), parquet)
    path.unlink()
    manifest = filled.history / manifest_name(1)
    content = json.loads(manifest.read_text()) | {"format": 2}
    content["parts"][0]["coded"]["path"] = str(parquet.relative_to(filled.history))
    del content["lexicon"]
    manifest.write_text(json.dumps(content))
    history = filled.open()
    assert history.manifest.lexicon == ""
    assert said(history) == [set()] * 4
    assert filled.ingest(filled.root / "crm").changed
    assert said(filled.open()) == SAID_FIRST


def test_another_lexicon_asks_for_another_model(danish, tmp_path):
    declared = Features(words=str(tmp_path / "danish.toml"))
    assert matrix.fingerprint(declared) != matrix.fingerprint()
    changed = {
        one.group
        for one, other in zip(matrix.features(declared), matrix.features(), strict=True)
        if one.definition != other.definition
    }
    assert changed == {"tone", "effort_word", "leaving_word", "refusal"}
