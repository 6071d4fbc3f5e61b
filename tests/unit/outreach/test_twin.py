"""The HTML part of a letter says what its text says, to any program, and fetches nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import WrongUsage
from outreach.drafting.library import OURS
from outreach.drafting.twin import FILE, Foot, Twin, direction
from outreach.drafting.twin_lint import MOST_BYTES, looked_at

HE, AR = "משה כהן", "يسرى خليل"
FOOT = (Foot("1 Main St\nSpringfield"), Foot("Unsubscribe", "https://m.example/u/1?a=b&c"))
GOOD = (OURS / FILE).read_text()


def page(text: str, language: str = "en", **others: object) -> str:
    return Twin.of().render(text, language=language, **others)  # type: ignore[arg-type]


DIRECTIONS = [("en", "ltr"), ("de-AT", "ltr"), ("ar", "rtl"), ("he-IL", "rtl"), ("fa", "rtl"),
              ("ur", "rtl"), ("zz", "ltr"), ("", "ltr")]  # fmt: skip


@pytest.mark.parametrize(("language", "way"), DIRECTIONS)
def test_a_page_is_marked_with_its_language_and_how_that_is_written(
    language: str, way: str
) -> None:
    assert direction(language) == way
    assert looked_at(page("x", language)).attributes["html"] == {"lang": language, "dir": way}


def test_it_says_what_the_text_says_in_its_order_with_the_foot_under_it() -> None:
    read = looked_at(page("Hello Ann,\n\none\ntwo.\n\nInes\n", subject="A <b>", foot=FOOT))
    assert read.wrong == []
    assert read.title == "A <b>"
    assert read.seen == "Hello Ann, one two. Ines 1 Main St Springfield Unsubscribe"


NAMES = [
    # language | name | how it stands in the page
    ("en", HE, f'Hello <bdi dir="rtl">{HE}</bdi>,'),
    ("en", AR, f'Hello <bdi dir="rtl">{AR}</bdi>,'),
    ("ar", AR, f"Hello {AR},"),
    ("ar", "Ann", 'Hello <bdi dir="ltr">Ann</bdi>,'),
    ("en", "Ann", "Hello Ann,"),
    ("en", f"{HE} <i>", f'Hello <bdi dir="rtl">{HE} &lt;i&gt;</bdi>,'),
    ("en", "山田 太郎", "Hello 山田 太郎,"),
    ("ar", "12", "Hello 12,"),  # digits run no way
]


@pytest.mark.parametrize(("language", "name", "stands"), NAMES)
def test_a_name_that_runs_the_other_way_is_set_apart(language: str, name: str, stands: str) -> None:
    assert f"<p>{stands}</p>" in page(f"Hello {name},", language, names=[name])


HOSTILE = [
    "<script>alert(1)</script>", "<img src=https://a.example/x.png>", "{{ 7 * 7 }}",
    '" onmouseover="x', "</p></body><h1>", "javascript:alert(1)", "&lt;b&gt;", "]]>", "\x00\u202e",
    'https://a.example/"><script>', "http://a.example/'onclick='x",
]  # fmt: skip


@pytest.mark.parametrize("words", HOSTILE)
def test_whatever_stands_in_the_text_is_text(words: str) -> None:
    made = page(f"a {words} b", subject=words, names=[words], foot=[Foot(words)])
    read = looked_at(made)
    plain = " ".join(words.split())
    assert read.wrong == []
    assert read.seen.replace("\ufffd", "\x00") == f"a {plain} b {plain}"
    assert read.title.replace("\ufffd", "\x00") == words


LINKS = [
    ("see https://a.example/x.", "https://a.example/x"),
    ("(http://a.example/?q=1&r=2)", "http://a.example/?q=1&r=2"),
    ("ftp://a.example javascript:x", None),
]


@pytest.mark.parametrize(("text", "leads"), LINKS)
def test_web_addresses_are_links(text: str, leads: str | None) -> None:
    read = looked_at(page(text))
    assert read.attributes.get("a", {}).get("href") == leads
    assert read.seen == text


def test_a_long_letter_stays_below_what_programs_cut_off() -> None:
    long = page("Übermäßig lange Wörter, Satz um Satz. " * 130 + "https://a.example/ " * 5, "de")
    assert len(long.encode()) < MOST_BYTES / 10


REFUSED = [
    # what takes the place of what | what is said
    ("<body>", "<body><img>", "<img> has no place"),
    ("<body>", '<body><a href="javascript:x">x</a>', "a link must begin with"),
    ("<body>", '<body onload="x">', "<body onload=...> has no place"),
    ("<body>", '<body style="background: URL( https://a.example)">', "in a style fetches"),
    ("body {", "@import 'https://a.example'; body {", "in a style fetches"),
    ("body {", "p { background: u\\72l(x); } body {", "in a style fetches"),
    ("body {", "p { display: none } body {", "hides words"),
    ("<body>", "<body><!--[if mso]><p>x</p><![endif]-->", "comments have no place"),
    ("<body>", "<body><table><tr><td>x</td></tr></table>", 'needs role="presentation"'),
    ("<body>", "<body><div>", "closes what is not open"),
    ('dir="{{ dir }}"', "", "it does not use `dir`"),
    ("<title>{{ subject }}</title>", "<title>News</title>{# {{ subject }} #}", "not use `subject`"),
    ("{{ paragraph }}", "{{ paragraph|lower }}", "does not show all words"),
    ("{{ paragraph }}", "{{ paragraph|safe }}", "no filter 'safe'"),
    ("{{ paragraph }}", "{{ paragraph.unescape() }}", "no use for 'Call'"),
    ("{{ paragraph }}", "{% autoescape false %}{{ paragraph }}{% endautoescape %}", "no use for"),
    ("{{ line }}", "{{ line }}{{ email }}", "`email` is nothing"),
    ("<body>", "<body>" + "x" * MOST_BYTES, "cut it off"),
    ("{% endfor %}</main>", "</main>", "it is no template"),
]


@pytest.mark.parametrize(("place", "instead", "told"), REFUSED)
def test_a_homes_own_page_that_must_not_go_is_refused_with_its_reason(
    tmp_path: Path, place: str, instead: str, told: str
) -> None:
    assert place in GOOD
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / FILE).write_text(GOOD.replace(place, instead, 1))
    with pytest.raises(WrongUsage, match="must not be used") as refused:
        Twin.of(tmp_path)
    assert told in str(refused.value)


def test_a_homes_own_page_takes_the_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / FILE).write_text(GOOD.replace("<main>", "<main><h1>Example</h1>"))
    assert "<h1>Example</h1>" in Twin.of(tmp_path).render("x", language="en")
