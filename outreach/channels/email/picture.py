"""Pages as a PNG, by Debian's Chromium: without a network, without scripts."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import WarmlineError
from models.files import replacing

if TYPE_CHECKING:
    from PIL import Image

WIDTH = 720  # pixels: the main column of a mail program on a desk
_HEIGHTS = (4_000, 16_000)  # pixels that are tried; Chromium draws none above 16,384
_SECONDS = 60
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# First on each page: whatever else it says, nothing is fetched or run.
_NOTHING = (
    '<!DOCTYPE html><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    'style-src \'unsafe-inline\'"><meta charset="utf-8">'
)
_OPTIONS = (
    "--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-sync",
    "--disable-extensions", "--disable-background-networking", "--disable-component-update",
    "--disable-default-apps",
    # There is no name it could look up, and no way out.
    "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
)  # fmt: skip


def picture(pages: Sequence[str], path: Path) -> None:
    """Draws `pages` (HTML) one under the other into `path`, whole. Raises `WarmlineError` where no
    Chromium is there, or it draws none."""
    from PIL import Image

    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise WarmlineError(
            "A picture needs Chromium: install it (`sudo apt-get install chromium`), or leave out "
            "--png to read the letter here."
        )
    with tempfile.TemporaryDirectory(prefix="warmline-") as folder:
        drawn = [_drawn(program, page, Path(folder) / str(n)) for n, page in enumerate(pages)]
    whole = Image.new("RGB", (WIDTH, sum(each.height for each in drawn)), "white")
    top = 0
    for each in drawn:
        whole.paste(each, (0, top))
        top += each.height
    with replacing(path) as staged:
        staged.touch(mode=0o600)  # a name and words to somebody stand in it
        whole.save(staged, format="PNG")


def _drawn(program: str, page: str, folder: Path) -> Image.Image:
    """One page, as high as what is on it. `folder` is its own, for the program's files."""
    from PIL import Image, ImageChops

    folder.mkdir()
    source, target = folder / "page.html", folder / "page.png"
    source.write_text(_NOTHING + page, encoding="utf-8")
    for height in _HEIGHTS:
        _run(program, source, target, folder, height)
        with Image.open(target) as found:
            drawn = found.convert("RGB")
        ground = Image.new("RGB", drawn.size, drawn.getpixel((WIDTH - 1, height - 1)))
        box = ImageChops.difference(drawn, ground).getbbox()
        bottom = box[3] if box else 0
        if bottom < height:
            break
    return drawn.crop((0, 0, WIDTH, min(bottom + 24, height)))


def _run(program: str, source: Path, target: Path, folder: Path, height: int) -> None:
    # Its own sandbox does not run as root.
    rooted = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [
        program, *_OPTIONS, *rooted, f"--user-data-dir={folder / 'profile'}",
        f"--window-size={WIDTH},{height}", f"--screenshot={target}", source.as_uri(),
    ]  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS)  # noqa: S603
        drawn = target.is_file()
    except (OSError, subprocess.SubprocessError):
        drawn = False
    if not drawn:
        raise WarmlineError(
            f"{program} drew no picture: try `{program} --headless --screenshot about:blank`. "
            "Without --png the letter is shown here."
        )
