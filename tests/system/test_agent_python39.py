"""The packed agent under the oldest Python it promises: Debian 11's 3.9, in a chroot."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tools.debian_11 import debian_11_tree

pytestmark = pytest.mark.all_only


@pytest.fixture(scope="session")
def debian_11() -> Path:
    """The root of a Debian 11."""
    return debian_11_tree()


@pytest.fixture
def in_debian_11(debian_11, installed_package):
    """A callable that runs a command inside, the agent lying there as /agent.pyz."""
    from storperf.remote.pack import build_agent

    (debian_11 / "agent.pyz").write_bytes(build_agent().content)

    def run(*argv):
        return subprocess.run(
            ["chroot", str(debian_11), *argv],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_python_is_really_3_9(in_debian_11):
    assert in_debian_11("python3", "--version").stdout.startswith("Python 3.9.")


def test_agent_says_its_version(in_debian_11):
    from storperf.agent.supervisor import PROTOCOL

    agent = in_debian_11("python3", "/agent.pyz", "--version")
    assert (agent.returncode, agent.stdout.strip(), agent.stderr) == (0, str(PROTOCOL), "")


def test_every_module_of_the_agent_imports(in_debian_11):
    script = (
        "import sys, zipfile, importlib; sys.path.insert(0, '/agent.pyz')\n"
        "names = [n[:-3].replace('/', '.') for n in zipfile.ZipFile('/agent.pyz').namelist()"
        " if n.startswith('storperf/agent/') and n.endswith('.py')]\n"
        "names.remove('storperf.agent.__init__')\n"
        "[importlib.import_module(n) for n in names]\n"
        "print(len(names))\n"
    )
    agent = in_debian_11("python3", "-W", "error", "-c", script)
    assert agent.returncode == 0, agent.stderr
    assert int(agent.stdout) > 20


def test_agent_measures_a_file_with_the_fio_of_debian_11(in_debian_11, debian_11, tmp_path):
    """Python 3.9 and fio 3.25, and no /proc: what the host lacks is absent, not fatal."""
    from storperf.deadline import Deadline
    from storperf.remote.client import AgentClient
    from storperf.remote.journal_copy import JournalCopy
    from storperf.remote.local import LocalStream

    attach = ["python3", "/agent.pyz", "attach", "--root", "/var/lib/agent", "--run", "r1"]
    stream = LocalStream(["chroot", str(debian_11), *attach])
    client = AgentClient("agent-01", stream, JournalCopy(tmp_path / "journal"))
    deadline = Deadline.after(60)
    try:
        assert client.call("hello", deadline, lease_s=60)["python"].startswith("3.9.")
        assert client.call("probe", deadline, fio="fio")["fio"]["version"].startswith("fio-3.25")
        target = {"kind": "directory", "path": "/srv/scratch", "size_bytes": 1 << 24}
        (taken,) = client.call("prepare", deadline, targets=[target])["targets"]
        argv = [
            *("fio", "--name=x", "--rw=randwrite", "--bs=4k", "--size=16m", "--ioengine=psync"),
            *("--time_based=1", "--runtime=2s", "--status-interval=500ms", "--group_reporting=1"),
            *("--output-format=json+", "--eta=never", f"--filename={taken['filename']}"),
        ]
        client.follow()
        client.call(
            "start",
            deadline,
            trial="t001",
            attempt=1,
            what="measure",
            deadline_s=20,
            targets=[{"target": 0, "argv": argv}],
        )
        records = []
        while not any(record["kind"] == "trial_ended" for record in records):
            assert not deadline.is_over
            records += client.records(0.5)
        (end,) = next(r for r in records if r["kind"] == "trial_ended")["targets"]
        intervals = [record for record in records if record["kind"] == "interval"]
        assert (end["exit_status"], end["rubbish"], end["errors"]) == (0, 0, [0])
        assert len(intervals) >= 3
        assert sum(record["ios"] for record in intervals) == end["ios"]["write"] > 0
        # A status document is taken while I/O goes on: its parts differ by the few in flight,
        # and the next one makes up for it.
        off = [sum(record["bins"][1::2]) - record["clat_count"] for record in intervals]
        assert sum(off) == 0, off
        assert max(map(abs, off)) <= 0.001 * min(record["ios"] for record in intervals), off
        assert client.call("release", deadline)["left"] == []
    finally:
        client.call("shutdown", deadline, forget=True)
        client.close()
    assert not (debian_11 / "srv" / "scratch").exists()
