#!/usr/bin/env bash
# Takes the pictures of docs/images with headless Chromium: pages as any run leaves them.
# The regression in them is made by a fio of the tests; the figures over time are the real fio's.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh all
if [ "${1:-}" = graphite ]; then
    PYTHONPATH=tests exec .venv/bin/python scripts/graphite_screenshots.py
fi
if [ "${1:-}" = service ]; then
    PYTHONPATH=tests exec .venv/bin/python scripts/service_screenshots.py
fi
PYTHONPATH=tests exec .venv/bin/python scripts/screenshots.py "$@"
