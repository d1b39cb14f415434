# SPDX-License-Identifier: GPL-2.0-or-later

# `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml setup.py $(shell find csrc -type f)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 15

# The packages that each target needs. What is missing is installed, or named, for all given targets at once.
BUILD := venv headers compiler
SUITE := $(BUILD) bindfs bwrap cmocka qemu strace systemd-nspawn g++ pkg-config
NEEDS_run := $(BUILD)
NEEDS_test := $(SUITE)
NEEDS_test-plain := $(BUILD)
NEEDS_test-fleet := $(SUITE) chromium
NEEDS_test-c := compiler cmocka clang
NEEDS_fuzz := $(BUILD) clang
NEEDS_race := clang
NEEDS_asan := $(SUITE)
NEEDS_daemon := $(SUITE)
NEEDS_test-arm := arm
NEEDS_test-machines := $(BUILD) mmdebstrap
NEEDS_package := $(BUILD) mmdebstrap
NEEDS_test-releases := $(BUILD)
NEEDS_test-libvirt := $(BUILD) mmdebstrap
NEEDS_stub := $(BUILD)
NEEDS_reference := $(BUILD)
NEEDS_completion := $(BUILD)
NEEDS_docs := $(BUILD) chromium
NEEDS_lint := $(BUILD) cmocka
NEEDS_format := $(BUILD)
NEEDS_pythons := $(SUITE)
NEEDS_coverage := $(SUITE)
NEEDS_mutation := $(SUITE)
NEEDS_dist := $(SUITE)
NEEDS_bench := $(SUITE)
NEEDS_instructions := compiler valgrind
NEEDS_install-c := compiler
NEEDS_wheels := $(BUILD) arm
NEEDS_shipped := $(BUILD) arm mmdebstrap autotools

.PHONY: needs
needs:
	@.ci/require $(sort $(foreach goal,$(MAKECMDGOALS),$(NEEDS_$(goal))))

# A virtual environment with pymig (editable) and the tools for one purpose, for example .venv/.for-test
$(VENV)/.for-%: $(SOURCES) | needs
	@echo "installing the tools for $* into $(VENV) with pip; this can take some minutes"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check --config-settings editable_mode=compat -e '.[$*]'
	touch $@

.PHONY: install-c
install-c: needs ## install the C library, header and pymig.pc below PREFIX=/usr/local, in DESTDIR
	$(MAKE) --no-print-directory -C csrc install

.PHONY: run
run: $(VENV)/.for-qemu ## install everything and check this host
	$(BIN)/pymig probe || test $$? -eq 1
	$(BIN)/pymig check multifd postcopy-ram --incoming || test $$? -eq 1
	$(BIN)/pymig check background-snapshot || test $$? -eq 1

.PHONY: test
test: $(VENV)/.for-test ## install everything, including a real QEMU, and run the tests
	$(MAKE) --no-print-directory -C tests/c check
	$(BIN)/pytest -q

.PHONY: test-plain
test-plain: $(VENV)/.for-test ## run the tests that depend on the cache of verdicts, without it
	PYMIG_MEMO=0 $(BIN)/pytest -q tests/unit tests/exhaustive tests/vectors

.PHONY: test-releases
test-releases: $(VENV)/.for-test ## run the live tests against real QEMUs of several releases; LABELS='debian-7.2 ...' selects some
	$(BIN)/python -m tests.live.releases $(LABELS)

.PHONY: test-fleet
test-fleet: $(VENV)/.for-fleet $(VENV)/.for-test ## run the fleet's tests with Chromium, Dask and Ansible as well
	PATH="$$PWD/$(BIN):$$PATH" $(BIN)/pytest -q tests/fleet

.PHONY: test-c
test-c: needs ## test the C core alone: gcc and clang, then both with sanitizers
	$(MAKE) -C tests/c check CC=gcc
	$(MAKE) -C tests/c check CC=gcc FORTIFY=1 TESTS='out_of_memory faults'
	$(MAKE) -C tests/c check CC=clang
	$(MAKE) -C tests/c check CC=gcc SANITIZE=1
	$(MAKE) -C tests/c check CC=clang SANITIZE=1

.PHONY: fuzz
fuzz: $(VENV)/.for-test ## fuzz the C core and Python's inputs, each target for SECONDS; TARGETS='check states' selects some
	$(MAKE) -C tests/c fuzz $(if $(SECONDS),SECONDS=$(SECONDS)) $(if $(TARGETS),TARGETS='$(TARGETS)')
	PYMIG_FUZZ_EXAMPLES=$(or $(EXAMPLES),5000) $(BIN)/pytest -q tests/fuzz

.PHONY: race
race: needs ## run threads on the C core under ThreadSanitizer, for SECONDS
	$(MAKE) -C tests/c race $(if $(SECONDS),SECONDS=$(SECONDS))

.PHONY: asan
asan: $(VENV)/.for-coverage $(VENV)/.for-test ## run the Python tests on an extension with AddressSanitizer and UndefinedBehaviorSanitizer
	.ci/asan

.PHONY: daemon
daemon: $(VENV)/.for-test ## use pymig as a daemon would, from THREADS threads for SECONDS; nothing may grow
	$(BIN)/python -m tests.daemon $(if $(SECONDS),--seconds $(SECONDS)) $(if $(THREADS),--threads $(THREADS))

