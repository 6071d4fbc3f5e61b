"""Database URLs: what is understood, what is shown, and what a password may look like."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from models.errors import WarmlineError, WrongUsage
from models.settings import load
from pipelines.history.addresses import is_url, parse
from pipelines.history.selects import prepared, tables_of

ENVIRONMENT = {"PW": "s/e@c:r%t#", "WHOLE": "postgresql://kim:s%2Fe@db/crm", "EMPTY": ""}
TIMEOUT = "?connect_timeout=30"


@pytest.mark.parametrize(
    ("url", "name", "shown", "uri"),
    [
        ("postgresql://kim:pw@db:5433/crm", "crm", "postgresql://db:5433/crm",
         f"postgresql://kim:pw@db:5433/crm{TIMEOUT}"),
        ("postgres://kim:${PW}@db/crm", "crm", "postgres://db/crm",
         f"postgresql://kim:s%2Fe%40c%3Ar%25t%23@db/crm{TIMEOUT}"),
        ("${WHOLE}", "crm", "postgresql://db/crm", f"postgresql://kim:s%2Fe@db/crm{TIMEOUT}"),
        ("postgresql://kim:p@ss@db/crm", "crm", "postgresql://db/crm",
         f"postgresql://kim:p%40ss@db/crm{TIMEOUT}"),
        ("postgresql://db/crm?connect_timeout=5&sslmode=require", "crm", "postgresql://db/crm",
         "postgresql://db/crm?connect_timeout=5&sslmode=require"),
        ("postgresql:///crm?host=/run/pg", "crm", "postgresql:///crm",
         "postgresql:///crm?host=%2Frun%2Fpg&connect_timeout=30"),
        ("postgresql://a:1,b:2/crm", "crm", "postgresql://a:1,b:2/crm",
         f"postgresql://a:1,b:2/crm{TIMEOUT}"),
        ("postgresql://db", "database", "postgresql://db", f"postgresql://db{TIMEOUT}"),
        ("sqlite:///data/crm.db", "crm", "sqlite:///data/crm.db", "file:data/crm.db?mode=ro"),
        ("sqlite:////data/crm.db", "crm", "sqlite:////data/crm.db", "file:/data/crm.db?mode=ro"),
        ("snowflake://kim:pw@account/CRM/PUBLIC?warehouse=w", "PUBLIC",
         "snowflake://account/CRM/PUBLIC", "kim:pw@account/CRM/PUBLIC?warehouse=w"),
        ("flightsql+grpc+tls://kim:pw@db:31337", "database", "flightsql+grpc+tls://db:31337",
         "grpc+tls://db:31337"),
        ("bigquery://project/crm", "crm", "bigquery://project/crm", ""),
    ],
)  # fmt: skip
def test_a_url_is_taken_apart(url: str, name: str, shown: str, uri: str) -> None:
    address = parse(url, ENVIRONMENT)
    assert (address.name, str(address), address.uri) == (name, shown, uri)
    assert parse(url, ENVIRONMENT, name="helpdesk").name == "helpdesk"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://kim:s3/cret@db/crm",
        "postgresql://kim:s3#cret@db/crm",
        "postgresql://kim:s3?cret@db/crm",
        "postgresql://kim:s3%2Fcret@[db/crm",
        "postgresql://kim:${MISSING}@db/crm?x=s3cret",
        "postgresql://kim:${EMPTY}@db/crm",
        "oracle://kim:s3cret@db/crm",
    ],
)
def test_a_url_that_cannot_be_understood_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(WrongUsage, match=r"Nothing was changed\.$") as caught:
        parse(url, ENVIRONMENT)
    assert "s3" not in str(caught.value)
    assert "cret" not in str(caught.value)


def test_a_configuration_that_is_refused_does_not_show_the_password(tmp_path: Path) -> None:
    source = '[[ingest.sources]]\npth = "postgresql://kim:s3/cret@db/crm"\n'
    (tmp_path / "warmline.toml").write_text(source)
    with pytest.raises(WrongUsage, match=r"ingest\.sources\.0\.pth") as caught:
        load(tmp_path, {})
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["a/b", "a\\b", "a\nb"])
def test_a_name_that_could_not_be_a_files_is_refused(name: str) -> None:
    with pytest.raises(WrongUsage, match="cannot be called"):
        parse("postgresql://db/crm", {}, name=name)


def test_a_password_is_in_no_text_of_an_address() -> None:
    address = parse("postgresql://kim:${PW}@db/crm?sslpassword=hush", ENVIRONMENT)
    said = address.without_secrets(f"no {ENVIRONMENT['PW']} s%2Fe%40c%3Ar%25t%23 hush")
    assert said == "no *** *** ***"
    for text in (repr(address), str(address), address.shown):
        assert "hush" not in text
        assert "s%2Fe" not in text


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("/data/export", False), ("export", False), ("C:\\data", False),
        ("postgresql://db/crm", True), ("${DATABASE_URL}", True), ("${FOLDER}/export", False),
    ],
)  # fmt: skip
def test_a_folder_is_told_from_a_database(source: str, answer: bool) -> None:
    assert is_url(source) is answer


@pytest.mark.parametrize(
    ("select", "tables"),
    [
        ("SELECT * FROM a JOIN b.c USING (x)", ["a", "b.c"]),
        ("FROM a", ["a"]),
        ("SELECT (SELECT max(x) FROM a) FROM b WHERE y IN (SELECT 1 FROM c)", ["b", "c", "a"]),
        ("WITH a AS (SELECT * FROM x), b AS (FROM a) SELECT * FROM b", ["x"]),
        # The inner name is a table, unless it says RECURSIVE.
        ("WITH a AS (SELECT * FROM a) SELECT * FROM a", ["a"]),
        ("WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a) FROM a", []),
        ("SELECT * FROM s.a, (WITH a AS (FROM b) FROM a)", ["s.a", "b"]),
        ('SELECT "at" FROM "Odd Name" -- and FROM nowhere', ["Odd Name"]),
        ("SELECT * FROM range(3)", []),
        ("FROM a UNION ALL FROM b;", ["a", "b"]),
    ],
)
def test_the_tables_that_a_select_reads(select: str, tables: list[str]) -> None:
    with duckdb.connect() as connection:
        found = tables_of(connection, select, "mine.sql")
    assert sorted(map(str, found)) == sorted(tables)


def test_what_a_mapping_prepares_is_no_table_of_the_database() -> None:
    statements = (
        "-- shared\nCREATE TEMP MACRO f(x) AS x;\n"
        "CREATE OR REPLACE TEMP TABLE one AS SELECT * FROM a; -- and\n"
        "CREATE VIEW two AS SELECT * FROM one JOIN s.b USING (x);"
    )
    with duckdb.connect() as connection:
        needed, made = prepared(connection, statements, "prepare.sql")
    assert [str(table) for table in needed] == ["a", "s.b"]
    assert made == {"one", "two"}


def test_what_is_no_select_is_refused() -> None:
    with duckdb.connect() as connection, pytest.raises(WarmlineError, match=r"mine\.sql cannot"):
        tables_of(connection, "DELETE FROM a", "mine.sql")
