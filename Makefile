# setup, demo, dev, dashboards, test and bench each set up what they need; the second time that costs nothing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --quiet --disable-pip-version-check

# On a further version of Python: the parts whose dependencies differ by it, and a demo from the wheel.
SMOKE := cli deployment resources test_wheel.py

.PHONY: help setup demo dev dashboards format test smoke mutations kills review bench lock clean

help: ## Show what can be done
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(VENV)/.complete ## Create .venv with the locked dependencies

$(VENV)/.complete: requirements.lock pyproject.toml setup.py
	@echo "Setting up $(VENV) (a minute or two, once)"
	@test -x $(BIN)/python || { $(PYTHON) -c "$$SUPPORTED" && $(PYTHON) -m venv $(VENV); }
	$(PIP) install --progress-bar on -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

define SUPPORTED
import sys
if not (3, 11) <= sys.version_info < (3, 14):
    sys.exit(f"Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is {sys.version.split()[0]}. Name one: PYTHON=python3.13")
endef
export SUPPORTED

demo: setup ## Simulate a retailer, build everything for its whole history, and answer the business questions
	$(BIN)/retail-assets demo

dev: setup ## Run the Dagster UI on 127.0.0.1:3000, with schedules and sensors
	$(BIN)/retail-assets dev

dashboards: setup ## Serve the dashboards on 127.0.0.1:3030
	$(BIN)/retail-assets dashboards

format: setup ## Format Python and SQL, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfmt dbt_project

test: setup ## Lint, types, and all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/sqlfmt --check --quiet dbt_project
	$(BIN)/mypy
	$(BIN)/pytest -n auto

smoke: setup ## Some tests, for a further version of Python: make smoke PYTHON=python3.13 VENV=.venv-3.13
	$(BIN)/pytest -n auto $(SMOKE:%=retail_assets_tests/%)

kills: setup ## Kill 50 runs and 20 daemons at random moments, and see that nobody notices and every table comes out right
	KILLS=50 $(BIN)/python -m pytest -n 0 -s retail_assets_tests/laws/test_random_kills.py retail_assets_tests/laws/test_all_at_once.py \
		retail_assets_tests/alerts/test_daemon_kills.py

mutations: setup ## Break each law on purpose, in a copy, and see that its tests notice: make mutations LAWS="3 4"
	$(BIN)/python -m retail_assets_tests.mutations $(LAWS)

# A git revision to compare with.
AGAINST ?= main
review: setup ## Build your changes on a copy of the warehouse, and report what comes out otherwise
	$(BIN)/retail-assets review --against $(AGAINST)

bench: setup ## Measure, and rewrite docs/benchmarks.md: make bench PARTS="rows company segments", or all
	$(BIN)/python -m benchmarks $(PARTS)

lock: ## Resolve the dependencies into requirements.lock, for all versions of Python (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --no-emit-index-url --no-header \
		pyproject.toml -o requirements.lock

clean: ## Remove the virtual environments and all state
	rm -rf .venv .venv-* .retail build dist *.egg-info
