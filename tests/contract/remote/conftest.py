"""One agent on one remote, as the contract tests use it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from functools import partial
from pathlib import Path
from threading import BoundedSemaphore

import pytest
from tools.sshd import Sshd, require_sshd

from storperf.deadline import Deadline
from storperf.errors import StorperfError
from storperf.model.host import SshHost
from storperf.remote.client import AgentClient
from storperf.remote.connection import WIDTH
from storperf.remote.journal_copy import JournalCopy
from storperf.remote.local import LocalRemote
from storperf.remote.pack import build_agent
from storperf.remote.ssh import SshRemote
from storperf.remote.ssh_login import find_login


def local_remote(folder, _request):
    """This machine."""
    return LocalRemote(folder)


def ssh_remote(folder, request):
    """This machine again, by way of a real sshd; so a test can look into the agent's folder."""
    sshd = request.getfixturevalue("sshd")
    return remote_to(host_of(sshd, folder))


def host_of(sshd, folder, **more):
    """The inventory's entry for a server of the tests."""
    entry = {
        "address": sshd.address,
        "port": sshd.port,
        "user": sshd.user,
        "key": str(sshd.client_key),
        "host_key": sshd.host_key,
        "folder": str(folder),
    }
    return SshHost(**{**entry, **more})


def remote_to(host, home=Path("/nonexistent"), environment=None, **more):
    """The remote to a host; `home` has no SSH configuration unless a test makes one."""
    login = partial(find_login, host, home, environment or {})
    return SshRemote(host, login=login, gate=BoundedSemaphore(WIDTH), **more)


# Each makes the remote whose agents live in a folder.  A new kind of remote is one line here.
REMOTES = {"local": local_remote, "ssh": ssh_remote}


def wait_until(is_so, timeout_s=10.0):
    """Give what `is_so` gives once it is true; fail when it never is."""
    deadline = Deadline.after(timeout_s)
    while not (found := is_so()):
        assert not deadline.is_over, "it did not come true in time"
        select.select((), (), (), 0.02)
    return found


def is_alive(pid):
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def trial_command(fio, *options, trial="t1", attempt=1, runtime_s=0.7, **fields):
    """The arguments of `start` for a trial on one target."""
    argv = [
        *(str(fio), "--name=x", "--rw=randread", "--bs=4k", "--size=1m", "--time_based=1"),
        *(f"--runtime={int(runtime_s * 1000)}ms", "--status-interval=200ms", "--iodepth=4"),
        *("--output-format=json+", "--group_reporting=1", *options),
    ]
    if not any(option.startswith("--filename") for option in options):
        argv.append("--ioengine=null")
    command = {"what": "measure", "deadline_s": runtime_s + 20, **fields}
    return {
        "trial": trial,
        "attempt": attempt,
        "targets": [{"target": 0, "argv": argv}],
        **command,
    }


class Channel:
    """One client with its own copy of the journal; keeps every record that came through it."""

    def __init__(self, stream, copy_path):
        self.copy = JournalCopy(copy_path)
        self.client = AgentClient("agent-01", stream, self.copy)
        self.records = []
        self.is_closed = False

    def call(self, command, **arguments):
        return self.client.call(command, Deadline.after(40), **arguments)

    def listen(self, wait_s=0.05):
        for record in self.client.records(wait_s):
            self.records.append(record)

    def wait_for(self, kind, timeout_s=15.0, **fields):
        """The first record of a kind (and with these fields), from those that came and come."""

        def find():
            self.listen()
            return next((record for record in self.records if matches(record)), None)

        def matches(record):
            return record["kind"] == kind and fields.items() <= record.items()

        return wait_until(find, timeout_s)

    def close(self):
        if not self.is_closed:
            self.client.close()
            self.copy.close()
        self.is_closed = True


class Host:
    """A remote with the agent staged; ends every supervisor that was seen here."""

    def __init__(self, remote, root, folder):
        self.remote = remote
        self.root = root
        self.folder = folder
        self.supervisors = []
        self._channels = []
        self.stage()

    def stage(self):
        self.remote.stage(build_agent(), Deadline.after(60))

    def stream(self, run="run-1"):
        return self.remote.open(run, Deadline.after(60))

    def run_folder(self, run="run-1"):
        return self.root / "runs" / run

    def open(self, run="run-1", copy="copy.journal", lease_s=60, *, follow=True):
        """A channel on which hello has been said."""
        channel = Channel(self.stream(run), self.folder / copy)
        self._channels.append(channel)
        self.supervisors.append(channel.call("hello", lease_s=lease_s)["pid"])
        if follow:
            channel.client.follow()
        return channel

    def end(self):
        for channel in self._channels:
            with contextlib.suppress(StorperfError):
                channel.call("shutdown")
            channel.close()
        for pid in filter(is_alive, self.supervisors):
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda pid=pid: not is_alive(pid), timeout_s=15)
        self.remote.close()


@pytest.fixture(scope="session")
def sshd(tmp_path_factory):
    """A server for every test that breaks nothing of it."""
    require_sshd()
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.end()


@pytest.fixture(params=REMOTES)
def host(request, tmp_path):
    root = tmp_path / "agent"
    host = Host(REMOTES[request.param](root, request), root, tmp_path)
    yield host
    host.end()


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def directory_target(scratch):
    """A request for a file of 1 MiB; direct is off, since a test's folder may be a tmpfs."""
    return {
        "kind": "directory",
        "path": str(scratch / "bench"),
        "size_bytes": 1 << 20,
        "direct": False,
    }
