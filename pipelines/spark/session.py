"""A Spark session as the home's settings ask for it, and whether there can be one here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import WarmlineError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from models.settings import Spark

LEAST_JAVA = 17  # Spark 4 runs on 17 and 21: https://spark.apache.org/docs/latest/
GUIDE = "docs/guides/spark.md"
# What a session is unless `config` says otherwise.
USUAL = {
    "spark.ui.enabled": "false",  # no port is opened for people
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    # What tasks return is what the driver must hold anyway.
    "spark.driver.maxResultSize": "0",
    "spark.log.level": "ERROR",
}
# Where everything is one machine: nothing listens on its network.
ON_ONE_MACHINE = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


def require(settings: Spark) -> str:
    """What Spark would run on, in words. Raises `WarmlineError` saying what to install."""
    if find_spec("pyspark") is None:
        raise WarmlineError(
            "Spark is not installed here: install pyspark[connect] (docs/guides/spark.md), or "
            "score with --engine local. Nothing was changed."
        )
    if settings.remote:
        return f"Spark Connect at {shown(settings.remote)}"
    return f"Spark with Java {java_version(os.environ)}, master {settings.master}"


def java_version(environment: Mapping[str, str]) -> int:
    """The Java that Spark would use. Raises `WarmlineError` where it is missing or too old."""
    home = environment.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    advice = (
        f"Spark needs Java {LEAST_JAVA} or newer: run  sudo apt-get install "
        f"openjdk-{LEAST_JAVA}-jre-headless  or let JAVA_HOME name one ({GUIDE})."
    )
    try:
        done = subprocess.run(  # noqa: S603 - the Java that Spark itself would start
            [java or "java", "-version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        where = f"in JAVA_HOME ({home})" if home else "on the path"
        raise WarmlineError(f"There is no Java {where}. {advice}") from error
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    version = int(found[1]) if found else 0
    if version < LEAST_JAVA:
        raise WarmlineError(f"The Java at {java} is version {version or 'unknown'}. {advice}")
    return version


@contextmanager
def opened(settings: Spark) -> Iterator[SparkSession]:
    """A session, stopped at the end; one that was there before (a notebook's) is used and stays.

    Raises `WarmlineError` where none can be had.
    """
    require(settings)
    # Its conversions to pandas, which are not used here, are what it means.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    from pyspark.sql import SparkSession

    there = SparkSession.getActiveSession()
    session = there or _start(settings)
    try:
        yield session
    finally:
        if there is None:
            session.stop()


def _start(settings: Spark) -> SparkSession:
    from pyspark.sql import SparkSession

    # Tasks must run in an environment that has this code; a cluster's own may be set outside.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    if settings.remote:
        builder = SparkSession.builder.remote(settings.remote)
        config = {"spark.sql.session.timeZone": "UTC"} | dict(settings.config)
    else:
        builder = SparkSession.builder.master(settings.master).appName("warmline")
        local = ON_ONE_MACHINE if settings.master.startswith("local") else {}
        config = USUAL | local | dict(settings.config)
    for key, value in config.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except Exception as error:  # of many kinds: Py4J, gRPC, or Java that did not start
        where = shown(settings.remote) if settings.remote else settings.master
        first = str(error).strip().splitlines()[:1]
        raise WarmlineError(
            f"No Spark session at {where}: {''.join(first) or type(error).__name__}. Check [spark] "
            f"in warmline.toml ({GUIDE}). Nothing was changed."
        ) from error


def shown(remote: str) -> str:
    """The address of a Spark Connect server, without its token."""
    return remote.split(";", 1)[0].rstrip("/")
