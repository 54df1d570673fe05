#!/usr/bin/env bash
# Format, lint, types and tests; the last line is pytest's own.
# Usage: scripts/test.sh [--all]      --all: the tests marked all_only too, and a skip is an error
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --all ]; then
    export STORPERF_REQUIRE=all
    scripts/setup.sh all
    selected=()
else
    scripts/setup.sh test
    selected=(-m "not all_only")
fi
scripts/lint.sh
# The tests import the installed wheel, never this tree: pytest itself is called, not python -m.
unset PYTHONPATH
exec .venv/bin/pytest "${selected[@]}"
