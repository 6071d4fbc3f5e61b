"""Warmline's night as an Airflow DAG (Airflow 3): a task for each date, one at a time.

Put it into the dags folder. A held-back batch (exit code 3) fails at once: it wants a person, not
another attempt. A lock that is held (75) and what the machine did (1) are tried again.
"""

from __future__ import annotations

import os
import subprocess
from datetime import datetime, timedelta

from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

WARMLINE = os.environ.get("PATH_TO_WARMLINE", "/opt/warmline/.venv/bin/warmline")
HOME = os.environ.get("WARMLINE_HOME", "/srv/warmline")
NO_USE_IN_ANOTHER_ATTEMPT = {2: "wrong usage", 3: "held back by a self-check"}


def run_night(as_of: str) -> str:
    """The night of one date, as `warmline nightly` says it; raises what Airflow understands."""
    done = subprocess.run(
        [WARMLINE, "nightly", "--as-of", as_of, "--wait", "1800", "--json", "--home", HOME],
        capture_output=True,
        text=True,
        check=False,
    )
    if why := NO_USE_IN_ANOTHER_ATTEMPT.get(done.returncode):
        raise AirflowFailException(f"{why}: {done.stderr}")
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}: {done.stderr}")
    return done.stdout


@dag(
    dag_id="warmline_nightly",
    schedule="10 3 * * *",
    start_date=datetime(2026, 7, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=10)},
    tags=["warmline"],
)
def warmline_nightly() -> None:
    @task(execution_timeout=timedelta(hours=4))
    def night() -> str:
        # With Airflow 3's cron trigger the logical date is when a run is due; a run that somebody
        # starts by hand has none.
        due = get_current_context()["dag_run"]
        return run_night((due.logical_date or due.run_after).strftime("%Y-%m-%d"))

    night()


warmline_nightly()