.PHONY: test-libvirt
test-libvirt: needs $(VENV)/.for-test ## let two real libvirts migrate, and compare with the prediction; SUITES='trixie' selects some
	$(BIN)/python -m tests.libvirt.live $(SUITES)

.PHONY: test-arm
test-arm: needs ## test the C core on emulated aarch64; adds arm64 as a foreign architecture to this Debian
	$(MAKE) -C tests/c check CC=aarch64-linux-gnu-gcc RUN=qemu-aarch64 TESTS='core tables batch'

.PHONY: test-machines
test-machines: needs $(VENV)/.for-test ## run both commands on bare Debian 12, Debian 13 and Ubuntu 24.04; ROOTS='debian-sid ...' selects some
	$(BIN)/python -m tests.machines $(ROOTS)

.PHONY: package
package: needs $(VENV)/.for-test ## build the Debian packages in a bare Debian 13, check them with lintian, and use them in another
	$(BIN)/python -m tests.machines.package

.PHONY: lint
lint: $(VENV)/.for-lint $(VENV)/.for-test ## check formatting, lint, licences and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy pymig
	$(MAKE) -s -C tests/c syntax WERROR=1
	$(BIN)/reuse lint --lines
	$(BIN)/clang-format --dry-run --Werror $$(find csrc examples tests/c tests/fuzz tests/library bench -name "*.[ch]")

.PHONY: stub
stub: $(VENV)/.for-test ## write pymig/_core.pyi, the types of what csrc/pymig.h declares
	@mkdir -p build
	$(BIN)/python csrc/stub.py > build/_core.pyi
	mv build/_core.pyi pymig

.PHONY: reference
reference: $(VENV)/.for-test ## write docs/reference, the pages that are made from the tables
	$(BIN)/python -m tests.catalog.reference_pages

.PHONY: completion
completion: $(VENV)/.for-test ## write pymig/cli/completions, what pymig --print-completion prints
	$(BIN)/python -m tests.completions

.PHONY: docs
docs: $(VENV)/.for-docs $(VENV)/.for-test ## make the site, build/docs/html, and the man pages, build/docs/man; look at them in Chromium
	rm -rf build/docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs/html
	$(BIN)/python docs/links.py build/docs/html
	$(BIN)/pytest -q --doctest-modules pymig
	$(BIN)/python -m sphinx -W --keep-going -q -b man -D manpages_url= docs build/docs/man
	PYMIG_SITE=build/docs $(BIN)/pytest -q tests/site

.PHONY: format
format: $(VENV)/.for-lint ## format the sources
	$(BIN)/reuse annotate --license GPL-2.0-or-later --skip-existing $$(git ls-files '*.py' '*.[ch]') >/dev/null
	$(BIN)/ruff format
	$(BIN)/clang-format -i $$(find csrc examples tests/c tests/fuzz tests/library bench -name "*.[ch]")

.PHONY: pythons
pythons: $(VENV)/.for-tox ## run the tests on every installed Python from 3.10 to 3.14; ENVS=3.10,3.13 selects some
	$(BIN)/tox run -q $(if $(ENVS),-e $(ENVS))

.PHONY: coverage
coverage: $(VENV)/.for-coverage $(VENV)/.for-test ## measure the lines and branches of csrc/ and pymig/ that the tests reach
	.ci/coverage

.PHONY: mutation
mutation: $(VENV)/.for-mutation $(VENV)/.for-test ## change the code in SAMPLE=400 ways, and show which of them no test notices
	$(BIN)/python -m tests.mutation $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(JOBS),--jobs $(JOBS))

.PHONY: dist
dist: $(VENV)/.for-dist ## build sdist and wheel, audit them, and test each one
	.ci/dist

.PHONY: reproducible
reproducible: $(VENV)/.for-dist ## build sdist and wheel twice, and compare them
	.ci/reproducible

.PHONY: wheels
wheels: $(VENV)/.for-dist $(VENV)/.for-wheels ## build wheels for x86-64 and aarch64, glibc 2.17 and musl, and audit and run each one
	.ci/wheels

.PHONY: shipped
shipped: needs $(VENV)/.for-test ## install those wheels without compiler and network on Pythons, bare roots and aarch64, and test them; PLACES=3.14
	$(BIN)/python -m tests.shipped $(PLACES)

.PHONY: bench
bench: $(VENV)/.for-bench $(VENV)/.for-test ## run the benchmarks; print and save ratios to peers
	@mkdir -p build/bench
	$(BIN)/pytest bench -q --benchmark-json=build/bench/measured.json --benchmark-columns=median --benchmark-disable-gc
	$(BIN)/python -m bench.plot build/bench/measured.json build/bench/growth.svg
	$(BIN)/python -m bench.report build/bench/measured.json build/bench/ratios.json

.PHONY: instructions
instructions: needs ## compare the instructions per check with the committed figures
	$(PYTHON) -m bench.instructions

.PHONY: clean
clean: ## remove all generated files and caches
	rm -rf $(VENV) build dist docs/commands .tox *.egg-info pymig/_core.c pymig/*.so .coverage*
	rm -rf .hypothesis .pytest_cache .mypy_cache .ruff_cache .benchmarks
	find . -name __pycache__ -prune -exec rm -r {} +
