"""Every way to log in, at a real sshd, as a user who is not root."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from tools.login_host import PASSWORD, USER, LoginHost, require_login_host
from tools.sshd import make_key

from storperf.deadline import Deadline
from storperf.errors import AgentLost, InfrastructureError, UsageError
from storperf.model.host import SshHost
from storperf.remote.pack import build_agent
from storperf.remote.ssh_login import find_login

from .conftest import host_of, remote_to, wait_until

PACKAGE = build_agent()
HOME = f"/home/{USER}"
BY_ENVIRONMENT = {"key": None, "password_env": "LAB"}


@pytest.fixture(scope="module")
def login_host(tmp_path_factory):
    """A host that takes the user's key, and the password by the method of that name."""
    require_login_host()
    host = LoginHost(tmp_path_factory.mktemp("host") / "h", lines=["PasswordAuthentication yes"])
    yield host
    host.end()


@pytest.fixture(scope="module")
def asking_host(tmp_path_factory):
    """A host that asks for the password by PAM, as many do."""
    require_login_host()
    lines = ["UsePAM yes", "KbdInteractiveAuthentication yes", "PubkeyAuthentication no"]
    host = LoginHost(tmp_path_factory.mktemp("asking") / "h", lines=lines)
    yield host
    host.end()


@pytest.fixture
def home(tmp_path):
    """The home of who runs storperf, with an empty ~/.ssh."""
    (tmp_path / "home/.ssh").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def ssh_agent(monkeypatch):
    """A real ssh-agent without a key; gives the callable that adds one."""
    if shutil.which("ssh-agent") is None or shutil.which("ssh-add") is None:
        pytest.skip("needs OpenSSH's ssh-agent and ssh-add")
    folder = Path(tempfile.mkdtemp(prefix="agent-"))  # a socket's path is under 108 bytes
    monkeypatch.setenv("SSH_AUTH_SOCK", str(folder / "socket"))
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(folder / "socket")], stdout=-3)
    wait_until((folder / "socket").exists)

    def add(key, passphrase=""):
        (folder / "ask").write_text(f"#!/bin/sh\necho '{passphrase}'\n")
        (folder / "ask").chmod(0o700)
        asks = {"SSH_ASKPASS": str(folder / "ask"), "SSH_ASKPASS_REQUIRE": "force"}
        argv = ["ssh-add", "-q", str(key)]
        subprocess.run(argv, check=True, stdin=-3, env={**os.environ, **asks})

    yield add
    process.terminate()
    process.wait(10)
    shutil.rmtree(folder)


def stage(host, home, environment=None, seconds=30.0):
    """Stage the agent; what it finds in the folder afterwards is the user's."""
    remote = remote_to(host, home, environment)
    try:
        remote.stage(PACKAGE, Deadline.after(seconds))
    finally:
        remote.close()


def assert_staged(login_host, name):
    folder = login_host.user_home / name
    found = folder.stat()
    assert stat.S_IMODE(found.st_mode) == 0o700
    assert found.st_uid == login_host.user_home.stat().st_uid != 0
    assert (folder / PACKAGE.file_name).read_bytes() == PACKAGE.content


# --- keys ----------------------------------------------------------------------------------------


def test_a_key_file_is_a_login(login_host, home):
    stage(host_of(login_host, f"{HOME}/by-key"), home)
    assert_staged(login_host, "by-key")


def test_without_key_and_password_the_ssh_agent_is_asked(login_host, home, ssh_agent):
    ssh_agent(login_host.client_key)
    stage(host_of(login_host, f"{HOME}/by-agent", key=None), home)
    assert_staged(login_host, "by-agent")


def test_the_remedy_for_an_encrypted_key_is_one(login_host, home, tmp_path, ssh_agent):
    locked = tmp_path / "locked"
    shutil.copy(login_host.client_key, locked)
    argv = ["ssh-keygen", "-q", "-p", "-N", "a passphrase", "-f", str(locked)]
    subprocess.run(argv, check=True, stdout=-3)
    host = host_of(login_host, f"{HOME}/by-locked", key=str(locked))
    with pytest.raises(InfrastructureError, match=r"load it into the SSH agent .* leave `key` out"):
        stage(host, home)
    ssh_agent(locked, "a passphrase")
    stage(host_of(login_host, f"{HOME}/by-locked", key=None), home)
    assert_staged(login_host, "by-locked")


def test_more_keys_than_the_host_tries_are_told(login_host, home, tmp_path, ssh_agent):
    for number in range(8):
        make_key(tmp_path / f"key-{number}")
        ssh_agent(tmp_path / f"key-{number}")
    with pytest.raises(AgentLost, match=r"the SSH agent holds 8, .*Name the right one with `key`"):
        stage(host_of(login_host, f"{HOME}/by-many", key=None), home, seconds=1)


def test_a_user_whom_the_host_does_not_know_is_refused_once(login_host, home):
    before = login_host.log.read_text().count("Invalid user nobody-there")
    with pytest.raises(InfrastructureError, match=r"nobody-there@127\.0\.0\.1:\d+ refuses the lo"):
        stage(host_of(login_host, f"{HOME}/x", user="nobody-there"), home)
    assert login_host.log.read_text().count("Invalid user nobody-there") == before + 1


