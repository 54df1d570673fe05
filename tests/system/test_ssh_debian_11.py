"""Runs on a Debian 11 of the test's own: its own sshd, sudo and package manager."""

from __future__ import annotations

import shutil

import pytest
from system.conftest import Program
from tools.debian_11 import Debian11Host

pytestmark = pytest.mark.all_only

# An image without fio, and without the lists that apt-get loads.
WITHOUT_FIO = "dpkg --purge fio >/dev/null; rm -rf /var/lib/apt/lists; mkdir /var/lib/apt/lists"
USER = "bench"


def make_user(folder, sudoers=""):
    """What makes a user who has the key; with `sudoers` he may do that."""
    return f"""
        useradd --create-home --shell /bin/sh --password '*' {USER}
        install -d -m 700 -o {USER} /home/{USER}/.ssh
        install -o {USER} {folder}/client_key.pub /home/{USER}/.ssh/authorized_keys
        printf '%s\\n' '{sudoers}' > /etc/sudoers.d/bench
        chmod 440 /etc/sudoers.d/bench
    """


class Machine:
    """A Debian 11 with a folder for root alone to measure in."""

    def __init__(self, program: Program, change="true", user="root", lines=()):
        self.program = program
        self.user = user
        folder = program.top / "debian"
        (folder / "data").mkdir(parents=True)
        self.server = Debian11Host(folder, change=change, lines=lines)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.server.end()

    def run(self, host=None, **provider):
        """Run a second of reads there."""
        entry = {
            "address": self.server.address,
            "port": self.server.port,
            "user": self.user,
            "key": str(self.server.client_key),
            "host_key": self.server.host_key,
            **(host or {}),
        }
        target = {"directory": f"{self.server.folder}/data/bench", "size": "16M"}
        keys = {"provider": {"kind": "ssh", "hosts": [entry], **provider}, "target": target}
        ended = self.program("run", self.program.job(**keys), "--json", timeout_s=600)
        assert list((self.server.folder / "data").iterdir()) == []
        return ended


def of_user(program, sudoers=""):
    """A machine whose user is not root."""
    lines = ["AuthorizedKeysFile .ssh/authorized_keys", "SetEnv LANG=C.UTF-8"]
    return Machine(program, make_user(program.top / "debian", sudoers), USER, lines)


def environment(ended):
    return ended.json["environment"]["agent-01"]


def test_a_missing_fio_is_installed_by_the_package_manager_when_the_job_says_so(storperf):
    with Machine(storperf, WITHOUT_FIO) as machine:
        refused = machine.run()
        assert refused.exit_code == 4, refused
        assert "has no usable fio: fio: No such file or directory" in refused.stderr
        assert "install_fio: true" in refused.stderr
        foreign = machine.run(fio_binary=shutil.which("fio"))
        assert foreign.exit_code == 4, foreign
        # This machine's is not static, and says which library it misses there.
        assert "--version ended with" in foreign.stderr
        assert "not found" in foreign.stderr or "cannot open shared object" in foreign.stderr
        ended = machine.run(install_fio=True)
        assert ended.exit_code == 0, ended
        assert environment(ended)["fio"] == "fio-3.25"
        assert environment(ended)["host"]["python"].startswith("3.9.")


def test_a_sudo_without_a_password_makes_the_agent_root(storperf):
    with of_user(storperf, f"{USER} ALL=(ALL) NOPASSWD: ALL") as machine:
        ended = machine.run({"sudo": True})
        assert ended.exit_code == 0, ended
        # Without it the same user may not measure there.
        refused = machine.run()
        assert refused.exit_code == 2, refused
        assert "Permission denied" in refused.stderr or "does not exist" in refused.stderr


def test_a_sudo_that_asks_for_a_password_is_told_with_the_remedy(storperf):
    with of_user(storperf, f"{USER} ALL=(ALL) ALL") as machine:
        ended = machine.run({"sudo": True})
        assert ended.exit_code == 4, ended
        assert "sudo: a password is required" in ended.stderr
        assert "NOPASSWD in /etc/sudoers.d" in ended.stderr


def test_a_user_who_may_not_install_is_told(storperf):
    change = WITHOUT_FIO + make_user(storperf.top / "debian")
    lines = ["AuthorizedKeysFile .ssh/authorized_keys", "SetEnv LANG=C.UTF-8"]
    with Machine(storperf, change, USER, lines) as machine:
        ended = machine.run(install_fio=True)
        assert ended.exit_code == 4, ended
        assert "its user may install nothing; say `sudo: true`" in ended.stderr
