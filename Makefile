# setup, demo, dev, test and bench each set up what they need; the second time that costs nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup demo dev test bench lock clean

help: ## Show what can be done
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(VENV)/.complete ## Create .venv with the locked dependencies

$(VENV)/.complete: requirements.lock pyproject.toml setup.py
	@echo "Setting up $(VENV) (a minute or two, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --progress-bar on -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Simulate a retailer, build everything for its whole history, and answer the business questions
	$(BIN)/retail-assets demo

dev: setup ## Run the Dagster UI on 127.0.0.1:3000, with schedules and sensors
	$(BIN)/retail-assets dev

test: setup ## Lint, types, and all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto

bench: setup ## Measure, and rewrite docs/benchmarks.md
	$(BIN)/python -m benchmarks

lock: ## Resolve the dependencies anew into requirements.lock (needs uv)
	uv pip compile --quiet --python-version 3.11 --extra dev --no-emit-index-url --no-header pyproject.toml -o requirements.lock

clean: ## Remove the virtual environment and all state
	rm -rf $(VENV) .retail
