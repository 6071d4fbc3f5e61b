"""The guide's examples run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "simulator.md"


def test_the_guides_python_examples_run_in_order():
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
        exec(compile(block, str(GUIDE), "exec"), names)  # noqa: S102 - our own guide
    kinds = set(names["log"]["kind"])  # type: ignore[index]
    assert "outreach_sent" in kinds
    assert "interactions-app.parquet" in names["files"]  # type: ignore[operator]
    for export in ("history", "today"):
        assert (names["folder"] / export / "terms.parquet").exists()  # type: ignore[operator]
