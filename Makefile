# Everything a person or a machine does with this project, one sentence each: make help
PYTHON ?= python3
VENV := .venv
# Always `python -m …`: the scripts beside it name the folder in which they were installed, and a checkout may be moved.
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
PYTEST := $(BIN)/python -m pytest
# Three processes, each with servers of its own: a test that waits for a worker leaves its time to the others.
PRODUCT := --ignore=tests/transfers/rules
QUICK := not (browser or slow or worker)
WITH_OWN_TYPES := EXTRA_APPS=tests.apps.smallapp,tests.apps.exampleapp
PRODUCT_CODE := accounts audit demo operations records spreadsheets tenancy transfer_site transfers web wording

.DEFAULT_GOAL := help
.PHONY: help run test test-fast rules mutants chaos load promises bench bench-large screenshots lint lint-types lint-style format lock browser clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(STAMP) ## Start the whole site with demo data on http://localhost:8000 (PORT=… for another port)
	@exec $(BIN)/python -m transfer_site.run

test: $(STAMP) browser ## Run every test: the product as it is installed, then with the tests' own data types in it
	$(PYTEST) -n 3 --maxschedchunk=1 $(PRODUCT)
	$(WITH_OWN_TYPES) $(PYTEST) -n 2 tests/transfers/rules

rules: $(STAMP) ## Prove the rules of data types: every policy and owner against a model in plain Python
	$(WITH_OWN_TYPES) $(PYTEST) -n 2 tests/transfers/rules

mutants: $(STAMP) ## Break the engine's SQL on purpose, place by place, and see whether the tests notice (long)
	$(BIN)/python -m tests.harness.mutants

chaos: $(STAMP) ## Kill and starve everything at random while bulks run, and check every row: ROUNDS=100 SEED=7
	$(BIN)/python -m tests.harness.chaos --rounds $(or $(ROUNDS),10) --seed $(or $(SEED),1) $(CHAOS)

load: $(STAMP) ## Measure the pages while 2,000 pairs with three million rows are transferred (some minutes)
	$(BIN)/python -m tests.harness.chaos.load $(LOAD)

promises: $(STAMP) ## Take away what keeps each promise, one by one, and see whether its test notices (long)
	$(BIN)/python -m tests.harness.promises

test-fast: $(STAMP) ## Run the tests of the engine, of what people do, of people.csv and of the rules for pairs (under a minute)
	$(PYTEST) -n 2 $(addprefix tests/transfers/,engine actions people_csv validation) -m "$(QUICK)"

screenshots: $(STAMP) browser ## Photograph every page in every state into screenshots/, and the two of the README
	$(PYTEST) -q tests/harness/screenshots/take.py

bench: $(STAMP) ## Measure the engine against hand-written SQL, pair by pair and the ORM (about ten minutes)
	$(BIN)/python -m bench

bench-large: $(STAMP) ## The same with millions of rows and of users (most of an hour)
	$(BIN)/python -m bench --large

lint: $(STAMP) ## Check style, types, the direction of imports, unsafe code, and known holes in what is installed
	@$(MAKE) --no-print-directory --jobs=2 --output-sync lint-types lint-style

lint-types: $(STAMP)
	$(BIN)/python -m mypy

lint-style: $(STAMP)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-cache
	$(BIN)/python -m bandit --quiet --configfile pyproject.toml --recursive $(PRODUCT_CODE) manage.py gunicorn.conf.py
	$(BIN)/python .ci/audit requirements/dev.txt

format: $(STAMP) ## Put the code into the house format
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

lock: $(STAMP) ## Write requirements/*.txt anew from pyproject.toml (newest versions, with hashes)
	@$(BIN)/python -m pip install --quiet uv
	@set -e; for set in base saml dev; do \
	  if [ $$set = base ]; then more=""; else more="--extra $$set --constraints requirements/base.txt"; fi; \
	  rm -f requirements/$$set.txt; \
	  $(BIN)/python -m uv pip compile pyproject.toml $$more --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-annotate --no-header --output-file requirements/$$set.txt; \
	  echo "requirements/$$set.txt: $$(grep -c == requirements/$$set.txt) packages"; \
	done

browser: ## Make sure that the browser tests have a Chromium (CHROMIUM=/path/to/it for one of your own)
	@if [ -n "$$CHROMIUM" ] && [ -x "$$CHROMIUM" ]; then exit 0; fi; \
	if command -v chromium >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else \
	  echo "The browser tests need Chromium. Install it (Debian: apt-get install chromium)," >&2; \
	  echo "or name one with CHROMIUM=/path/to/chromium. 'make test-fast' works without it." >&2; exit 1; \
	fi

clean: ## Remove the virtualenv and the caches (the demo's data in .data stays)
	rm -rf $(VENV) $(VENV).lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements/dev.txt
	@command -v "$(PYTHON)" >/dev/null || { echo "$(PYTHON) is missing. Python 3.11 or newer is needed; name another: make PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" requirements/install.py $(VENV)
