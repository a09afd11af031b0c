# One command for each habit; CI runs the same ones. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# uv from the PATH, or one of our own in .uv/, made with nothing but Python.
UV := $(shell command -v uv 2>/dev/null)
ifeq ($(UV),)
UV := .uv/bin/uv
UV_NEEDED := .uv/bin/uv
endif
PYTHON ?= python3
RUN := $(UV) run --frozen
# Inexact, as `uv run` is: a module that someone installed beside ours stays.
SYNC := $(UV) sync --frozen --inexact --quiet
SOURCES := platform migrations modules tests bench clients

# The preferred interpreter is named in .python-version; where there is only another supported one, that will do, now and
# for as long as .venv lives. Where there is none, any Python brings uv, and uv fetches one.
export UV_PYTHON_PREFERENCE ?= system
ifneq ($(wildcard .venv/bin/python),)
export UV_PYTHON ?= .venv/bin/python
else
supported = $(shell $(1) -c 'import sys; sys.version_info >= (3, 12) and print(sys.executable)' 2>/dev/null)
FOUND := $(or $(call supported,$(PYTHON)),$(call supported,python3.13),$(call supported,python3.12),$(call supported,python3.14))
ifneq ($(FOUND),)
PYTHON := $(FOUND)
export UV_PYTHON ?= $(FOUND)
endif
endif

# Starting takes twice as long where every process has to compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

# What takes seconds is said before it is done, and how long it took after.
NOW := $$(date +%s)

.PHONY: help setup run demo dev test lint format types boundaries check migrate revision bench bench-media contracts clients clean up down

help: ## List the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.uv/bin/uv:
	@$(PYTHON) -c '' || { echo "$(PYTHON) does not run: install Python 3.12 or newer, or uv." >&2; exit 1; }
	@echo "... uv, installed into .uv" && began=$(NOW) && $(PYTHON) -m venv .uv \
	&& .uv/bin/python -m pip install --quiet --disable-pip-version-check uv && echo "ok  uv in .uv $$(($(NOW) - began)) s"

setup: $(UV_NEEDED) ## Install everything into .venv
	@if [ -x .venv/bin/monocoque ]; then $(SYNC); else echo "... packages, installed into .venv" && began=$(NOW) && $(SYNC) \
	&& echo "ok  packages in .venv $$(($(NOW) - began)) s"; fi

run: setup ## Start the API with its own PostgreSQL on 127.0.0.1:8000
	@$(RUN) --no-sync monocoque serve

demo: setup ## The same, with demo data: links and sign-ins are in the panel
	@$(RUN) --no-sync monocoque serve --demo

dev: setup ## The same, starting again when the code changes
	@$(RUN) --no-sync monocoque serve --reload

test: setup ## Run every test, in parallel, on real PostgreSQL
	@$(RUN) --no-sync pytest

lint: setup ## Check style
	@$(RUN) --no-sync ruff check $(SOURCES)
	@$(RUN) --no-sync ruff format --check $(SOURCES)

format: setup ## Put the style right
	@$(RUN) --no-sync ruff check --fix $(SOURCES)
	@$(RUN) --no-sync ruff format $(SOURCES)

types: setup ## Check types
	@$(RUN) --no-sync mypy $(SOURCES)

boundaries: setup ## Check who imports whom
	@$(RUN) --no-sync lint-imports

check: lint types boundaries test ## All of the above: what CI runs

migrate: setup ## Apply pending migrations
	@$(RUN) --no-sync monocoque db upgrade

revision: setup ## Write a revision: make revision module=cars message="Add colour"
	@test -n "$(module)" && test -n "$(message)" || { echo 'Say which: make revision module=cars message="Add colour"' >&2; exit 1; }
	@$(RUN) --no-sync monocoque db revision --module "$(module)" "$(message)"

bench: setup ## Measure against a bare server; writes bench/results.json
	@$(RUN) --no-sync python -m bench $(args)

bench-media: setup ## Measure search over a million items, filled by COPY
	@$(RUN) --no-sync python -m bench.media $(args)

contracts: setup ## Write anew what is generated: contracts/, .env.example, tables in docs/
	@$(RUN) --no-sync monocoque openapi --output contracts/openapi.json
	@$(RUN) --no-sync monocoque problems --output contracts/problem-codes.json
	@$(RUN) --no-sync monocoque configuration --output .env.example
	@$(RUN) --no-sync monocoque configuration --format markdown --output docs/configuration.md
	@$(RUN) --no-sync monocoque schema --output docs/schema.md
	@$(RUN) --no-sync monocoque endpoints --into docs/api.md
	@$(RUN) --no-sync python -m monocoque_media.connectors.attribute_table > docs/attribute-mapping.md
	@$(RUN) --no-sync monocoque postman --plan contracts/walkthrough.toml --output contracts/postman.json
	@$(RUN) --no-sync monocoque bruno --plan contracts/walkthrough.toml --output contracts/bruno

clients: setup ## Generate clients in TypeScript and Python, compile them, use both on a live server
	@echo "... tools, installed into clients/.venv" && $(UV) sync --project clients --frozen --quiet
	@$(RUN) --no-sync python -m clients $(args)

clean: ## Remove what was installed and built; the database in .monocoque stays
	@rm -rf .venv .uv .node .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* coverage.xml htmlcov dist
	@rm -rf clients/.venv clients/typescript/node_modules clients/typescript/build clients/*/generated clients/*/.mypy_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

up: ## Start the containers of compose.yaml
	@docker compose up --build --detach --wait

down: ## Stop them; their data stays
	@docker compose down