# --- passwords -----------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["login_host", "asking_host"])
def test_a_password_comes_from_a_file(request, home, password_file, server):
    server = request.getfixturevalue(server)
    stage(host_of(server, f"{HOME}/by-file", key=None, password_file=password_file), home)
    assert_staged(server, "by-file")


def test_a_password_comes_from_the_environment(login_host, home):
    host = host_of(login_host, f"{HOME}/by-env", **BY_ENVIRONMENT)
    stage(host, home, {"LAB": PASSWORD})
    assert_staged(login_host, "by-env")


def test_a_wrong_password_is_tried_once_and_told_without_it(login_host, home):
    before = login_host.log.read_text().count("Failed password")
    host = host_of(login_host, f"{HOME}/x", **BY_ENVIRONMENT)
    with pytest.raises(InfrastructureError, match="refuses the login with the password") as caught:
        stage(host, home, {"LAB": "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert login_host.log.read_text().count("Failed password") == before + 1


def test_a_host_that_takes_no_password_says_what_it_takes(make_login_host, home):
    host = make_login_host()
    where = host_of(host, f"{HOME}/x", **BY_ENVIRONMENT)
    with pytest.raises(InfrastructureError, match=r"the password.*publickey"):
        stage(where, home, {"LAB": PASSWORD})


@pytest.fixture
def make_login_host(tmp_path):
    """Makes hosts of this test's own."""
    require_login_host()
    hosts = []

    def make(**more):
        hosts.append(LoginHost(tmp_path / f"host-{len(hosts)}", **more))
        return hosts[-1]

    yield make
    for host in hosts:
        host.end()


# --- ~/.ssh/config -------------------------------------------------------------------------------


def test_what_the_inventory_leaves_out_stands_in_the_ssh_configuration(make_login_host, home):
    server = make_login_host(address="::1")
    (home / "lab_hosts").write_text(f"[::1]:{server.port} {server.host_key}\n")
    (home / ".ssh/config").write_text(
        f"Host lab\n  HostName ::1\n  Port {server.port}\n  User {USER}\n"
        f"  IdentityFile {server.client_key}\n  UserKnownHostsFile {home}/lab_hosts\n"
        "Host *\n  User root\n  Port 1\n"
    )
    stage(SshHost(address="lab", folder=f"{HOME}/by-config"), home)
    assert_staged(server, "by-config")


def test_includes_of_the_ssh_configuration_are_read(home):
    (home / ".ssh/conf.d").mkdir()
    (home / ".ssh/conf.d/lab.conf").write_text("Host lab\n  HostName 192.0.2.7\n  Include deep\n")
    (home / ".ssh/deep").write_text("User from-deep\n")
    (home / ".ssh/config").write_text(
        "Include nothing-there conf.d/*.conf\nPort 2200\nHost lab\n  User too-late\n"
    )
    login = find_login(SshHost(address="lab"), home, {})
    assert (login.address, login.user, login.port) == ("192.0.2.7", "from-deep", 2200)
    other = find_login(SshHost(address="other"), home, {"USER": "me"})
    assert (other.address, other.user, other.port) == ("other", "me", 2200)


@pytest.mark.parametrize(
    ("config", "deep", "says"),
    [
        ("Include deep\n", "Include deep\n", "includes go more than 16 files deep"),
        ("Host lab\n  Include deep\n", "Host x\n  User y\n", "inside `Host lab`"),
    ],
)
def test_an_include_that_cannot_be_followed_is_told(home, config, deep, says):
    (home / ".ssh/deep").write_text(deep)
    (home / ".ssh/config").write_text(config)
    with pytest.raises(UsageError, match=says):
        find_login(SshHost(address="lab"), home, {})


def test_the_inventory_wins_over_the_ssh_configuration(login_host, home):
    (home / ".ssh/config").write_text(
        "Host *\n  User root\n  Port 1\n  IdentityFile /nowhere\n  IdentitiesOnly yes\n"
    )
    stage(host_of(login_host, f"{HOME}/by-inventory"), home)
    assert_staged(login_host, "by-inventory")


# --- what the user may not ------------------------------------------------------------------------


def test_the_agent_lives_in_the_user_s_home_by_default(login_host, home):
    stage(replace(host_of(login_host, "unused"), folder=None), home)
    assert_staged(login_host, ".local/state/storperf/agent")


@pytest.mark.parametrize("folder", ["/etc/storperf", "/var/storperf"])
def test_a_folder_that_the_user_cannot_make_is_told(login_host, home, folder):
    with pytest.raises(InfrastructureError, match=f"put there: {folder}: Permission denied"):
        stage(host_of(login_host, folder), home)


def test_a_folder_of_another_user_is_not_taken(login_host, home):
    (login_host.user_home / "foreign").mkdir(mode=0o700)
    with pytest.raises(InfrastructureError, match="foreign is not a folder of this user"):
        stage(host_of(login_host, f"{HOME}/foreign"), home)


def test_an_agent_that_another_user_planted_is_replaced(login_host, home):
    """Its content may be right: whoever owns it can change it after it was looked at."""
    stage(host_of(login_host, f"{HOME}/planted"), home)
    path = login_host.user_home / "planted" / PACKAGE.file_name
    path.unlink()
    path.write_bytes(PACKAGE.content)
    assert path.stat().st_uid == 0
    stage(host_of(login_host, f"{HOME}/planted"), home)
    assert path.stat().st_uid == login_host.user_home.stat().st_uid
    assert_staged(login_host, "planted")
