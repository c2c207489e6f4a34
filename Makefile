# For people: what can be done here, each with its reason. Logic lives in Rust.
# `make` alone, or `make help`, shows the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CARGO ?= cargo
CARGO_DENY_VERSION := 0.20.2
CARGO_FUZZ_VERSION := 0.13.1
CACHE_TESTS_VERSION := 0.4.5
# Arguments for the program: make demo ARGS="--listen 127.0.0.1:9000"
ARGS ?=
# Cases that each property is tried with, and seconds that each fuzz target runs: make fuzz CASES=100000
CASES ?= 20000
FUZZ_SECONDS ?= 60
# Fuzz targets to run, all by default: make fuzz FUZZ_TARGETS=svg
FUZZ_TARGETS ?=
SOAK_SECONDS ?= 300
SOAK_KILLS ?= 200
SOAK_CHAOS ?= 20
SOAK_MUTANTS ?= 10000
SOAK_SEED ?=
# Tests that valgrind runs: make leak LEAK=engine::tests
LEAK ?= engine::vips

##@ First steps

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN { FS = ":.*## " } \
	    /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	    /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 } \
	    /^#> / { printf "                 %s\n", substr($$0, 4) }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what is missing to build and run: libvips, pkg-config, a C compiler, cmake, a font.
#> Debian 12 and 13 and Ubuntu, by apt, with sudo if you are not root; does nothing where all is there.
	@if ! command -v $(CARGO) >/dev/null; then
	    echo "Rust is missing: get 1.95 or newer from https://rustup.rs, then try again." >&2
	    exit 1
	fi
	missing=()
	command -v cc >/dev/null || missing+=(build-essential)
	command -v cmake >/dev/null || missing+=(cmake)
	command -v pkg-config >/dev/null || missing+=(pkg-config)
	pkg-config --exists 'vips >= 8.14' 2>/dev/null || missing+=(libvips-dev)
	command -v fc-list >/dev/null || missing+=(fontconfig)
	[ -n "$$(fc-list 2>/dev/null)" ] || missing+=(fonts-dejavu-core)
	# Newer distributions keep the codecs of AVIF and HEIC in packages of their own.
	if command -v apt-cache >/dev/null; then
	    for codec in aomenc aomdec libde265; do
	        plugin=libheif-plugin-$$codec
	        if apt-cache show $$plugin >/dev/null 2>&1 && ! dpkg -s $$plugin >/dev/null 2>&1; then
	            missing+=($$plugin)
	        fi
	    done
	fi
	$(MAKE) install-packages PACKAGES="$${missing[*]:-}"
	if ! pkg-config --exists 'vips >= 8.14'; then
	    found=$$(pkg-config --modversion vips 2>/dev/null || echo none)
	    echo "libvips 8.14 or newer is needed, found: $$found. Debian 12, Ubuntu 23.04 and newer have it." >&2
	    exit 1
	fi

# Installs PACKAGES by apt; says what to do by hand where that cannot be.
.PHONY: install-packages
install-packages:
	@[ -n "$(PACKAGES)" ] || exit 0
	if ! command -v apt-get >/dev/null; then
	    echo "Missing here, and there is no apt-get to install it: $(PACKAGES)" >&2
	    echo "These are Debian's names. On macOS: brew install vips pkgconf cmake" >&2
	    exit 1
	fi
	sudo=
	if [ "$$(id -u)" -ne 0 ]; then
	    if ! command -v sudo >/dev/null; then
	        echo "Missing here: $(PACKAGES)" >&2
	        echo "As root: apt-get install $(PACKAGES)" >&2
	        exit 1
	    fi
	    sudo="sudo"
	fi
	echo "Installing $(PACKAGES)"
	$$sudo apt-get update -qq
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES)

.PHONY: demo
demo: setup ## Build, make the demo's originals, serve them, and show the playground.
#> No other service is needed. Arguments: make demo ARGS="--help"
	@$(CARGO) run --release --locked -- demo $(ARGS)

.PHONY: build release
build release: setup ## Build the binary for use: target/release/tintype.
#> No folder of this machine is named in it; what else holds of builds: SECURITY.md
	@export RUSTFLAGS="$${RUSTFLAGS:-} --remap-path-prefix=$$PWD=tintype"
	RUSTFLAGS+=" --remap-path-prefix=$${CARGO_HOME:-$$HOME/.cargo}=cargo"
	$(CARGO) build --release --locked
	echo "Built: target/release/tintype"

