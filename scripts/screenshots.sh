#!/usr/bin/env bash
# Takes the pictures of docs/images: real runs of a made-up fio, photographed in headless Chromium.
# The figures in them are that fio's, not a disk's; the pages are what any run leaves.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh all
PYTHONPATH=tests exec .venv/bin/python scripts/screenshots.py "$@"
