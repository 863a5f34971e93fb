# The short way to everything; CMake (CMakePresets.json) does the work. `make help` lists the targets.
.DEFAULT_GOAL := help

CONFIG       ?= examples/quickstart.yaml
JOBS         ?= $(shell nproc 2>/dev/null || echo 2)
WERROR       ?=
PREFIX       ?= /usr/local
DESTDIR      ?=
FUZZ_SECONDS ?= 30
LINT_SECONDS ?= 240
BENCH_CASES  ?=
SIM_ARGS     ?=
MILLION_ARGS ?=
SOAK_ARGS    ?=
TSAN_TESTS   ?= ^(unit|sim)\.

INSTALL_PACKAGES := tools/install-packages.sh
INSTALL_NPM      := tools/install-npm.sh
SOURCES = $(shell find src tests bench -name '*.[ch]' 2>/dev/null)

# WERROR=ON makes warnings errors. Configuring again is cheap, and finds files that have come or gone.
configure = cmake --preset $(1) $(if $(WERROR),-DRW_WERROR=$(WERROR)) $(2) --log-level=WARNING >/dev/null
compile   = cmake --build --preset $(1) -j $(JOBS)
# On a machine that others share, a test may meet a second without any CPU: what fails is tried once
# more, and both tries are printed. What fails twice has failed.
test      = ctest --preset $(1) -j $(JOBS) --repeat until-pass:2
# A first build for use, not for testing, does without the test packages.
without_tests = $(if $(wildcard build/release/CMakeCache.txt),,-DRW_TESTS=OFF)
everything    = -DRW_TESTS=ON -DRW_BENCH=ON

.PHONY: help
help: ## Show this list
	@echo "make TARGET [VARIABLE=value]"
	@awk -F ':.*## ' '/^[a-z][a-z -]*:.*## / {n = split($$1, names, " "); for (i = 1; i <= n; i++) printf "  %-14s %s\n", names[i], $$2}' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## Install the packages that building and testing need (Debian, root or sudo)
	@$(INSTALL_PACKAGES) build run test check
	@$(INSTALL_NPM)

.PHONY: deps-build deps-run deps-check deps-fuzz deps-bench deps-million deps-soak
deps-build deps-run deps-check deps-fuzz deps-bench deps-million deps-soak: deps-%:
	@$(INSTALL_PACKAGES) build $*

.PHONY: deps-test
deps-test:
	@$(INSTALL_PACKAGES) build test
	@$(INSTALL_NPM)

.PHONY: build
build: deps-build ## Build the release: build/release/ringway
	@$(call configure,release,$(without_tests))
	@$(call compile,release) --target ringway

.PHONY: run
run: deps-run build ## Build, then serve CONFIG (examples/quickstart.yaml) with a demo origin
	@exec build/release/ringway serve $(CONFIG)

.PHONY: test
test: deps-test ## Build and run every test, plain and under sanitizers
	@$(MAKE) --no-print-directory test-release test-asan test-tsan
	@echo "All tests passed: release, asan, tsan"

.PHONY: test-release test-asan
test-release test-asan: test-%: deps-test ## Every test in one build
	@echo "== $*"
	@$(call configure,$*,$(everything))
	@$(call compile,$*)
	@$(call test,$*)

.PHONY: test-tsan
test-tsan: deps-test ## The tests TSAN_TESTS (a regular expression) under ThreadSanitizer
	@echo "== tsan"
	@$(call configure,tsan,-DRW_TESTS=ON)
	@$(call compile,tsan)
	@$(call test,tsan) -R '$(TSAN_TESTS)'

.PHONY: check
check: deps-check ## Check layout, sizes, include directions, words; lint what changed
	@tools/check/all.sh
	@$(call configure,release,$(everything))
	@LINT_SECONDS=$(LINT_SECONDS) JOBS=$(JOBS) tools/check/lint.sh build/release

.PHONY: format
format: deps-check ## Lay out all C sources by .clang-format
	@clang-format -i $(SOURCES)

.PHONY: docs
docs: build ## Write docs/reference anew from the program's own tables
	@build/release/ringway schema --format markdown > docs/reference/configuration.md
	@build/release/ringway schema --format json > docs/reference/configuration.schema.json
	@build/release/ringway schema --format steps > docs/reference/exchange-steps.md
	@build/release/ringway schema --format acceptance-markdown > docs/reference/acceptance.md
	@build/release/ringway schema --format acceptance > docs/reference/acceptance.schema.json
	@build/release/ringway schema --format load-markdown > docs/reference/load-scenario.md
	@build/release/ringway schema --format load > docs/reference/load-scenario.schema.json
	@build/release/ringway schema --format simulation-markdown > docs/reference/simulation.md
	@build/release/ringway schema --format simulation > docs/reference/simulation.schema.json
	@build/release/ringway schema --format intake-markdown > docs/reference/intake.md
	@build/release/ringway schema --format intake > docs/reference/intake.schema.json

.PHONY: sim
sim: deps-test ## Run the simulations (SIM_ARGS are passed on)
	@$(call configure,release,$(everything))
	@$(call compile,release)
	@for sim in build/release/simulations/*; do echo "== $$sim $(SIM_ARGS)"; $$sim $(SIM_ARGS) || exit 1; done

.PHONY: fuzz
fuzz: deps-fuzz ## Run each fuzzer for FUZZ_SECONDS; new inputs go to build/fuzz/corpus
	@$(call configure,fuzz,-DRW_TESTS=ON)
	@$(call compile,fuzz)
	@tools/fuzz.sh build/fuzz $(FUZZ_SECONDS)

.PHONY: bench
bench: deps-bench ## Measure BENCH_CASES (all) beside nginx and HAProxy: bench/RESULTS.md
	@$(call configure,release,$(without_tests) -DRW_BENCH=ON)
	@$(call compile,release)
	@bench/run $(or $(BENCH_CASES),--all --write)

.PHONY: million
million: deps-million ## Prove the million (MILLION_ARGS are passed on): bench/MILLION.md
	@$(call configure,release,$(without_tests) -DRW_BENCH=ON)
	@$(call compile,release) --target ringway --target bench_origin_h2
	@scenarios/million/run.mjs $(MILLION_ARGS)

.PHONY: soak
soak: deps-soak ## Let a gateway live with reloads, upgrades and bad clients (SOAK_ARGS="--minutes 60")
	@$(call configure,release,$(without_tests))
	@$(call compile,release) --target ringway
	@scenarios/soak/run.mjs $(SOAK_ARGS)

.PHONY: install
install: build ## Install under DESTDIR and PREFIX (/usr/local)
	@DESTDIR=$(DESTDIR) cmake --install build/release --prefix $(PREFIX)
	@sed 's|^|$(DESTDIR)|' build/release/install_manifest.txt > build/release/installed.txt

.PHONY: uninstall
uninstall: ## Remove what `make install` put there last
	@test -e build/release/installed.txt || { echo "nothing was installed from here"; exit 1; }
	@xargs -d '\n' rm -fv < build/release/installed.txt

.PHONY: clean
clean: ## Remove build/
	@rm -rf build
