#!/usr/bin/env bash
# Measures this machine's storage with jobs/quickstart.yaml; options are handed to `storperf run`.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh run
# A Graphite to watch the run in; without one the run is as good.
.venv/bin/storperf graphite up >/dev/null || echo "make run: going on without Graphite." >&2
code=0
.venv/bin/storperf run jobs/quickstart.yaml "$@" || code=$?
case $code in
    3)
        echo "make run: exit code 3 means inconclusive, for the reason above; nothing is broken, so this is no error." >&2
        ;;
    *) exit "$code" ;;
esac