##@ Changing it

.PHONY: test
test: setup ## Run every test; ends in the test runner's own summaries.
	@$(CARGO) test --locked --no-fail-fast

.PHONY: lint
lint: setup cargo-deny ## Check format, lints, and licences and origins of dependencies.
#> Advisories are left out: their database needs a network. Where there is one: cargo deny check advisories
	@$(CARGO) fmt --check
	$(CARGO) clippy --all-targets --locked -- -D warnings
	$(CARGO) deny --locked check bans licenses sources

.PHONY: cargo-deny
cargo-deny:
	@if [ "$$($(CARGO) deny --version 2>/dev/null)" != "cargo-deny $(CARGO_DENY_VERSION)" ]; then
	    echo "Installing cargo-deny $(CARGO_DENY_VERSION), once, in a few minutes"
	    $(CARGO) install --locked cargo-deny@$(CARGO_DENY_VERSION)
	fi

.PHONY: docs
docs: setup ## Write the pages that tables make: options, settings, the example file, metrics.
	@TINTYPE_BLESS=1 $(CARGO) test --locked --test tidy -- --exact the_house_is_tidy

##@ Trying it hard

.PHONY: bench
bench: setup ## Measure the small parts of a request one by one, then the engine on all cores: pictures a second, bytes.
#> Your own pictures and time for the engine: make bench BENCH_FOLDER=photos BENCH_SECONDS=10
#> One group of the parts: cargo bench --bench micro -- hit. How all of it measures: benches/README.md
	@$(CARGO) bench --locked --bench micro
	$(CARGO) bench --locked --bench engine

.PHONY: bench-sidebyside
bench-sidebyside: setup ## Measure tintype beside imgproxy, imagor and oximg, where they are: speed, bytes, scores.
#> Some of it: make bench-sidebyside WORKS=jpg,webp ROUNDS=5 PHOTOS=photos OXIMG=/path/to/oximg
#> Everything that can be set: make bench-sidebyside ARGS=--help. What is compared, and how: benches/README.md
	@$(CARGO) bench --locked --bench sidebyside -- $(ARGS)

.PHONY: bench-hits
bench-hits: setup ## Measure whether hits wait while every worker makes pictures: percentiles of both, and their ratio.
	@$(CARGO) bench --locked --bench hits

.PHONY: bench-static
bench-static: setup ## Measure hits from memory and from disk beside nginx, which serves the same bytes as files.
#> Needs nginx and wrk; without them it says so and measures nothing. Takes five minutes.
	@$(CARGO) bench --locked --bench static

.PHONY: bench-overload
bench-overload: setup ## Measure what is left at ten times the load over 4,096 connections: pictures, hits, memory.
#> Other times: make bench-overload OVERLOAD_SECONDS=15. With oximg beside it: OXIMG=/path/to/oximg
	@$(CARGO) bench --locked --bench overload

.PHONY: bench-cache
bench-cache: setup ## Measure what the disk tier keeps, S3-FIFO beside LRU, and the start of one with a million entries.
#> Fewer entries: make bench-cache CACHE_BENCH_ENTRIES=100000. A million take ten minutes and 5 GB of disk.
	@$(CARGO) bench --locked --bench cache

.PHONY: bench-workers
bench-workers: setup ## Measure what worker processes cost against threads: pictures a second, processor time, memory.
	@$(CARGO) bench --locked --bench workers

.PHONY: soak
soak: setup ## Kill the server SOAK_KILLS (200) times, SOAK_CHAOS (20) seeds of chaos, pictures for SOAK_SECONDS (300).
#> After each kill every answer must be right and budgets must hold; at the end the process must not have grown.
#> The seed is printed; the same kills again: make soak SOAK_SEED=1234
	@SOAK_KILLS=$(SOAK_KILLS) SOAK_CHAOS=$(SOAK_CHAOS) SOAK_MUTANTS=$(SOAK_MUTANTS) SOAK_SEED=$(SOAK_SEED) \
	    $(CARGO) test --locked --test serving -- --include-ignored --nocapture --test-threads=1 \
	    serving::kills serving::soak serving::chaos serving::mutants
	SOAK_SECONDS=$(SOAK_SECONDS) $(CARGO) bench --locked --bench engine

