"""Warmline's night as a Dagster asset, one partition a date: `dagster dev -f dagster_asset.py`.

A held-back batch (exit code 3) fails without another attempt: it wants a person.
"""

import json
import os
import subprocess

from dagster import (
    AssetExecutionContext,
    Backoff,
    DailyPartitionsDefinition,
    Definitions,
    Failure,
    MaterializeResult,
    RetryPolicy,
    asset,
    build_schedule_from_partitioned_job,
    define_asset_job,
)

WARMLINE = os.environ.get("PATH_TO_WARMLINE", "/opt/warmline/.venv/bin/warmline")
HOME = os.environ.get("WARMLINE_HOME", "/srv/warmline")
NO_USE_IN_ANOTHER_ATTEMPT = {2, 3}

# The partition of a date is the night at its start; it is due that very day, hence the offset.
nights = DailyPartitionsDefinition(start_date="2026-07-01", end_offset=1)


@asset(
    partitions_def=nights,
    retry_policy=RetryPolicy(max_retries=3, delay=600, backoff=Backoff.LINEAR),
    op_tags={"dagster/concurrency_key": "warmline"},
)
def outreach_list(context: AssetExecutionContext) -> MaterializeResult:
    """Tomorrow's list: ingest, score, plan."""
    as_of = context.partition_key
    done = subprocess.run(
        [WARMLINE, "nightly", "--as-of", as_of, "--wait", "1800", "--json", "--home", HOME],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failure(
            f"exit code {done.returncode}: {done.stderr}",
            allow_retries=done.returncode not in NO_USE_IN_ANOTHER_ATTEMPT,
        )
    took = json.loads(done.stdout)["took"]
    return MaterializeResult(metadata={step: facts["seconds"] for step, facts in took.items()})


every_night = define_asset_job("warmline_nightly", selection=[outreach_list])
definitions = Definitions(
    assets=[outreach_list],
    jobs=[every_night],
    schedules=[build_schedule_from_partitioned_job(every_night, hour_of_day=3, minute_of_hour=10)],
)
