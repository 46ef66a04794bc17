# Two commands do everything: `make run` and `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3.10 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
SYSTEM := packaging/system-packages.txt
SYSTEM_TEST := packaging/system-packages-test.txt
SYSTEM_PACKAGE := packaging/system-packages-package.txt
PYTEST_ARGS ?=
# Debian's pip would run setup.py of packages without a wheel, which records files that are not there.
export PIP_USE_PEP517 := 1

.PHONY: help run test test-slow lint format package translate demo setup setup-test system system-test system-package clean
.DEFAULT_GOAL := help

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: setup ## open the app; without a display: do the sample task on a virtual one
	@$(BIN)/reticle start

test: setup-test lint ## everything CI runs
	@packaging/run-tests.sh -m "not slow and not gpu" $(PYTEST_ARGS)

test-slow: setup-test ## the tests left out of `make test`
	@packaging/run-tests.sh -m "slow and not gpu" $(PYTEST_ARGS)

lint: setup-test ## formatting, style, types, import directions
	@$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-test ## format the code
	@$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

package: setup system-package ## build wheel, one-folder program and .deb below /tmp/reticle-packages, and try each
	@packaging/build.sh all

translate: setup ## collect the words of the windows and compile their translations
	@$(BIN)/python packaging/translate.py

demo: setup-test ## record docs/images/demo.gif from the real application on a virtual desktop
	@$(BIN)/python packaging/record_demo.py docs/images/demo.gif

setup: system $(VENV)/.installed

setup-test: system-test $(VENV)/.installed-test

system:
	@packaging/install-system-packages.sh $(SYSTEM)

system-test:
	@packaging/install-system-packages.sh $(SYSTEM) $(SYSTEM_TEST)

system-package:
	@packaging/install-system-packages.sh $(SYSTEM) $(SYSTEM_PACKAGE)

$(VENV)/bin/python: | system
	@echo "reticle: creating $(VENV)"
	"$(PYTHON)" -m venv $(VENV)

# torch first and alone: from the pin, pip takes the CPU build where one is at hand instead of the newest CUDA one.
$(VENV)/.installed: pyproject.toml packaging/constraints.txt | system $(VENV)/bin/python
	@echo "reticle: installing Python packages (a few minutes the first time)"
	$(BIN)/pip install -q --disable-pip-version-check -c packaging/constraints.txt torch
	$(BIN)/pip install -q --disable-pip-version-check -c packaging/constraints.txt -e .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed | system-test
	@echo "reticle: installing test packages"
	$(BIN)/pip install -q --disable-pip-version-check -c packaging/constraints.txt -e '.[test]'
	touch $@

clean: ## remove what can be made again
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