.PHONY: conformance
conformance: setup ## Run the suite http-cache-tests against a pass-through mount; needs node and npm.
#> What fails on purpose, and why: tests/mount/conformance.txt
	@folder=$$PWD/target/conformance
	mkdir -p "$$folder"
	npm install --silent --no-save --no-audit --no-fund --prefix "$$folder" http-cache-tests@$(CACHE_TESTS_VERSION)
	TINTYPE_CACHE_TESTS=$$folder/node_modules/http-cache-tests \
	    $(CARGO) test --locked --test mount -- --ignored --exact --nocapture \
	    mount::conformance::the_suite_says_what_is_expected_of_it

.PHONY: fuzz
fuzz: setup ## Try every property of parsers, keys and geometry with many cases, then run each fuzz target for a while.
#> More of it: make fuzz CASES=200000 FUZZ_SECONDS=3600; one target: make fuzz FUZZ_TARGETS=svg
#> What fails is kept in fuzz/artifacts; corpora and dictionaries are made from the tables, and grow in fuzz/corpus.
	@PROPTEST_CASES=$(CASES) $(CARGO) test --locked --lib
	$(MAKE) fuzz-targets FUZZ_SANITIZER=none FUZZ_FOLDER=fuzz/target

.PHONY: fuzz-asan
fuzz-asan: setup ## Run each fuzz target with AddressSanitizer, in builds of its own.
#> libvips and its codecs are not instrumented: what their memory does is seen where ours is touched.
	@RUSTC_BOOTSTRAP=1 $(MAKE) fuzz-targets FUZZ_SANITIZER=address FUZZ_FOLDER=fuzz/target/address

# Runs FUZZ_TARGETS under FUZZ_SANITIZER, built in FUZZ_FOLDER; workers are those of an ordinary build.
# Any toolchain will do, a stable one too.
.PHONY: fuzz-targets
fuzz-targets:
	@if [ "$$($(CARGO) fuzz --version 2>/dev/null)" != "cargo-fuzz $(CARGO_FUZZ_VERSION)" ]; then
	    echo "Installing cargo-fuzz $(CARGO_FUZZ_VERSION), once, in a few minutes"
	    $(CARGO) install --locked cargo-fuzz@$(CARGO_FUZZ_VERSION)
	fi
	$(CARGO) build --quiet --locked
	$(CARGO) run --quiet --locked --manifest-path fuzz/Cargo.toml --target-dir target --example seeds
	targets="$(FUZZ_TARGETS)"
	for target in $${targets:-$$($(CARGO) fuzz list)}; do
	    echo "fuzz target $$target, $(FUZZ_SECONDS) s"
	    dictionary=fuzz/target/dictionaries/$$target.dict
	    [ -f "$$dictionary" ] && dictionary=-dict=$$dictionary || dictionary=
	    mkdir -p "fuzz/corpus/$$target"
	    $(CARGO) fuzz run -s $(FUZZ_SANITIZER) --target-dir $(FUZZ_FOLDER) "$$target" -- \
	        -max_total_time=$(FUZZ_SECONDS) -timeout=30 -rss_limit_mb=2048 -max_len=8192 \
	        -verbosity=0 -print_final_stats=1 $$dictionary
	done

.PHONY: leak
leak: setup ## Run the tests of the libvips layer under valgrind: no invalid access, no leak.
#> Other tests by their path: make leak LEAK=engine::tests. What libraries keep by design: tests/valgrind.supp
	@command -v valgrind >/dev/null || $(MAKE) install-packages PACKAGES=valgrind
	host=$$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
	export "CARGO_TARGET_$${host}_RUNNER=valgrind --quiet --error-exitcode=99 --leak-check=full \
	    --show-leak-kinds=definite,possible --errors-for-leak-kinds=definite,possible \
	    --num-callers=40 --fair-sched=yes --suppressions=$(CURDIR)/tests/valgrind.supp"
	# GLib's own pools would hide leaks; code that libvips makes while it runs is beyond valgrind.
	G_SLICE=always-malloc VIPS_NOVECTOR=1 VIPS_CONCURRENCY=1 \
	    $(CARGO) test --locked --lib $(LEAK) -- --test-threads=1
	echo "valgrind: no error, no leak"
