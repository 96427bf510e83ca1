# make demo | make test | make ui | make check | make bench | make drills. Nothing else is needed; `make help` says more.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export LIVINGLAB_SHARED ?= $(abspath ../shared)
JARS := $(or $(LIVINGLAB_JARS),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/livinglab/jars)
UV := .tools/bin/uv
BIN := .venv/bin
MODELS := models/.venv

.PHONY: help demo test ui check lint-infra bench scale drills soak java platform models jars pictures clean

help: ## what there is
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: java platform models jars ## set up, then run the whole job: input to gold, answers, prediction, proof, report
	@$(BIN)/livinglab demo $(ARGS)

test: java platform models jars ## set up, then run every test
	@$(BIN)/python -m pytest $(ARGS)

ui: java platform models jars ## Airflow with our DAGs and pages; prints address and passwords once, ends with Ctrl-C
	@$(BIN)/livinglab ui $(ARGS)

check: platform ## lint, types, layers, contracts, secrets and host names
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/livinglab contracts lint
	@$(BIN)/python infra/lint/repository.py

lint-infra: platform ## compose file, chart and image: our rules, and the linters that are installed
	@$(BIN)/python infra/lint/deployments.py

bench: java platform models jars ## measure against a peer in the same run; writes the table in docs/benchmarks.md
	@$(BIN)/python -m tests.bench.run $(ARGS)

scale: java platform jars ## land to publish at 10^5 to 10^7 rows (half an hour); writes the section in docs/benchmarks.md
	@$(BIN)/python -m tests.bench.scale $(ARGS)

drills: java platform jars ## fail, kill and tamper hundreds of times (half an hour); prints figures
	@$(BIN)/python -m pytest tests/drills $(ARGS)

soak: java platform jars ## hostile input at its whole size: 20,000 examples a reader, 200,000 files (an hour)
	@LIVINGLAB_SOAK=1 $(BIN)/python -m pytest tests/hostile tests/properties/test_reader_properties.py $(ARGS)

pictures: java platform jars ## pictures of the pages, taken by a test on a generated home; writes docs/pictures
	@LIVINGLAB_PICTURES=1 $(BIN)/python -m pytest tests/ui/test_whole_ui.py $(ARGS)

pii-report: platform ## how well personal data is found, by kind and language; writes docs/pii-quality.md
	@$(BIN)/python -m tests.pii.run $(ARGS)

java:
	@bash infra/setup/java.sh

platform: .venv/.ready
models: $(MODELS)/.ready
jars: $(JARS)/.ready

.tools/bin/uv: infra/setup/uv.txt
	@bash infra/setup/tools.sh

.venv/.ready: requirements.txt pyproject.toml | $(UV)
	@bash infra/setup/environment.sh .venv requirements.txt "the platform (2 GB)"
	@$(UV) pip install -q --python .venv/bin/python --no-deps --no-build-isolation -e .
	@touch $@

$(MODELS)/.ready: models/requirements.txt | $(UV)
	@bash infra/setup/environment.sh $(MODELS) models/requirements.txt "the models environment (6 GB)"
	@touch $@

$(JARS)/.ready: infra/spark/jars.sha256 | .venv/.ready
	@echo "fetching Delta's jars (13 MB, once) ..." >&2
	@LIVINGLAB_JARS="$(JARS)" $(BIN)/python -m lakehouse.adapters.spark_jars
	@touch $@

clean: ## remove environments and caches; homes are kept
	@rm -rf .venv .tools $(MODELS) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
