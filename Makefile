# All development tasks. Each target sets up its requirements: Python 3.11 or newer and make are enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/.ready-demo
READY := $(VENV)/.ready

# pyright's launcher would report a newer pyright on each run.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
# Applies to build dependencies as well, unlike `pip install -c`.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Left out of `make quick`: tests with Node, with many generated packages, of load, of killed processes and of attacks.
SLOW := tests/attack tests/cli tests/client/test_scale.py tests/contract tests/docs tests/generator/blackbox \
	tests/generator/public tests/generator/test_broken_documents.py tests/generator/test_comparing.py \
	tests/generator/test_drills.py tests/generator/test_generate.py tests/generator/test_large.py \
	tests/generator/test_own_api.py tests/jobs tests/migration tests/models/test_round_trip.py tests/packaging \
	tests/results/test_download.py tests/sandbox/test_browser.py tests/sandbox/test_load.py \
	tests/sandbox/test_params.py tests/spark tests/typing

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick lint types imports check generate pytest soak docs bench clean

help:  ## List the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	@# Older releases of pip do not read dependency groups.
	$(BIN)/python -m pip install --quiet --upgrade pip

$(DEMO): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[cli,sandbox]'
	@touch $(DEMO)

$(READY): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[all]' --group dev
	@touch $(DEMO) $(READY)

setup: $(READY)  ## Set up the development environment in .venv

demo: $(DEMO)  ## Run a job on a local sandbox through faults and a kill -9: no key needed
	$(BIN)/claude-batches demo

test: lint types imports check pytest  ## Lint, type checks, import contracts, drift check and all tests

quick: lint check $(READY)  ## The inner loop: lint, drift check and the fast tests
	$(BIN)/pytest --numprocesses=auto --quiet $(SLOW:%=--ignore=%)

lint: $(READY)  ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## mypy and pyright, strict
	$(BIN)/mypy
	$(BIN)/pyright

imports: $(READY)  ## Check which package may import which
	$(BIN)/lint-imports

check: $(READY)  ## Fail if generated code differs from the spec, the templates or the asynchronous shells
	$(BIN)/python codegen.py --check

generate: $(READY)  ## Write the generated code
	$(BIN)/python codegen.py

pytest: $(READY)  ## The tests alone
	$(BIN)/pytest --numprocesses=auto --quiet

soak: $(READY)  ## The randomised tests for a long time: kills, faults, hostile servers; ROUNDS=300
	CLAUDE_BATCHES_SOAK=$(or $(ROUNDS),300) $(BIN)/pytest --quiet -rA --numprocesses=auto --timeout=0 tests/attack tests/jobs

docs: $(READY)  ## Build the site into docs/_build; every warning is an error
	$(BIN)/python -m sphinx --fresh-env --nitpicky --fail-on-warning --keep-going --jobs auto docs docs/_build

bench: $(READY)  ## Measure against the official SDK and against the floor, as ratios
	$(BIN)/python -m benchmarks

clean:  ## Remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
