# Everything a newcomer, an operator or a contributor runs. Works with GNU make 3.81 (macOS) and newer.

.DEFAULT_GOAL := help
.SUFFIXES:
PYTHON_IN := .venv/bin/python
# More than there are processors: many tests wait for a bot of their own, as its users would.
WORKERS ?= 4
SOAK ?= 60

# Caches and temporary files stay in the checkout.
CACHE := $(CURDIR)/.cache
export TMPDIR := $(CACHE)/tmp
export XDG_CACHE_HOME := $(CACHE)
export PIP_CACHE_DIR := $(CACHE)/pip
export UV_CACHE_DIR := $(CACHE)/uv
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := 1
# Compiled modules too: with them a bot starts in half the time, and the tests start many.
export PYTHONPYCACHEPREFIX := $(CACHE)/pycache
unexport PYTHONDONTWRITEBYTECODE
export HYPOTHESIS_STORAGE_DIRECTORY := $(CACHE)/hypothesis
export PYTHON
# pip asks rustc for its version, and rustup would answer by making a home of its own.
ifeq ($(wildcard $(HOME)/.rustup),)
export RUSTUP_HOME ?= $(CACHE)/rustup
endif

# An environment whose Python is gone is made again.
PREPARED := $(shell mkdir -p .cache/tmp; .venv/bin/python -c '' 2>/dev/null || rm -f .venv/.stamp-*)

.PHONY: help demo setup run test test-browser check format kills bench figures soak mutants messages lock upgrade licences clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

demo: .venv/.stamp-demo ## Try the bot in a browser: no token, no account (ARGS="--dm" and others)
	@$(PYTHON_IN) -m bot demo $(ARGS)

setup: .venv/.stamp-prod ## Install what the bot needs into .venv

run: .venv/.stamp-prod ## Run the bot on Discord, with the settings in .env
	@$(PYTHON_IN) -m bot run $(ARGS)

# Python cannot interrupt a test that holds its lock: after eleven minutes that process ends, and tells where.
test: .venv/.stamp-dev ## Run the tests (ARGS="-k word" and others; ARGS=--cov holds the coverage)
	$(PYTHON_IN) -m pytest -n $(WORKERS) --dist worksteal -m "not browser" -o faulthandler_timeout=660 $(ARGS)

test-browser: .venv/.stamp-dev ## Open the demo in Chromium and use it
	$(PYTHON_IN) -m pytest -m browser --timeout 180 $(ARGS)

check: .venv/.stamp-dev ## Format, lint, types, layers, dependencies, sentences, locks, licences
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	$(PYTHON_IN) -m mypy
	.venv/bin/lint-imports --cache-dir .cache/import-linter
	$(PYTHON_IN) -m deptry .
	.venv/bin/hadolint Dockerfile
	$(PYTHON_IN) -m tools.messages --check
	$(PYTHON_IN) -m tools.locks --check
	$(PYTHON_IN) -m tools.licences --check
	$(PYTHON_IN) -m tools.figures --check

format: .venv/.stamp-dev ## Format the code and mend what can be mended
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

kills: .venv/.stamp-dev ## Kill the bot at every point of an answer's way, on both databases
	KILLS=all $(PYTHON_IN) -m pytest -n0 --no-cov -s tests/wire/test_kills.py $(ARGS)

bench: .venv/.stamp-dev ## Measure, and print one table (ARGS="splitting" for one bench)
	$(PYTHON_IN) -m bench $(ARGS); status=$$?; $(PYTHON_IN) -m tools.figures; exit $$status

figures: .venv/.stamp-dev ## Write the README's figures from what was last measured
	$(PYTHON_IN) -m tools.figures

soak: .venv/.stamp-dev ## Let it live for an hour, let 200 ask at once in every trouble, kill it at every point (SOAK=minutes)
	SOAK=$(SOAK) $(PYTHON_IN) -m pytest -n0 --no-cov -s -m soak --timeout 900 tests/wire $(ARGS)

mutants: .venv/.stamp-dev ## Break the core in named places and see a test notice each
	$(PYTHON_IN) -m tools.mutants $(ARGS)

messages: .venv/.stamp-dev ## Bring the catalogues up to date with the code
	$(PYTHON_IN) -m tools.messages

lock: .venv/.stamp-dev ## Lock the requirements anew after a change in pyproject.toml
	$(PYTHON_IN) -m tools.locks

upgrade: .venv/.stamp-dev ## Lock the newest versions that pyproject.toml allows
	$(PYTHON_IN) -m tools.locks --upgrade

licences: .venv/.stamp-dev ## List the licences of everything that is shipped anew
	$(PYTHON_IN) -m tools.licences

clean: ## Remove the environment and every cache
	rm -rf .venv .cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.stamp-%: requirements/%.txt requirements/model.txt requirements/tool.txt
	@sh tools/bootstrap.sh $*
