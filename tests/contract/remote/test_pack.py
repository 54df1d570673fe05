"""The agent as one file: the same each time, and good under any Python that is new enough."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import storperf.remote.pack
from storperf.remote.pack import build_agent

TREE = Path(storperf.remote.pack.__file__).parents[2]
HASH = "from storperf.remote.pack import build_agent; print(build_agent().sha256)"


def version_of(path):
    done = subprocess.run(
        [sys.executable, "-E", "-s", "-S", str(path), "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or done.stderr


def with_changed(folder, suffix, change):
    """The agent with every file of a kind changed."""
    path = folder / "agent.pyz"
    with (
        zipfile.ZipFile(io.BytesIO(build_agent().content)) as packed,
        zipfile.ZipFile(path, "w") as changed,
    ):
        for name in packed.namelist():
            content = packed.read(name)
            changed.writestr(name, change(content) if name.endswith(suffix) else content)
    return path


def test_two_processes_pack_the_same_bytes():
    """Sets and strings lie elsewhere in each process."""
    hashes = {
        subprocess.run(
            [sys.executable, "-c", HASH],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(TREE)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


def test_the_python_that_packed_it_compiles_nothing(tmp_path):
    assert version_of(with_changed(tmp_path, ".py", lambda _: b"no Python at all")) == "1"


@pytest.mark.parametrize("change", [lambda code: b"\0\0\r\n" + code[4:], lambda _: b"torn"])
def test_another_python_takes_the_source(tmp_path, change):
    """Byte code begins with the number of the Python that it is for."""
    assert version_of(with_changed(tmp_path, ".pyc", change)) == "1"
