# All tasks of this project; `make help` lists them.
PYTHON ?= python3
VENV := .venv
# Always `python -m …`: scripts in the virtualenv contain its path, so they break when the checkout is moved.
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
PYTEST := $(BIN)/python -m pytest
# The merge library with which the benchmark compares the engine; only the benchmark imports it.
BENCH_LIBRARY = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
# Three processes, each with its own servers: while one test waits for a worker, others run.
PRODUCT := --ignore=tests/transfers/rules
QUICK := not (browser or slow or worker)
WITH_OWN_TYPES := EXTRA_APPS=tests.apps.smallapp,tests.apps.exampleapp
# Processes that tests start would otherwise compile all modules again, if the environment forbids to keep them.
unexport PYTHONDONTWRITEBYTECODE
PRODUCT_CODE := accounts adopting audit demo operations records spreadsheets tenancy transfer_site transfers web wording

.DEFAULT_GOAL := help
.PHONY: help run test test-fast rules mutants chaos load promises bench bench-large screenshots lint lint-types lint-style lint-tests format lock browser clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(STAMP) ## Start the whole site with demo data on http://localhost:8000 (PORT=… for another port)
	@exec $(BIN)/python -m transfer_site.run

test: $(STAMP) browser ## Run all tests: the product alone, then the rules with additional data types
	$(PYTEST) -n 3 --dist=loadgroup $(PRODUCT)
	$(WITH_OWN_TYPES) $(PYTEST) -n 2 tests/transfers/rules

rules: $(STAMP) ## Test every policy and kind of owner against a model in plain Python
	$(WITH_OWN_TYPES) $(PYTEST) -n 2 tests/transfers/rules

mutants: $(STAMP) ## Mutate the engine's SQL, place by place, and check that a test fails (long)
	$(BIN)/python -m tests.harness.mutants

chaos: $(STAMP) ## Inject random faults while bulk transfers run, and check every row: ROUNDS=100 SEED=7
	$(BIN)/python -m tests.harness.chaos --rounds $(or $(ROUNDS),10) --seed $(or $(SEED),1) $(CHAOS)

load: $(STAMP) ## Measure page times while 2,000 pairs with three million rows are transferred (some minutes)
	$(BIN)/python -m tests.harness.chaos.load $(LOAD)

promises: $(STAMP) ## Remove the protection behind each promise, one by one, and check that its test fails (long)
	$(BIN)/python -m tests.harness.promises

test-fast: $(STAMP) ## Run the tests of the engine, actions, people.csv and validation (under a minute)
	$(PYTEST) -n 2 $(addprefix tests/transfers/,engine actions people_csv validation) -m "$(QUICK)"

screenshots: $(STAMP) browser ## Write screenshots of every page in every state to screenshots/, and those of the README
	$(PYTEST) -q tests/harness/screenshots/take.py

bench: $(STAMP) ## Compare the engine with hand-written SQL, the ORM and a merge library (about ten minutes)
	$(BENCH_LIBRARY)
	$(BIN)/python -m bench

bench-large: $(STAMP) ## The same with millions of rows and users (most of an hour)
	$(BENCH_LIBRARY)
	$(BIN)/python -m bench --large

lint: $(STAMP) ## Check style, types, imports (also of tests), security, and known vulnerabilities
	@$(MAKE) --no-print-directory --jobs=2 --output-sync lint-types lint-style lint-tests

lint-types: $(STAMP)
	$(BIN)/python -m mypy

lint-style: $(STAMP)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-cache
	$(BIN)/python -m bandit --quiet --configfile pyproject.toml --recursive $(PRODUCT_CODE) manage.py gunicorn.conf.py
	$(BIN)/python .ci/audit requirements/dev.txt

# The processes of `make test` then find all modules compiled, which each of them would do.
lint-tests: $(STAMP)
	@found=$$($(PYTEST) --collect-only -qq $(PRODUCT)) || { echo "$$found"; exit 1; }

format: $(STAMP) ## Format the code and apply safe fixes
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

lock: $(STAMP) ## Update requirements/*.txt from pyproject.toml (newest versions, with hashes)
	@$(BIN)/python -m pip install --quiet uv
	@set -e; for set in base saml dev bench; do \
	  if [ $$set = base ]; then more=""; else more="--extra $$set --constraints requirements/base.txt"; fi; \
	  rm -f requirements/$$set.txt; \
	  $(BIN)/python -m uv pip compile pyproject.toml $$more --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-annotate --no-header --output-file requirements/$$set.txt; \
	  echo "requirements/$$set.txt: $$(grep -c == requirements/$$set.txt) packages"; \
	done

# The headless shell is Chromium without windows and toolbars: each test's page opens in a third of the time.
browser: ## Install Chromium for the browser tests if it is missing (or set CHROMIUM=/path/to/it)
	@if [ -n "$$CHROMIUM" ] && [ -x "$$CHROMIUM" ]; then exit 0; fi; \
	if command -v chromium-headless-shell || command -v chromium; then exit 0; fi >/dev/null 2>&1; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null; \
	else \
	  echo "The browser tests need Chromium. Install it (Debian: apt-get install chromium-headless-shell)," >&2; \
	  echo "or set CHROMIUM=/path/to/chromium. 'make test-fast' works without it." >&2; exit 1; \
	fi

clean: ## Remove the virtualenv and the caches (the demo's data in .data stays)
	rm -rf $(VENV) $(VENV).lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements/dev.txt
	@command -v "$(PYTHON)" >/dev/null || { echo "$(PYTHON) is missing. Python 3.11 or newer is needed; choose another: make PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" requirements/install.py $(VENV)
