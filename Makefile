# Everything that can be done here. Each target sets up what it needs: Python 3.11 or newer and make are enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# pyright's launcher would otherwise say on each run that there is a newer pyright.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
# Holds for what a build needs as well, which `pip install -c` alone would not.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types check generate pytest bench clean

help:  ## Say what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## Set up the virtual environment in .venv

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(READY)

demo: $(READY)  ## Create a batch on the local sandbox, await it, stream its results: no key needed
	$(BIN)/claude-batches demo

test: lint types check pytest  ## Lint, type checks, drift check and tests

lint: $(READY)  ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## mypy and pyright, strict
	$(BIN)/mypy
	$(BIN)/pyright

check: $(READY)  ## Fail where generated/ is not what the spec and the templates give
	$(BIN)/python codegen.py --check

generate: $(READY)  ## Write generated/ from the spec and the templates
	$(BIN)/python codegen.py

pytest: $(READY)  ## The tests alone
	$(BIN)/pytest --numprocesses=auto --quiet

bench: $(READY)  ## Measure against the official SDK and against the floor, as ratios
	$(BIN)/python -m benchmarks

clean:  ## Remove what was set up
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
