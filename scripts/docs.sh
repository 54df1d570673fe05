#!/usr/bin/env bash
# Makes the pages of docs/reference that come from the source; tests say when one is stale.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
(cd .make && "../$python" -m typer storperf.cli.app utils docs --name storperf) >docs/reference/cli.md
PYTHONPATH=.:tests $python -m tools.api_examples
$python - <<'PAGES'
from pathlib import Path
from storperf.jobfile.reference import render_reference as job_file
from storperf.web.native.reference import render_reference as native
from storperf.workloads.reference import render_reference as workloads

folder = Path("docs/reference")
(folder / "job-file.md").write_text(job_file())
(folder / "api-v3.md").write_text(native())
(folder / "workloads.md").write_text(workloads())
PAGES
