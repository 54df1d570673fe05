#!/usr/bin/env bash
# Format, lint and types, with the tools of .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/ruff format --check .
.venv/bin/ruff check .
.venv/bin/mypy
# The benches import one another by their bare names, as `make bench` runs them.
MYPYPATH=.:benches .venv/bin/mypy benches
