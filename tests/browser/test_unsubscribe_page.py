"""The unsubscribe page in a real browser: it asks first; any way to press the button will do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from outreach.store import tables
from outreach.store.database import Store
from outreach.unsubscribe import app, link
from tests.servers.web import serving
from tests.unit.outreach.stores import KEY, NOW, filled, rows

# Width and height; 320 is what WCAG 2.2 (1.4.10, reflow) asks for.
SCREENS = {"desk": (1280, 800), "telephone": (320, 640)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store.open("", tmp_path)
    yield found
    found.engine.dispose()


@contextmanager
def page_of(browser: Any, store: Store, home: Path, **options: Any) -> Iterator[tuple[Any, str]]:
    """A page of its own, and the link of a message; all that it asks for is of the same origin."""
    (message,) = filled(store)
    with serving(app(store, KEY, home, lambda: NOW)) as base:
        context = browser.new_context(**options)
        page, asked = context.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        yield page, link(base, KEY, message)
        context.close()
        assert [url for url in asked if not url.startswith(f"{base}/")] == []


def closed(store: Store) -> list[str]:
    return [row.reason for row in rows(store, tables.suppressions)]


@pytest.mark.parametrize("screen", SCREENS)
def test_it_asks_and_the_button_does_it(
    browser: Any, store: Store, tmp_path: Path, screen: str
) -> None:
    width, height = SCREENS[screen]
    size = {"width": width, "height": height}
    with page_of(browser, store, tmp_path, viewport=size) as (page, url):
        page.goto(url)
        assert page.title() == page.inner_text("h1") == "Stop these messages?"
        assert closed(store) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.get_by_role("button").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["height"] >= 24  # WCAG 2.2, 2.5.8: what a finger meets
        page.screenshot(path=tmp_path / f"{screen}.png")
        page.get_by_role("button", name="Yes, write to me no more").click()
        assert page.inner_text("h1") == "Done"
    assert closed(store) == ["unsubscribe"]


def test_the_keyboard_alone_is_enough_and_no_script_is_needed(
    browser: Any, store: Store, tmp_path: Path
) -> None:
    with page_of(browser, store, tmp_path, java_script_enabled=False) as (page, url):
        page.goto(url)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=We will not write to you there any more.")
    assert closed(store) == ["unsubscribe"]


LANGUAGES = [
    ("de-AT", "de", "Keine Nachrichten mehr?", "Erledigt"),
    ("es", "es", "¿No recibir más mensajes?", "Hecho"),
    ("fr-CA", "fr", "Ne plus recevoir ces messages ?", "C’est fait"),
    ("ja", "en", "Stop these messages?", "Done"),
]


@pytest.mark.parametrize(("locale", "lang", "asks", "done"), LANGUAGES)
def test_it_speaks_the_readers_language_and_is_dark_where_they_are(
    browser: Any, store: Store, tmp_path: Path, locale: str, lang: str, asks: str, done: str
) -> None:
    wanted = {"locale": locale, "color_scheme": "dark", "viewport": {"width": 320, "height": 480}}
    with page_of(browser, store, tmp_path, **wanted) as (page, url):
        page.goto(url)
        assert page.locator("html").get_attribute("lang") == lang
        assert page.get_by_role("main").get_by_role("heading").inner_text() == asks
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        shades = page.evaluate("getComputedStyle(document.body).color")
        assert shades == "rgb(255, 255, 255)"
        page.screenshot(path=tmp_path / f"{lang}.png")
        page.get_by_role("button").click()
        assert page.inner_text("h1") == done


def test_a_link_that_was_changed_says_what_to_do_instead(
    browser: Any, store: Store, tmp_path: Path
) -> None:
    with page_of(browser, store, tmp_path) as (page, url):
        answer = page.goto(url[:-2])
        assert (answer.status, page.get_by_role("button").count()) == (404, 0)
        assert "a person reads it" in page.inner_text("body")
    assert closed(store) == []
