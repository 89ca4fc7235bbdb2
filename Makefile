# Yiku: `make run` starts the product, `make test` proves it. Everything else is listed by `make help`.
SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000
DEMO ?= 1
export YIKU_SHARED ?= $(abspath ../shared)

.PHONY: help install run test test-sqlite test-postgres check bench soak controls translations clean

help:
	@echo "make run            start the product with the demo company (PORT=8123 for another port)"
	@echo "make test           all tests: SQLite, then a real PostgreSQL, browser included"
	@echo "make check          ruff, mypy, import-linter, migrations, deploy checks, translations, README"
	@echo "make bench          the benchmarks, each against its limit in the same run"
	@echo "make soak           the long runs: a thousand simulated shops, full kill sweeps"
	@echo "make controls       take each guard out of a copy and watch its test go red"
	@echo "make translations   collect new texts into the Chinese catalogue and compile it"

install:
	@sh tools/install.sh "$(VENV)"

run: install
	@PORT="$(PORT)" DEMO="$(DEMO)" exec $(BIN)/python -m backoffice.supervisor

test: install
	@$(BIN)/python tools/run_tests.py

test-sqlite: install
	@$(BIN)/python tools/run_tests.py sqlite

test-postgres: install
	@$(BIN)/python tools/run_tests.py postgres

check: install
	@$(BIN)/python tools/check.py

bench: install
	@$(BIN)/python -m benchmarks

soak: install
	@$(BIN)/python tools/run_tests.py soak

controls: install
	@$(BIN)/python tools/controls.py "$(NAME)"

translations: install
	@$(BIN)/python tools/translations.py

clean:
	rm -rf $(VENV) var build *.egg-info
