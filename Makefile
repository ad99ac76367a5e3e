# The commands of this repository. `make run` and `make test` do all of their own set-up.

TOOLS := $(if $(PARAPET_TOOLS),$(PARAPET_TOOLS),$(HOME)/.cache/parapet/tools)

# worker-build, wasm-pack and wrangler fetch and report nothing: what they would fetch is given to them.
export PATH := $(TOOLS)/wasm-bindgen-cli@0.2.129/bin:$(TOOLS)/worker-build@0.8.7/bin:$(TOOLS)/wasm-pack@0.15.1/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export ESBUILD_BIN := $(CURDIR)/node_modules/.bin/esbuild
export WASM_BINDGEN_BIN := $(TOOLS)/wasm-bindgen-cli@0.2.129/bin/wasm-bindgen
export WASM_OPT_BIN := $(CURDIR)/node_modules/.bin/wasm-opt
# Whoever built it does not show in what is deployed.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS := --remap-path-prefix=$(HOME)/.cargo=cargo --remap-path-prefix=$(HOME)/.rustup=rustup --remap-path-prefix=$(CURDIR)=.
export WRANGLER_SEND_METRICS := false
export CLOUDFLARE_CF_FETCH_ENABLED := false

# What the Worker is built from: it is not built again while these are older than it.
WORKER_SOURCES := Cargo.toml Cargo.lock rust-toolchain.toml core/Cargo.toml worker/Cargo.toml worker/openapi.json \
	$(shell find core/src worker/src policies -type f 2>/dev/null)

# After worker-build: functions in the order of their names, so that what is alike lies within gzip's window; then the
# names go, a fifth of the file, which nothing reads there. (worker-build keeps them, and a linker that leaves them out
# takes with them the section by which wasm-bindgen knows the target's features.)
SHRINK := --reorder-functions-by-name --strip-producers --enable-mutable-globals --enable-sign-ext \
	--enable-nontrapping-float-to-int --enable-bulk-memory --enable-multivalue --enable-reference-types \
	--enable-exception-handling

# What `wasm/pkg` is built from, likewise.
WASM_SOURCES := Cargo.toml Cargo.lock rust-toolchain.toml core/Cargo.toml wasm/Cargo.toml wasm/build.rs \
	$(shell find core/src wasm/src wasm/plain policies -type f 2>/dev/null)

.NOTPARALLEL:
.PHONY: help run test lint build tools program generator clean test-rust test-wasm test-e2e test-api bench bench-decide bench-instructions bench-edge fuzz fuzz-readers mutants wasm

help: ## what can be asked of make
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: build program ## build, load the demo tenant and start the edge on this machine (Ctrl-C ends it)
	@node worker/dev.mjs

test: lint build test-rust test-wasm test-e2e ## every check and every test

lint: tools ## rustfmt, clippy on native and wasm32, TypeScript
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	cargo clippy --quiet --package parapet --no-default-features --lib -- -D warnings
	cargo clippy --quiet --package parapet --no-default-features --features cedar --lib --target wasm32-unknown-unknown -- -D warnings
	cargo clippy --quiet --package parapet-wasm --no-default-features --lib --target wasm32-unknown-unknown -- -D warnings
	cargo clippy --quiet --package parapet-wasm --package parapet-worker --lib --target wasm32-unknown-unknown -- -D warnings
	tsc --noEmit

build: tools worker/build/index.js ## the Worker, as it is deployed

tools:
	@.ci/tools

worker/build/index.js: $(WORKER_SOURCES)
	worker-build --profile edge worker
	@$(WASM_OPT_BIN) $(SHRINK) worker/build/index_bg.wasm -o worker/build/index_bg.wasm
	@touch $@
	@node worker/size.mjs

# The program `parapet`, which loads tenants into local databases; and for tests, what makes the generated one. `make test`
# has both from `test-rust`, with what their tests need: by themselves they are built on other features, Cedar with them.
ALONE = $(if $(filter test,$(MAKECMDGOALS)),@:,@cargo build --quiet)
program: tools
	$(ALONE) --package parapet

