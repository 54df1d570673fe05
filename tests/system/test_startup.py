"""What starting the program costs, and which program is started."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    *("sqlalchemy", "alembic", "numpy", "scipy", "plotly", "paramiko", "heatclient"),
    *("keystoneauth1", "requests", "jenkinsapi", "botocore"),
    *("pydantic", "storperf.jobfile.models"),
)
LOADED = """
import sys
from storperf.__main__ import main
sys.argv = ["storperf", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("loaded:", *sorted(sys.modules))
"""


def test_help_leaves_heavy_libraries_alone(installed_package):
    python = subprocess.run(
        [sys.executable, "-P", "-c", LOADED],
        cwd="/",
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert python.returncode == 0, python.stderr
    loaded = set(python.stdout.rpartition("loaded:")[2].split())
    assert "storperf.__main__" in loaded
    assert loaded.isdisjoint(HEAVY), sorted(loaded.intersection(HEAVY))


def test_help_is_a_result(storperf):
    ended = storperf("--help")
    assert ended.exit_code == 0
    assert "run" in ended.stdout
    assert ended.stderr == ""
