"""STORPERF_REQUIRE=all makes a skip a failure; without it a skip stays a skip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = {
    "test_marked.py": "import pytest\n@pytest.mark.skip(reason='no tool')\ndef test_x(): ...\n",
    "test_called.py": "import pytest\ndef test_x():\n    pytest.skip('no tool')\n",
    "test_module.py": "import pytest\npytest.skip('no tool', allow_module_level=True)\n",
    "test_import.py": "import pytest\npytest.importorskip('no_such_module')\n",
}


def pytest_on(folder, require):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", str(folder)],
        env={**os.environ, "STORPERF_REQUIRE": require, "PYTEST_ADDOPTS": ""},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(params=TESTS)
def folder(request, tmp_path):
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / request.param).write_text(TESTS[request.param])
    (tmp_path / "test_good.py").write_text("def test_good(): ...\n")
    return tmp_path


def test_a_skip_is_a_failure_when_all_is_required(folder):
    ended = pytest_on(folder, require="all")
    assert ended.returncode in {1, 2}, ended.stdout
    assert "allows no skip" in ended.stdout


def test_a_skip_stays_a_skip_otherwise(folder):
    ended = pytest_on(folder, require="")
    assert ended.returncode == 0, ended.stdout
    assert "1 passed, 1 skipped" in ended.stdout


def test_an_expected_failure_stays_one(tmp_path):
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "test_x.py").write_text(
        "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_x():\n    raise ValueError\n"
    )
    ended = pytest_on(tmp_path, require="all")
    assert ended.returncode == 0, ended.stdout
    assert "1 xfailed" in ended.stdout