generator: tools
	$(ALONE) --package parapet-tests --bin generate

test-rust: tools
	cargo test --quiet --workspace --no-fail-fast

# The engine alone, and the engine with the compiler.
wasm/pkg/edge/parapet.js: WASM_FEATURES := --no-default-features
wasm/pkg/full/parapet.js: WASM_FEATURES := --features full
# Smaller than in the Worker, since it is fetched by browsers.
SMALL := $(foreach crate,parapet sha2 miniz_oxide,--config 'profile.edge.package.$(crate).opt-level="z"')
wasm/pkg/edge/parapet.js wasm/pkg/full/parapet.js: wasm/pkg/%/parapet.js: $(WASM_SOURCES) | tools
	wasm-pack build --mode no-install --no-opt --profile edge --target web --no-pack --no-gitignore \
		--out-dir pkg/$* --out-name parapet wasm -- $(WASM_FEATURES) $(SMALL)
	@$(WASM_OPT_BIN) -O3 $(SHRINK) wasm/pkg/$*/parapet_bg.wasm -o wasm/pkg/$*/parapet_bg.wasm
	@touch $@

# Each entry for each host as one file beside its wasm module: each further one costs Node about half a millisecond when it
# starts, and a page a request. Node's ES module alone leaves the glue out, by which tests reach into the module.
HOSTS := node.js node.cjs browser.js workerd.js
FOR_node.js = --platform=node --format=esm --external:./$(@D)/parapet.js
FOR_node.cjs := --platform=node --format=cjs --define:import.meta.url=here \
	--banner:js='const here = require("node:url").pathToFileURL(__filename).href;'
