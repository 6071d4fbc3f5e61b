"""A database that refuses, fails or is lost: one clear line, nothing changed, nothing shown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

import warmline
from models.errors import WarmlineError
from tests.integration.history.companies import TABLES, Company
from tests.integration.history.conftest import NOW
from tests.servers.postgres import ENCODED, PASSWORD, Server

ROOT = Path(__file__).parents[3]
# Rows so many and so slow to make that there is always a middle to be cut off in.
ENDLESS = """
CREATE VIEW interactions AS
SELECT n AS interaction_id, 'acme' AS customer_id, now() AS occurred_at, 'order' AS kind,
    'kim@example.org' AS text
FROM (SELECT generate_series(1, 1000000000) AS n) AS streamed
"""
CUSTOMERS = """
CREATE TABLE customers (customer_id text, joined_at timestamptz);
INSERT INTO customers VALUES ('acme', '2025-01-01Z')
"""
COPYING = (
    "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%interactions%'"
)


@pytest.fixture
def company(tmp_path: Path, postgres_url: str) -> Company:
    company = Company(tmp_path, postgres_url)
    company.run(TABLES)
    return company


def refused(company: Company, **options: Any) -> str:
    """The one line that the ingest ends with; nothing was changed, no secret is in it."""
    history = company.history
    before = {path: path.read_bytes() for path in history.rglob("*") if path.is_file()}
    with pytest.raises(WarmlineError) as caught:
        company.ingest(**options)
    after = {path: path.read_bytes() for path in history.rglob("*") if path.is_file()}
    assert {path.name for path in set(after) - set(before)} <= {".lock"}
    assert all(after[path] == content for path, content in before.items())
    words = str(caught.value)
    # What --verbose prints besides holds no driver's words.
    context = caught.value.__context__
    assert context is None or caught.value.__suppress_context__
    assert words.endswith("Nothing was changed.")
    for secret in (PASSWORD, ENCODED, "wr0ng"):
        assert secret not in words
    return words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.replace(ENCODED, "wr0ng"), "the user or the password is wrong"),
        (lambda url: url.replace(f":{ENCODED}", ""), "asks for a password, and the URL holds none"),
        (lambda url: url.replace("warmline:", "nobody:"), "the user or the password is wrong"),
        (lambda url: url.replace("127.0.0.1", "no.such.host.invalid"), "there is no such host"),
        (lambda url: url.rpartition(":")[0] + ":1/crm", "nothing listens on that host and port"),
        (lambda url: url.rpartition("/")[0] + "/nope", "there is no such database on that server"),
        (lambda url: url + "?host=/nowhere", "nothing listens on that socket"),
    ],
)
def test_what_cannot_be_reached_says_why(
    company: Company, change: Callable[[str], str], words: str
) -> None:
    assert words in refused(company, url=change(company.url))


def test_a_database_without_the_contracts_tables_says_what_to_do(
    tmp_path: Path, postgres_url: str
) -> None:
    words = refused(Company(tmp_path, postgres_url))
    assert "has no table or view that Warmline knows" in words
    assert "mapping" in words


def test_a_table_that_may_not_be_read_is_named(company: Company, postgres_server: Server) -> None:
    company.run(
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN PASSWORD 'wr0ng'",
        "GRANT SELECT ON customers TO reader",
    )
    database = company.url.rpartition("/")[2]
    words = refused(company, url=postgres_server.url(database, "reader", "wr0ng"))
    assert "this user may not read interactions: GRANT SELECT on it" in words


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"customers": "SELECT * FROM clients"}, "reads the table clients, and"),
        ({"customers": "SELECT * FROM read_csv('${source}/a.csv')"}, "name its tables instead"),
        ({"customers": "SELECT * FRM clients"}, "mapping/customers.sql cannot be used: syntax"),
        ({"customers": "SELECT * FROM a.b.c"}, "a table of another database"),
        (
            {"customers": "SELECT * FROM a", "source__a": "SELECT nope FROM customers"},
            'mapping/source/a.sql lacks a column: column "nope" does not exist',
        ),
        (
            {"customers": "SELECT * FROM a", "source__a": "SELECT * FROM nope"},
            "mapping/source/a.sql is not there",
        ),
        (
            {
                "customers": "SELECT * FROM a",
                "source__a": "SELECT now() AS x WHERE now() > ${since}",
            },
            "Name a time among its columns",
        ),
        (
            {"customers": "SELECT * FROM a", "source__a": "SELECT email::int FROM people"},
            "reading mapping/source/a.sql failed: invalid input syntax for type integer: ...",
        ),
        (
            # The last row of many: what came before it is no whole.
            {
                "customers": "SELECT * FROM a",
                "source__a": "SELECT 1 / (100000 - n) AS x FROM generate_series(1, 100000) AS n",
            },
            "reading mapping/source/a.sql failed: division by zero",
        ),
    ],
)
def test_a_mapping_that_cannot_be_run_says_which_file(
    company: Company, files: dict[str, str], words: str
) -> None:
    company.run("CREATE TABLE people (email text)", "INSERT INTO people VALUES ('kim@example.org')")
    said = refused(company, mapping=company.mapping(**files))
    assert words in said
    assert "kim@example.org" not in said


def when_copying(company: Company, act: Callable[[psycopg.Connection[Any]], object]) -> None:
    """Does `act` once the database is sending the endless table."""
    with psycopg.connect(company.url, autocommit=True) as connection:
        for _ in range(600):
            time.sleep(0.1)
            if connection.execute(f"SELECT 1 {COPYING}").fetchall():
                time.sleep(0.5)
                act(connection)
                return


def endless(company: Company) -> None:
    company.ingest()
    company.run("DROP TABLE interactions, customers", CUSTOMERS, ENDLESS)


def test_a_connection_lost_in_the_middle_changes_nothing(company: Company) -> None:
    endless(company)
    killer = threading.Thread(
        target=when_copying,
        args=(company, lambda c: c.execute(f"SELECT pg_terminate_backend(pid) {COPYING}")),
    )
    killer.start()
    words = refused(company)
    killer.join()
    assert "the connection was lost while reading interactions: try again" in words


SCRIPT = """
import sys
from datetime import datetime
from pathlib import Path
from pipelines.history.addresses import parse
from pipelines.history.ingest import ingest
url, history, now = sys.argv[1:]
ingest(Path(history), parse(url, {}), now=datetime.fromisoformat(now))
"""


def test_a_killed_ingest_leaves_history_and_watermark_as_they_were(company: Company) -> None:
    endless(company)
    before = company.open()
    rows = before.table("interactions")
    arguments = [company.url, str(company.history), NOW.isoformat()]
    with subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], cwd=ROOT) as run:
        when_copying(company, lambda _: run.kill())
        assert run.wait(60) == -signal.SIGKILL
    after = company.open()
    assert after.manifest == before.manifest
    assert rows is not None
    assert rows.equals(after.table("interactions"))
    company.run("DROP VIEW interactions", "DROP TABLE customers", TABLES)
    report = company.ingest()
    assert (report.changed, report.fetched["interactions"]) == (False, 3)


def test_a_missing_driver_is_named_with_its_command(company: Company) -> None:
    words = refused(company, url="snowflake://me:wr0ng@account/db/schema")
    assert "install adbc-driver-snowflake where" in words


def everything_under(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("right", [True, False])
def test_the_command_and_the_night_never_show_a_password(
    company: Company, monkeypatch: pytest.MonkeyPatch, right: bool
) -> None:
    password = PASSWORD if right else "wr0ng"
    monkeypatch.setenv("CRM_PASSWORD", password)
    home = company.root / "home"
    run = CliRunner()
    run.invoke(warmline.main, ["init", "--home", str(home)])
    url = company.url.replace(ENCODED, "${CRM_PASSWORD}")
    with (home / "warmline.toml").open("a") as file:
        file.write(f'[[ingest.sources]]\npath = "{url}"\nname = "crm"\n')
    literal = company.url.replace(ENCODED, ENCODED if right else "wr0ng")
    for arguments in (
        ["ingest", literal, "--source", "crm", "--verbose"],
        ["ingest", url, "--source", "crm", "--json", "--full"],
        ["nightly", "--as-of", "2026-06-01", "--verbose", "--json"],
    ):
        done = run.invoke(warmline.main, [*arguments, "--home", str(home)])
        for shown in (done.output, done.stderr):
            assert password not in shown
            assert ENCODED not in shown
        if arguments[0] == "ingest":
            assert done.exit_code == (0 if right else 1), done.output
        if "--full" in arguments and right:
            facts = json.loads(done.stdout)
            assert facts["fetched"] == {"customers": 2, "interactions": 100}
            assert facts["source"] == "crm"
        if not right:
            assert "the user or the password is wrong" in done.stderr
    files = everything_under(home)
    for secret in (password, ENCODED):
        assert secret.encode() not in files


def test_the_night_takes_up_a_database_and_only_what_is_new_of_it(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_URL", company.url)
    home = company.root / "home"
    run = CliRunner()
    run.invoke(warmline.main, ["init", "--home", str(home)])
    with (home / "warmline.toml").open("a") as file:
        file.write('[[ingest.sources]]\npath = "${CRM_URL}"\nname = "crm"\n')
    fetched = []
    for night in ("2026-06-01", "2026-06-02"):
        # There is no model: the night ends after its ingest, which is what is looked at.
        done = run.invoke(warmline.main, ["nightly", "--as-of", night, "--home", str(home)])
        assert "has no model yet" in done.stderr
        facts = json.loads((home / "nights" / f"as_of={night}.json").read_text())
        fetched.append(facts["done"]["ingest"]["crm"]["fetched"]["interactions"])
    assert fetched == [100, 3]
    assert company.url.encode() not in everything_under(home)
    assert os.environ["CRM_URL"] == company.url
