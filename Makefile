# Needs Debian, Python 3.11 or newer, pip and make; the rest is set up here from uv.lock.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The interpreter itself and not a script that starts it (pyenv's): uv would take the environment for
# another interpreter's and make it anew each time.
PYTHON := $(shell $$(command -v python3.11 || command -v python3) -c 'import sys; print(sys.executable)')
UV := UV_PYTHON_DOWNLOADS=never UV_PYTHON=$(PYTHON) .tools/bin/uv
UV_VERSION := 0.13.9
BIN := .venv/bin
BENCHES := bench-features bench-given bench-nightly bench-outreach bench-plan bench-push bench-real bench-replay bench-serving bench-simulated bench-spark bench-words

export BENTOML_DO_NOT_TRACK := True
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
# Images of Python often forbid to keep compiled modules: each command then takes 4 s more to start.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help install demo test compiled check format docs lock bento clean bench-model $(BENCHES)

help: ## what can be made
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

# pip's --target needs neither a virtual environment nor python3-venv, and Debian allows it.
.tools/bin/uv:
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --upgrade --target .tools uv==$(UV_VERSION)

.venv/.run: .tools/bin/uv uv.lock pyproject.toml
	.ci/system-packages libgomp1
	$(UV) sync --quiet --frozen --inexact --no-default-groups
	touch $@

# Programs that tests work with, each in an environment of its own: what they need would hold ours
# back. `echo apache-airflow | uv pip compile --python-version 3.11 -` renews such a list.
TOOLS := s3 airflow dagster callers

$(TOOLS:%=.tools/%/.ready): .tools/%/.ready: tests/data/%.txt .tools/bin/uv
	$(UV) venv --quiet --clear .tools/$*
	$(UV) pip install --quiet --python .tools/$*/bin/python --requirement $<
	touch $@

.venv/.dev: .venv/.run $(TOOLS:%=.tools/%/.ready)
	$(UV) sync --quiet --frozen --inexact --compile-bytecode
	.ci/system-packages postgresql || echo "Without PostgreSQL its tests are skipped."
	.ci/system-packages openjdk-17-jre-headless || echo "Without Java 17 Spark's tests are skipped."
	.ci/system-packages nginx-light openssl nodejs curl || echo "Without nginx and Node.js tests of callers are skipped."
	.ci/system-packages dovecot-imapd chromium || echo "Without Dovecot and Chromium tests of mailboxes and of pages are skipped."
	touch $@

install: .venv/.run ## set up .venv, in which `warmline` lies

demo: .venv/.run ## load the sample, train, score, plan: ends with the top of tomorrow's list
	rm -rf .demo_home
	$(BIN)/warmline demo --home .demo_home

# Once, before several workers each would compile all of it.
compiled: .venv/.dev
	$(BIN)/python -c "from pipelines.features.warming import warm_up; warm_up()"

test: compiled ## every test; what needs a missing part is skipped with its reason
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/.dev ## ruff, mypy strict, import rules
	@same=$$(find tests -name 'test_*.py' -printf '%f\n' | sort | uniq -d); \
	if [ -n "$$same" ]; then echo "pytest wants one name for one test module; twice: $$same"; exit 1; fi
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv/.dev ## write the generated pages again
	$(BIN)/python -m pipelines.features.docs > docs/features.md

$(BENCHES): bench-%: .venv/.dev ## a table, then one JSON line; ARGS=--quick for a small one
	$(BIN)/python -m benchmarks.$* $(ARGS)

.venv/.bench: .venv/.dev
	$(UV) sync --quiet --frozen --inexact --extra bench
	touch $@

bench-model: .venv/.bench ## the same; what it measures against is installed first
	$(BIN)/python -m benchmarks.model $(ARGS)

lock: .tools/bin/uv ## resolve uv.lock again, and what a Bento holds of it
	$(UV) lock
	$(UV) export --quiet --frozen --no-default-groups --no-emit-project --no-hashes --no-annotate --no-header --output-file serving/requirements.txt

bento: .venv/.dev ## build a Bento of the endpoint (docs/guides/endpoint.md)
	PATH=$(CURDIR)/.tools/bin:$$PATH $(BIN)/bentoml build

clean: ## remove what was set up and made here
	rm -rf .venv .tools .demo_home .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
