"""Where everything of a home lies. Source: CONTRACTS.md, Commands."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from models.errors import WarmlineError
from models.files import make_folder, replacing
from models.settings import CONFIG_NAME

TEMPLATE = Path(__file__).with_name("warmline.toml")


@dataclass(frozen=True)
class Home:
    """A folder with the configuration, the history, the model, the scores and the lists."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / CONFIG_NAME

    @property
    def history(self) -> Path:
        return self.root / "history"

    @property
    def scores(self) -> Path:
        return self.root / "scores"

    @property
    def context(self) -> Path:
        """What is known of the people who serve, night by night (pipelines/context.py)."""
        return self.root / "context"

    @property
    def worklists(self) -> Path:
        return self.root / "worklists"

    def assignments(self, as_of: date) -> Path:
        """The log of who was eligible for which contact that night, and in which arm."""
        return self.root / "assignments" / f"as_of={as_of}" / "assignments.parquet"

    def draw(self, period: str) -> Path:
        """The control group of a period, under marks that tell nothing of whom they stand for."""
        return self.root / "assignments" / f"period={period}" / "arms.parquet"

    @property
    def champion(self) -> Path:
        return self.root / "champion"

    @property
    def nights(self) -> Path:
        return self.root / "nights"

    @property
    def lock(self) -> Path:
        return self.root / ".nightly.lock"

    def require(self) -> None:
        """Raises `WarmlineError` where there is no home yet."""
        if not self.config.exists():
            raise WarmlineError(
                f"There is no home at {self.root}: run `warmline init --home {self.root}`, "
                "or name another with --home or WARMLINE_HOME."
            )

    def secret_key(self) -> bytes:
        """The home's own key, 32 bytes, made at first use and readable by its owner only.

        It keys the draw of the control group, so that nobody can work out who is in it.
        """
        path = self.root / "secret.key"
        if not path.exists():
            _write_privately(path, secrets.token_bytes(32))
        return path.read_bytes()


def create(root: Path) -> tuple[Home, bool]:
    """The home at `root`, and whether it was made now. One that stands is left as it is; a folder
    that is made is its owner's alone: what lies in it is about people. So is the configuration in
    any case: passwords may stand in it."""
    home = Home(root)
    if home.config.exists():
        return home, False
    if not root.exists():
        make_folder(root)
        root.chmod(0o700)
    _write_privately(home.config, TEMPLATE.read_bytes())
    return home, True


def _write_privately(path: Path, content: bytes) -> None:
    """In one step, readable by its owner only from the first byte on."""
    with replacing(path) as staged:
        staged.touch(mode=0o600)
        staged.write_bytes(content)