# A page waits for it; the others are read by people.
FOR_browser.js := --format=esm --minify
FOR_workerd.js := --format=esm '--external:*.wasm'
ENTRIES := $(foreach build,edge full,$(HOSTS:%=wasm/pkg/$(build)/%))
$(ENTRIES): $(wildcard wasm/js/*.js) wasm/pkg/edge/parapet.js wasm/pkg/full/parapet.js | tools
	@$(ESBUILD_BIN) wasm/js/$(notdir $(@D)).js --bundle --alias:#host=./wasm/js/$(basename $(@F)).js $(FOR_$(@F)) \
		--log-level=warning --outfile=$@

# What has no wasm of its own is shipped as it is written; for CommonJS, each entry as one file.
ADAPTERS := $(wildcard wasm/js/adapters/*.js)
COMMONJS := wasm/pkg/source.cjs $(filter-out %/enforce.cjs,$(ADAPTERS:wasm/js/%.js=wasm/pkg/%.cjs))
$(COMMONJS): wasm/pkg/%.cjs: wasm/js/%.js wasm/js/error.js wasm/js/denials.js wasm/js/adapters/enforce.js | tools
	@$(ESBUILD_BIN) $< --bundle --format=cjs --platform=neutral --packages=external --log-level=warning --outfile=$@

# What the declarations say holds for CommonJS too, where TypeScript reads them under this name.
DECLARATIONS := $(patsubst wasm/js/%.d.ts,wasm/pkg/%.d.cts,$(wildcard wasm/js/*.d.ts wasm/js/adapters/*.d.ts))
$(DECLARATIONS): wasm/pkg/%.d.cts: wasm/js/%.d.ts
	@mkdir -p $(@D)
	@sed 's/\.js"/.cjs"/' $< >$@

# In the release profile: it tests the code that is shipped, and shares its dependencies with the build.
test-wasm: wasm
	wasm-pack test --node --release --mode no-install wasm -- --nocapture
	PARAPET_BUILD=edge node --test --test-timeout=120000 --test-force-exit --test-reporter=spec wasm/tests/*.test.mjs
	PARAPET_BUILD=full node --test --test-timeout=120000 --test-force-exit --test-reporter=spec wasm/tests/*.test.mjs
	tsc -p wasm
	node --test --test-reporter=spec wasm/tests/package/*.test.mjs

test-e2e: build program generator wasm
	node --test --test-reporter=spec tests/e2e/*.test.mjs

# What it installs comes from PyPI, and it asks for minutes: no part of `make test`.
test-api: build program ## requests made from the OpenAPI document against the built Worker: no 5xx, nothing unsaid (ARGS=)
	node tests/api/main.mjs "$$(.ci/python)" $(ARGS)

wasm: tools $(ENTRIES) $(COMMONJS) $(DECLARATIONS) ## the npm package: the edge build and the full one
	@node wasm/size.mjs

# One run: what an earlier one found is thrown away, and the report is of what was found now.
bench: tools wasm ## what a decision costs, here and elsewhere: writes BENCHMARKS.md and docs/latency.svg
	rm -rf target/bench
	cargo bench --quiet --package parapet-bench --features peers --bench decide --bench compile --bench peers
	CRITERION_HOME=$(CURDIR)/target/bench/criterion cargo bench --quiet --package parapet-bench --features peers --bench core
	node bench/node/main.mjs
	node bench/report/main.mjs

bench-decide: tools ## the quick part: against the floor and against Cedar, nothing written
	cargo bench --quiet --package parapet-bench --features peers --bench decide

# `valgrind` is the system's.
bench-instructions: tools ## what a decision costs in instructions: the same on a busy machine (GRANTS=)
	@cargo bench --quiet --package parapet-bench --bench instructions -- count $(or $(GRANTS),10000)

# `wrk`, `nginx` and `taskset` are the system's (Debian: wrk, nginx-light, util-linux), and two cores are needed.
bench-edge: build program generator ## over HTTP: decisions beside an empty Worker, the gateway beside a proxy, lists, searches, bulk, signing in, messages, MINUTES=10 at full load (SECONDS=, TRIES=, EVENTS=): writes the end of BENCHMARKS.md
	node bench/edge/main.mjs
	node bench/edge/gateway.mjs
	node bench/edge/lists.mjs
	node bench/edge/search.mjs
	node bench/edge/scim.mjs
	node bench/edge/bulk.mjs
	node bench/edge/sign_in.mjs
	node bench/edge/messages.mjs
	node bench/edge/soak.mjs
	node bench/report/edge.mjs

fuzz: tools ## a million generated cases, each decided as Cedar decides it (CASES=, SEED=)
	cargo run --quiet --profile bench --package parapet-tests --bin fuzz -- --cases $(or $(CASES),1000000) --seed $(or $(SEED),0)

# What follows needs tools of its own and as much time as it is given: no part of `make test`.
FUZZ := $(TOOLS)/cargo-fuzz@0.13.2/bin/cargo-fuzz
MUTANTS := $(TOOLS)/cargo-mutants@27.1.0/bin/cargo-mutants

# No sanitizer: the readers have no unsafe code, and panics, overflows and hangs are found without.
fuzz-readers: program ## any bytes as snapshots and as requests, each reader for SECONDS=60 (nightly)
	@.ci/tools cargo-fuzz@0.13.2
	node fuzz/seeds.mjs
	@cd fuzz && for reader in snapshot content request; do \
		RUSTUP_TOOLCHAIN=nightly $(FUZZ) run --fuzz-dir . --sanitizer none $$reader -- -max_total_time=$(or $(SECONDS),60) \
			-timeout=10 -rss_limit_mb=2048 -len_control=0 -max_len=65536 -dict=seeds/$$reader.dict || exit 1; \
	done

mutants: tools ## changes engine and store in one place at a time: do the tests notice? (SHARD=0/20 of all changes)
	@.ci/tools cargo-mutants@27.1.0
	PARAPET_CASES=600 CARGO_TARGET_DIR=$(CURDIR)/target/mutants $(MUTANTS) mutants --output target --sharding round-robin --shard $(or $(SHARD),0/20)

clean: ## everything that was built here (the tools stay)
	rm -rf target fuzz/target fuzz/corpus fuzz/seeds worker/build wasm/pkg .wrangler .local
