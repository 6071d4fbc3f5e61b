from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from company import Company, planned, reason, score
from rich.console import Console

from models.settings import Plan
from outreach.gates import GATES, LAST_GATES
from outreach.plan import PlanResult
from outreach.show import HELD_BY, render


def shown(result: PlanResult, width: int = 100, **options: object) -> str:
    out = StringIO()
    Console(file=out, width=width).print(render(result, **options))  # type: ignore[arg-type]
    return out.getvalue()


def company_of(scores: Path) -> PlanResult:
    rows = [
        score(f"c{n}", 0.9, value_at_risk=5000 - n, silent=n == 1, reasons=[reason("late replies")])
        for n in range(6)
    ]
    company = Company(
        [f"c{n}" for n in range(6)],
        owners_of={"c1": "ines"},
        prefers={"c1": "in_person"},
        cases=[("c0", datetime(2026, 6, 20, tzinfo=UTC))],
        facts=[("c5", "complaint", datetime(2026, 6, 30, tzinfo=UTC))],
    )
    return planned(scores, rows, company, Plan(control_share=0))


def test_it_shows_what_to_do_first_and_then_who_is_left_alone(tmp_path: Path) -> None:
    text = shown(company_of(tmp_path), top=2, currency="EUR")
    assert "The list for Wednesday, 1 July 2026" in text
    assert text.index("c5") < text.index("c1") < text.index("c0")
    assert "c2" not in text
    for words in ("complaint of 30 June 2026", "refer to the owner", "contact in person",
                  "ines ○ silent", "90% high", "EUR 4,999", "hold: has an open",
                  "1 to refer · 4 to contact · 1 held (1 with an open case)"):  # fmt: skip
        assert words in text


def test_every_gate_has_its_words() -> None:
    gates = {gate.name for gate in (*GATES, *LAST_GATES)}
    assert HELD_BY.keys() == gates | {"turn"}


def test_no_line_is_wider_than_the_terminal(tmp_path: Path) -> None:
    result = company_of(tmp_path)
    for width in (80, 100, 140):
        assert max(map(len, shown(result, width).splitlines())) <= width


def test_markup_in_the_data_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    rows = [score("[red]c", reasons=[reason("[bold]b")])]
    text = shown(planned(tmp_path, rows))
    assert "[red]c" in text
    assert "[bold]b" in text


def test_an_empty_list_says_how_many_were_looked_at(tmp_path: Path) -> None:
    text = shown(planned(tmp_path, [score("calm", band="low")]))
    assert "1 scored · 0 to refer · 0 to contact · 0 held · 1 for whom no playbook fits" in text


def test_what_changed_most_is_told_of_who_is_to_be_seen_to(tmp_path: Path) -> None:
    rows = [score("c1", what_changed=["risk 34%, was 12% on 1 May 2026", "new: late replies"])]
    text = " ".join(shown(planned(tmp_path, rows)).split())
    assert "risk 34%, was 12% on 1 May 2026" in text
    assert "new: late replies" not in text
