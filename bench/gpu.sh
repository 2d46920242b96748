#!/usr/bin/env bash
# Shows a GPU's engine right and fast, from the built executable and the PyTorch that is there; no Rust: bash bench/gpu.sh [options of gpu.py]
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${PYTHON:-python3}" -W ignore bench/gpu.py "$@"
