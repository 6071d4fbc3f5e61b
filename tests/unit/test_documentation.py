"""The documentation says what the code does."""

import random
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

import warmline
from models.contracts import CHANNELS, KINDS
from models.settings_outreach import Crm
from outreach.push.target import naming_of
from pipelines.history.ingest import ingest
from pipelines.history.schema import TABLES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
HISTORY = (ROOT / "docs" / "history.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    missing = [link for link in local if not (page.parent / link).exists()]
    assert not missing


def test_the_history_page_names_every_table_and_column():
    for table in TABLES:
        assert table.name in HISTORY
        for column in table.columns:
            assert column.name in HISTORY, f"{table.name}.{column.name}"


def test_the_history_page_names_every_kind_and_channel():
    for word in (*KINDS, *CHANNELS):
        assert word in HISTORY


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_shown_is_one_that_can_be_given(page):
    blocks = re.findall(r"```(?:sh|cron)\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    lines = [line for block in blocks for line in block.splitlines() if "warmline " in line]
    for line in lines:
        _, name, *given = shlex.split(line[line.index("warmline ") :], comments=True)
        warmline.main.commands[name].make_context(name, given)


def test_the_rows_of_the_first_guide_can_be_ingested(tmp_path):
    page = (ROOT / "docs" / "guides" / "your-data.md").read_text(encoding="utf-8")
    shown = re.findall(r"```csv\n(.*?)```", page, re.S)
    for name, rows in zip(("customers", "interactions", "agents"), shown, strict=True):
        (tmp_path / f"{name}.csv").write_text(rows, encoding="utf-8")
    now = datetime(2026, 7, 1, tzinfo=UTC)
    report = ingest(tmp_path / "history", tmp_path, now=now)
    assert {name: counts.new for name, counts in report.tables.items()} == {
        "customers": 2,
        "interactions": 4,
        "agents": 3,
    }


def test_the_example_of_the_tables_guide_runs(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "guides" / "tables.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.S)
    monkeypatch.chdir(tmp_path)
    draw = random.Random(0)
    rows = [(n := draw.randrange(7), draw.choice("ab"), draw.random() * 6 < n) for _ in range(300)]
    lines = [f"{calls},{plan},{'yes' if left else 'no'}" for calls, plan, left in rows]
    Path("customers.csv").write_text("\n".join(["calls,plan,churn", *lines]), encoding="utf-8")
    seen: dict = {}
    exec(example, seen)  # noqa: S102
    risk = seen["customers"].groupby("churn")["risk"].mean()
    assert risk["yes"] > risk["no"]


@pytest.mark.parametrize("kind", ["hubspot", "salesforce", "generic"])
def test_the_guide_to_the_crm_names_every_field_that_is_written_there(kind):
    naming = naming_of(Crm(kind=kind))
    page = (ROOT / "docs" / "guides" / "push.md").read_text(encoding="utf-8")
    missing = [name for name in (*naming.names.values(), naming.object_) if name not in page]
    assert not missing
    assert kind == "generic" or naming.key in page
