# `make demo` builds portproof and shows it at work; `make test` is everything that must hold before a change goes in.

.DEFAULT_GOAL := help
.PHONY: help demo test bench peers fuzz dependencies skipped

# rustup puts cargo here, and tells only shells that start later.
export PATH := $(PATH):$(HOME)/.cargo/bin

DEMO := fixtures/vpn-nat-t-blocked/vpn-nat-t-blocked.pcapng

help:
	@echo 'make demo    build portproof and judge the capture of a blocked VPN'
	@echo 'make test    format, lints, documentation and every test'
	@echo 'make bench   how fast captures are read, beside libpcap'
	@echo 'make peers   speed and memory beside tcpdump, capinfos, tshark and others; a trial: make peers PEERS="--size 64MiB mix"'
	@echo 'make fuzz    every parser on mutated input, FUZZ_SECONDS (5) each'

# The demonstration ends with a finding, which is status 1; anything but 0 and 1 is a fault of portproof's.
demo: dependencies
	cargo build --release --locked --target-dir target
	./target/release/portproof check $(DEMO) || test $$? -eq 1

test: skipped
	cargo fmt --check
	cargo clippy --all-targets --all-features --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --locked
	cargo test --locked

bench:
	cargo bench --locked

# With captures of full size this takes the better part of an hour, 4 GB of disk and 8 GB of memory.
peers: dependencies
	@benches/peers.sh $(PEERS)

FUZZ_SECONDS ?= 5
fuzz:
	fuzz/run $(FUZZ_SECONDS)

# A C compiler links every build; libpcap is linked by the tests and benches only, which read captures beside it.
# macOS has libpcap in its SDK.
dependencies:
	@command -v cargo >/dev/null || { echo 'portproof is built with Rust, and cargo is missing: https://rustup.rs' >&2; exit 1; }; \
	missing=; \
	command -v cc >/dev/null || missing='gcc libc6-dev'; \
	case "$$(uname -s) $$(cc -print-file-name=libpcap.so 2>/dev/null)" in \
	    Darwin*|*' /'*) ;; \
	    *) missing="$$missing libpcap-dev" ;; \
	esac; \
	test -n "$$missing" || exit 0; \
	if ! command -v apt-get >/dev/null; then \
	    echo 'A C compiler (cc) or libpcap is missing, and there is no apt-get here to install it. Install both, then try again:' >&2; \
	    echo '    Fedora, RHEL   sudo dnf install gcc libpcap-devel' >&2; \
	    echo '    Homebrew       brew install gcc libpcap' >&2; \
	    echo '    macOS          xcode-select --install' >&2; \
	    exit 1; \
	fi; \
	as_root=; \
	if test "$$(id -u)" -ne 0; then \
	    as_root=sudo; \
	    command -v sudo >/dev/null || { echo "Neither root nor sudo: ask for: apt-get install $$missing" >&2; exit 1; }; \
	fi; \
	echo "Missing, installed now: $$missing"; \
	$$as_root apt-get update && $$as_root apt-get install -y --no-install-recommends $$missing

# A skipped test passes: what this run does not show is said before it, not lost in its output.
skipped:
	@command -v tshark >/dev/null || echo 'Skipped: comparisons with tshark, which is not installed.'
	@test -d "$$PORTPROOF_CORPUS" || echo 'Skipped: captures of other tools, as PORTPROOF_CORPUS names no folder.'
