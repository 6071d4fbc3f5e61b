"""`python -m pipelines score ...`: these commands alone, where nothing else is, as in a Bento."""

from __future__ import annotations

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

import click

from pipelines.cli import COMMANDS

click.Group("pipelines", commands=COMMANDS)()
