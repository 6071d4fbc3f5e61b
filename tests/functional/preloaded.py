"""Loads what is compiled: a second of each command that computes features."""

from pipelines.features.warming import warm_up

warm_up()
