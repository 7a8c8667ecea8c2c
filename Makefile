# The first target that needs it makes .venv; nothing has to be installed by hand, and nothing is written elsewhere.
# `make PYTHON=/path/to/python3` names the Python to build it with.

SHELL := /bin/sh
export PYTHON
.DEFAULT_GOAL := help
.PHONY: help demo test check lint types imports bench nightly docs clean environment demo-environment

BIN := .venv/bin

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: demo-environment ## show the whole workflow on an embedded pair of databases
	@$(BIN)/database-migration demo

test: environment ## run the test tiers, each against its time budget
	@$(BIN)/python tests/run_tiers.py

check: lint types imports docs test ## everything a change must pass

lint: environment ## style, and the format of every file
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: environment ## pyright, strict
	@$(BIN)/pyright

imports: environment ## the direction of imports between rooms
	@$(BIN)/lint-imports

docs: environment ## internal links of the documentation
	@$(BIN)/python docs/check_links.py

bench: environment ## measure against peers; writes build/bench.json
	@$(BIN)/python -m benchmarks

nightly: environment ## long random tests, then the benchmarks at large scale
	@HYPOTHESIS_PROFILE=nightly PYTEST_TIMEOUT=7200 $(BIN)/python tests/run_tiers.py property
	@$(BIN)/python -m benchmarks --scale large

clean: ## remove everything that make made
	@rm -rf .venv build dist .hypothesis .import_linter_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

environment:
	@.ci/venv dev

demo-environment:
	@.ci/venv demo
