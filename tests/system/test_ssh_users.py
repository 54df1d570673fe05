"""Runs on a host as a user of its own who is not root: rights, passwords, several managers."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import zipfile
from pathlib import Path

import pytest
from system.conftest import PROGRAM, Program, Running
from system.test_resume import until_journalled
from system.together import Facts
from tools.login_host import PASSWORD, USER, LoginHost, require_login_host

fact = Facts()
LAB = {"key": None, "password_env": "LAB_PASSWORD"}


class UserHost(LoginHost):
    """A login host with a folder to measure in, as a job has it."""

    def __init__(self, program, **more):
        require_login_host()
        super().__init__(program.top / "host", lines=["PasswordAuthentication yes"], **more)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.end()

    def provider(self, **more):
        """The job's provider; `more` is of its one host."""
        entry = {
            "address": self.address,
            "name": "bench-host",
            "port": self.port,
            "user": USER,
            "key": str(self.client_key),
            "host_key": self.host_key,
        }
        entry = {key: value for key, value in {**entry, **more}.items() if value is not None}
        return {"kind": "ssh", "hosts": [entry]}

    def job(self, program, data="data", provider=None, **keys):
        """A job in a folder of the user's home."""
        target = {"directory": f"/home/{USER}/{data}", "size": "16M"}
        return program.job(**{"provider": provider or self.provider(), "target": target, **keys})

    @property
    def staged(self):
        """Where the agent lives, as this process sees it."""
        return self.user_home / ".local/state/storperf/agent"

    def assert_nothing_left(self):
        """No run and no scratch."""
        assert list(self.staged.glob("*/runs/*")) == []
        assert [path for path in self.user_home.iterdir() if not path.name.startswith(".")] == []


@fact
def a_user_who_is_not_root_measures_past_the_cache(storperf):
    with UserHost(storperf) as host:
        ended = storperf("-vvv", "run", host.job(storperf), "--json")
        assert ended.exit_code == 0, ended
        secret = host.client_key.read_text().splitlines()[2]
        assert secret not in ended.stdout + ended.stderr
        read = dict([*shown(storperf.results), *shown(host.user_home)])
        assert [str(path) for path, content in read.items() if secret.encode() in content] == []
        (argvs,) = ended.trials[0]["facts"]["argv"].values()
        assert "--direct=1" in argvs[0]
        assert host.staged.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_uid for path in host.staged.iterdir()} == {host.staged.stat().st_uid}
        host.assert_nothing_left()


@fact
def a_target_that_needs_root_is_told_to_who_is_not(storperf):
    with UserHost(storperf) as host:
        target = {"directory": "/etc/storperf-bench", "size": "16M"}
        ended = storperf("run", host.job(storperf, target=target), "--json")
        assert ended.exit_code == 2, ended
        assert f"/etc/storperf-bench: Permission denied: {USER} may not" in ended.stderr
        assert "`sudo: true`" in ended.stderr
        host.assert_nothing_left()


@fact
def a_check_tells_what_the_user_may_and_may_not(storperf):
    with UserHost(storperf) as host:
        for place, exit_code, says in (
            ("/etc/storperf-bench", 3, "no target at /etc/storperf-bench: this user may not write"),
            (f"/home/{USER}/data", 0, "free: can be measured"),
        ):
            (entry,) = host.provider(target={"directory": place})["hosts"]
            (storperf.folder / "lab.yaml").write_text(json.dumps({"hosts": [entry]}))
            ended = storperf("agent", "check", "--inventory", "lab.yaml")
            assert ended.exit_code == exit_code, ended
            assert says in ended.stdout
            assert f"{USER} (no root: no devices" in ended.stdout
        host.assert_nothing_left()


def shown(folder):
    """Every file below a folder with what it holds, unpacked."""
    for path in filter(Path.is_file, folder.rglob("*")):
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = b"".join(map(archive.read, archive.namelist()))
        yield path, content


def processes_that_say(secret, but_not):
    """Command lines and environments of processes that hold a secret."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) in but_not:
            continue
        for name in ("cmdline", "environ"):
            try:
                content = (process / name).read_bytes()
            except OSError:
                continue
            if secret in content:
                found.append((process.name, name, content))
    return found


@fact
def a_password_is_nowhere_to_be_seen(storperf):
    """Neither in a log at its loudest, nor in a process, the store, the journals or the result."""
    secret = PASSWORD.encode()
    with UserHost(storperf) as host:
        job = host.job(storperf, provider=host.provider(**LAB), duration="3s")
        storperf.environment["LAB_PASSWORD"] = PASSWORD
        argv = (str(PROGRAM), "-vvv", "run", job, "--json")
        running = Running(argv, storperf.folder, storperf.environment)
        until_journalled(storperf, b'"kind":"interval"')
        assert processes_that_say(secret, but_not={running.process.pid, os.getpid()}) == []
        ended = running.end()
        assert ended.exit_code == 0, ended
        assert "DEBUG paramiko" in ended.stderr
        exported = storperf("export", "last", "--format", "json")
        shown_text = ended.stdout + ended.stderr + exported.stdout
        assert PASSWORD not in shown_text
        assert json.dumps(PASSWORD)[1:-1] not in shown_text
        read = dict([*shown(storperf.results), *shown(host.user_home)])
        assert any(b"bench-host" in content for content in read.values())
        assert any(path.name.endswith(".journal") for path in read)
        assert [str(path) for path, content in read.items() if secret in content] == []
        assert [str(path) for path, content in read.items() if b"battery" in content] == []


def another(program, name):
    """A manager of its own on this machine."""
    (program.top / name).mkdir()
    return Program(program.top / name)


@fact
def managers_on_one_host_keep_out_of_each_others_way(storperf):
    """Each has its own results and agents; only the host knows of both."""
    others = [another(storperf, name) for name in ("second", "third")]
    with UserHost(storperf) as host:
        # Longer than the others take, however busy this machine is; it is ended by hand.
        running = storperf.start("run", host.job(storperf, duration="10m"), "--json")
        until_journalled(storperf, b'"kind":"interval"')
        refused, beside = (
            other.start("run", host.job(other, data=data), "--json")
            for other, data in zip(others, ("data", "other"), strict=True)
        )
        refused, beside = refused.end(), beside.end()
        assert refused.exit_code == 4, refused
        assert "is in use by another run" in refused.stderr
        assert beside.exit_code == 0, beside
        assert running.process.poll() is None
        running.process.send_signal(signal.SIGINT)
        ended = running.end()
        (trial,) = ended.trials
        assert (ended.exit_code, trial["end"]) == (130, "cancelled"), ended
        host.assert_nothing_left()


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
