# What there is to do: `make help`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml setup.py $(shell find csrc -type f)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 15

# A virtual environment with pymig in it, as editable source, and with the tools of one purpose: .venv/.for-test
$(VENV)/.for-%: $(SOURCES)
	.ci/require venv headers compiler
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check --config-settings editable_mode=compat -e '.[$*]'
	touch $@

.PHONY: run
run: $(VENV)/.for-completion ## set everything up, and check for real on this host
	$(BIN)/pymig probe || test $$? -eq 1
	$(BIN)/pymig check multifd postcopy-ram --incoming || test $$? -eq 1
	$(BIN)/pymig check background-snapshot || test $$? -eq 1

.PHONY: test
test: $(VENV)/.for-test ## set everything up, a real QEMU included, and pass the tests
	.ci/require cmocka qemu strace
	$(MAKE) --no-print-directory -C tests/c check
	$(BIN)/pytest -q

.PHONY: test-plain
test-plain: $(VENV)/.for-test ## the tests that could tell, with memoising switched off
	PYMIG_MEMO=0 $(BIN)/pytest -q tests/unit tests/exhaustive tests/vectors

.PHONY: test-releases
test-releases: $(VENV)/.for-test ## the live tests against real QEMUs of several releases; LABELS='debian-7.2 ...' for some of them
	$(BIN)/python -m tests.live.releases $(LABELS)

.PHONY: test-c
test-c: ## the C core by itself: gcc and clang, then both with sanitizers
	.ci/require compiler cmocka clang
	$(MAKE) -C tests/c check CC=gcc
	$(MAKE) -C tests/c check CC=clang
	$(MAKE) -C tests/c check CC=gcc SANITIZE=1
	$(MAKE) -C tests/c check CC=clang SANITIZE=1

.PHONY: test-arm
test-arm: ## the C core on aarch64, emulated; makes arm64 a foreign architecture of this Debian
	.ci/require arm
	$(MAKE) -C tests/c check CC=aarch64-linux-gnu-gcc RUN=qemu-aarch64 TESTS='core tables batch'

.PHONY: lint
lint: $(VENV)/.for-lint $(VENV)/.for-test ## formatters, linters, types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy pymig
	$(BIN)/clang-format --dry-run --Werror $$(find csrc tests/c bench -name "*.[ch]")

.PHONY: stub
stub: $(VENV)/.for-test ## write pymig/_core.pyi, the types of what csrc/pymig.h declares
	@mkdir -p build
	$(BIN)/python csrc/stub.py > build/_core.pyi
	mv build/_core.pyi pymig

.PHONY: format
format: $(VENV)/.for-lint ## let the formatters have their way
	$(BIN)/ruff format
	$(BIN)/clang-format -i $$(find csrc tests/c bench -name "*.[ch]")

.PHONY: pythons
pythons: $(VENV)/.for-tox ## the suite on every Python of 3.10 to 3.13 that is here; ENVS=3.10,3.13 for some
	$(BIN)/tox run -q $(if $(ENVS),-e $(ENVS))

.PHONY: coverage
coverage: $(VENV)/.for-coverage $(VENV)/.for-test ## lines and branches of csrc/ and pymig/ that the tests reach
	.ci/require cmocka qemu strace
	.ci/coverage

.PHONY: dist
dist: $(VENV)/.for-dist ## sdist and wheel, audited, and each tested by itself
	.ci/require cmocka qemu strace
	.ci/dist

.PHONY: bench
bench: $(VENV)/.for-bench $(VENV)/.for-test ## side by side with its peers in one run: a table of ratios, and as JSON
	@mkdir -p build/bench
	$(BIN)/pytest bench -q --benchmark-json=build/bench/measured.json --benchmark-columns=median --benchmark-disable-gc
	$(BIN)/python -m bench.plot build/bench/measured.json build/bench/growth.svg
	$(BIN)/python -m bench.report build/bench/measured.json build/bench/ratios.json

.PHONY: instructions
instructions: ## how many instructions a check takes, against the committed figures
	.ci/require compiler valgrind
	$(PYTHON) -m bench.instructions

.PHONY: clean
clean: ## remove what was made
	rm -rf $(VENV) build dist .tox *.egg-info pymig/_core.c pymig/*.so .coverage*
