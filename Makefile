# Everything a person types while working on Yurt. Each target makes its own environment in .venv, on a
# machine that has only make and Python >= 3.11 with its venv module; no root, no containers.

PYTHON ?= python3
UV_VERSION := 0.13.8
# Processes that `make test` runs at once.
JOBS ?= 3
# A file at a time, in the order of tests/conftest.py: the longest first.
SPREAD := -n $(JOBS) --dist loadfile --no-loadscope-reorder
# The same order and the same examples each time; `make test-long` takes others, and says which.
SAME := --randomly-seed 9420
ANEW := --hypothesis-profile anew

VENV := .venv
BIN := $(VENV)/bin
# uv installs into .venv and nowhere else, with the Python that made it.
UV := VIRTUAL_ENV= UV_PROJECT_ENVIRONMENT=$(VENV) UV_PYTHON_DOWNLOADS=never $(BIN)/uv
STAMP := $(VENV)/.installed
ROOTS := federation server client lab
# Tests start hundreds of processes; where the shell forbids bytecode, each would compile all of Yurt.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo world test test-long check format fuzz bench clean

help:  ## Show this list.
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(STAMP)  ## Two nodes, two people, one encrypted room, on this machine.
	@if [ -t 1 ]; then exec $(BIN)/yurt demo; else exec $(BIN)/yurt demo --headless --json; fi

world: $(STAMP)  ## Two nodes to play with by hand, until Ctrl-C.
	@$(BIN)/python -m yurt.lab.world

test: $(STAMP)  ## Run the tests (minutes).
	$(BIN)/pytest $(SPREAD) $(SAME)

test-long: $(STAMP)  ## Run the tests in full sizes (an hour).
	$(BIN)/pytest $(SPREAD) $(ANEW) -m "long or not long" --timeout 1800

check: $(STAMP)  ## Check format, style, types and imports.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(ROOTS) tests
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(STAMP)  ## Format the code and mend what can be mended.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fuzz: $(STAMP)  ## Throw mutated bytes at the MLS decoders (FUZZ=500000 rounds).
	FUZZ_ROUNDS=$(or $(FUZZ),500000) $(BIN)/pytest tests/federation/mls/test_fuzz_decoders.py -m "long or not long" --timeout 1800

bench: $(STAMP)  ## Measure a real node beside a bare broadcast.
	$(BIN)/python -m yurt.lab.bench
	$(BIN)/python -m yurt.lab.bench.mls

clean:  ## Remove the environment and all caches.
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist

# The environment is what uv.lock says, again whenever that changes.
$(STAMP): pyproject.toml uv.lock | $(BIN)/uv
	$(UV) sync --frozen --quiet --all-extras --compile-bytecode
	@$(BIN)/python -m compileall -q $(ROOTS)
	@touch $@

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Yurt needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "This Python has no venv module: install python3-venv, then try again." >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
