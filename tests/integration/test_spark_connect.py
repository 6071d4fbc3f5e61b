"""`warmline score --engine spark` on a Spark Connect server, which `[spark] remote` names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np

from models.batch import ScoreBatch
from models.home import Home
from pipelines.features.reference import TOLERANCE
from tests import spark as spark_here
from tests.parts import part
from warmline import SAMPLE_NIGHT


def test_a_night_is_scored_on_spark_connect_as_on_this_machine(demo_made: Path, tmp_path: Path):
    shutil.copytree(demo_made / "home", tmp_path / "home")
    home = Home(tmp_path / "home")
    here = ScoreBatch.open(home.scores, SAMPLE_NIGHT)
    warmline = Path(sys.executable).with_name("warmline")
    command = [warmline, "score", "--engine", "spark", "--as-of", str(SAMPLE_NIGHT)]
    serving = partial(spark_here.serving, tmp_path / "server.log")
    with part(serving, spark_here.Missing) as address:
        done = subprocess.run(
            [*command, "--home", home.root],
            env=os.environ | {"WARMLINE_SPARK__REMOTE": address},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    (run,) = {path.name for path in home.scores.glob("as_of=*/run=*")} - {f"run={here.run}"}
    there = ScoreBatch.open(home.scores, SAMPLE_NIGHT, run.removeprefix("run="))
    for name in ("customer_id", "band", "silent"):
        assert there.table([name]) == here.table([name])
    told = (batch.table(["churn_probability"])[0].to_numpy() for batch in (there, here))
    np.testing.assert_allclose(*told, rtol=TOLERANCE, atol=TOLERANCE)
