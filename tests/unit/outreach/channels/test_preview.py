"""A person sees a letter as its reader will: in the terminal, and as a picture."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from models.errors import WarmlineError
from models.settings import Settings, load
from outreach.channels.email import picture
from outreach.channels.email.preview import NOT_SET, seen
from tests.unit.outreach.channels.test_email import AT, outgoing

HE = "משה כהן"


def shown(root: Path, settings: Settings | None = None, **others: Any) -> Any:
    row = SimpleNamespace(**vars(outgoing(**others)))
    return seen(row, settings or load(root, {}), root, AT)


def test_it_is_what_a_reader_gets_with_the_foot_and_a_link_that_works_for_nobody(
    tmp_path: Path,
) -> None:
    (tmp_path / "warmline.toml").write_text(
        '[outreach]\nbase_url = "https://m.example/"\npostal_address = "1 Main St"\n'
    )
    letter = shown(tmp_path, name=HE, from_name="Ines", language="de", text="Guten Tag\n")
    assert letter.lines() == [
        f"From: Ines <{NOT_SET}>", f"To: {HE} <ann@example.org>", "Subject: Hello",
        "List-Unsubscribe: <https://m.example/unsubscribe/...>", "", "Guten Tag", "", "-- ",
        "1 Main St", "Abbestellen: https://m.example/unsubscribe/...",
    ]  # fmt: skip
    assert '<a href="https://m.example/unsubscribe/...">Abbestellen</a>' in letter.html


def test_no_letter_steers_the_terminal(tmp_path: Path) -> None:
    evil = "\x1b]0;pwned\x07\x1b[2J"
    lines = shown(tmp_path, text=f"a {evil}\rb\n", subject=evil, name=evil).lines()
    assert not {"\x1b", "\x07", "\r"} & set("".join(lines))


NOT_SHOWN = [
    ({"channel": "sms"}, "goes by sms, not by e-mail"),
    ({"text": ""}, "has no words yet: `warmline outreach edit"),
    ({"address": None}, "has no words yet"),
    ({"address": "no address"}, "cannot be sent: it has no usable address"),
]


@pytest.mark.parametrize(("facts", "told"), NOT_SHOWN)
def test_what_is_no_letter_yet_is_not_shown_as_one(
    tmp_path: Path, facts: dict[str, Any], told: str
) -> None:
    with pytest.raises(WarmlineError, match=told):
        shown(tmp_path, **facts)


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server of this machine, and what was asked of it."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *words: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def chromium() -> None:
    if shutil.which("chromium") is None:
        assert not os.environ.get("REQUIRE_SERVERS")
        pytest.skip("Chromium is not installed: run `.ci/system-packages chromium`")


@pytest.mark.usefixtures("chromium")
def test_the_picture_is_of_the_whole_letter_and_nothing_is_fetched_for_it(tmp_path: Path) -> None:
    with listening() as (base, asked):
        evil = (
            f"<html><head><style>@import '{base}/a'; body {{ background: url({base}/b) }}</style>"
            f"</head><body><img src='{base}/c'><iframe src='file:///etc/passwd'></iframe>"
            f"<script>document.body.style.background = 'red'; fetch('{base}/d')</script>"
            "<div style='height: 5000px; background: #0f0'>x</div>"
            "<div style='height: 50px; background: #00f'></div>"
        )
        path = tmp_path / "letter.png"
        shown(tmp_path, name=HE, html=evil).picture(path)
    assert asked == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Image.open(path) as found:
        assert found.width == picture.WIDTH
        assert found.height > 5_200  # higher than what was tried first
        colours = {colour for _, colour in found.getcolors(1 << 24)}
    assert {(0, 0, 255), (242, 242, 242)} <= colours  # its last line, and the sheet of the headers
    assert (255, 0, 0) not in colours


def test_without_chromium_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "PROGRAMS", ("no-such-program",))
    with pytest.raises(WarmlineError, match="apt-get install chromium"):
        shown(tmp_path).picture(tmp_path / "letter.png")
    assert list(tmp_path.iterdir()) == []


def test_a_chromium_that_draws_nothing_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "PROGRAMS", ("true",))
    with pytest.raises(WarmlineError, match="drew no picture"):
        shown(tmp_path).picture(tmp_path / "letter.png")
    assert list(tmp_path.iterdir()) == []
