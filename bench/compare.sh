#!/usr/bin/env bash
# Sets up what the comparison needs under target/bench, once, and runs it: bash bench/compare.sh [options of compare.py]
set -euo pipefail
cd "$(dirname "$0")/.."
work=target/bench
mkdir -p "$work"
if ! cmp -s bench/requirements.txt "$work/installed.txt"; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --requirement bench/requirements.txt
    cp bench/requirements.txt "$work/installed.txt"
fi
CARGO_TARGET_DIR=$work/tract cargo build --quiet --release --locked --manifest-path bench/tract/Cargo.toml
cargo build --quiet --release --package cnnc
exec "$work/venv/bin/python" bench/compare.py "$@"
