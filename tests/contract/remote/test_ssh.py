"""What only a host behind SSH has: keys, logins, staging over SFTP, and connections that break."""

from __future__ import annotations

import hashlib
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import BoundedSemaphore

import pytest
from tools.fake_fio import make_fio
from tools.sshd import Sshd, make_key, require_sshd

from storperf.deadline import Deadline
from storperf.errors import AgentLost, HostKeyRefused, InfrastructureError, UsageError
from storperf.model.host import SshHost
from storperf.providers.ssh import SshProvider
from storperf.remote.connection import WIDTH
from storperf.remote.pack import build_agent
from storperf.remote.ssh import SshRemote
from storperf.remote.ssh_login import find_login
from storperf.remote.staging import StagedFile
from storperf.settings import read_settings

from .conftest import Host, host_of, remote_to, trial_command

PACKAGE = build_agent()
EVIL = 'it\'s; touch "$(id)" `x` & $HOME'


@pytest.fixture
def make_sshd(tmp_path):
    """Makes servers of this test's own, which it may break."""
    require_sshd()
    servers = []

    def make(**more):
        servers.append(Sshd(tmp_path / f"sshd-{len(servers)}", **more))
        return servers[-1]

    yield make
    for server in servers:
        server.end()


@pytest.fixture
def home(tmp_path):
    """The home of a user who has an empty ~/.ssh."""
    (tmp_path / "home/.ssh").mkdir(parents=True)
    return tmp_path / "home"


def stage(remote, seconds=30.0):
    try:
        remote.stage(PACKAGE, Deadline.after(seconds))
    finally:
        remote.close()


def known(sshd, key=None):
    return f"[{sshd.address}]:{sshd.port} {key or sshd.host_key}\n"


def fingerprint(path):
    argv = ["ssh-keygen", "-lf", str(path)]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()[1]


def path_with(folder, **programs):
    """A PATH that holds only `sh` and these scripts."""
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder)}


# --- host keys -----------------------------------------------------------------------------------


def test_an_unknown_host_key_is_refused_with_its_fingerprint(make_sshd, home, tmp_path):
    sshd = make_sshd()
    host = host_of(sshd, tmp_path / "agent", host_key=None)
    with pytest.raises(HostKeyRefused) as caught:
        stage(remote_to(host, home))
    assert fingerprint(sshd.folder / "host_key.pub") in caught.value.message
    assert f"ssh-keyscan -p {sshd.port} 127.0.0.1" in caught.value.message
    assert f'host_key: "{sshd.host_key}"' in caught.value.message
    assert sshd.commands() == []
    assert list((home / ".ssh").iterdir()) == []


@pytest.mark.parametrize("is_hashed", [False, True])
def test_a_host_in_known_hosts_is_believed(sshd, home, tmp_path, is_hashed):
    path = home / ".ssh/known_hosts"
    path.write_text(
        f"# mine\n{known(sshd)}" + ("" if is_hashed else "@cert-authority * x AAAA\nx y AAAA\n")
    )
    if is_hashed:
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, stderr=-3)
    stage(remote_to(host_of(sshd, tmp_path / "agent", host_key=None), home))
    assert (tmp_path / "agent" / PACKAGE.file_name).exists()


def test_a_changed_host_key_is_refused_with_both_fingerprints(make_sshd, home, tmp_path):
    sshd = make_sshd()
    before = fingerprint(sshd.folder / "host_key.pub")
    (home / ".ssh/known_hosts").write_text(known(sshd))
    sshd.change_host_key()
    host = host_of(sshd, tmp_path / "agent", host_key=None)
    with pytest.raises(HostKeyRefused, match="another host key than known_hosts") as caught:
        stage(remote_to(host, home))
    assert fingerprint(sshd.folder / "host_key.pub") in caught.value.message
    assert before in caught.value.message
    assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}'" in caught.value.message
    assert sshd.commands() == []


def test_the_inventory_s_key_is_the_only_one_that_counts(sshd, home, tmp_path):
    (home / ".ssh/known_hosts").write_text(known(sshd))
    other = make_key(tmp_path / "other")
    with pytest.raises(HostKeyRefused, match="than the inventory has for it"):
        stage(remote_to(host_of(sshd, tmp_path / "agent", host_key=other), home))


def test_a_revoked_key_is_not_believed(sshd, home, tmp_path):
    (home / ".ssh/known_hosts").write_text(known(sshd) + f"@revoked * {sshd.host_key}\n")
    with pytest.raises(HostKeyRefused, match="not known"):
        stage(remote_to(host_of(sshd, tmp_path / "agent", host_key=None), home))


@pytest.mark.parametrize("text", ["ssh-ed25519", "ssh-ed25519 !!", "ssh-ed25519 AAAA", "x y"])
def test_what_is_no_host_key_is_refused_before_anything_is_asked(sshd, tmp_path, text):
    with pytest.raises(UsageError, match="is no host key"):
        stage(remote_to(host_of(sshd, tmp_path / "agent", host_key=text)))


# --- logins --------------------------------------------------------------------------------------


def test_a_key_that_the_host_does_not_accept_is_told(sshd, tmp_path):
    make_key(tmp_path / "wrong")
    host = host_of(sshd, tmp_path / "agent", key=str(tmp_path / "wrong"))
    with pytest.raises(InfrastructureError, match=r"refuses the login with the key .*/wrong"):
        stage(remote_to(host))


def test_an_encrypted_key_is_told(sshd, tmp_path):
    path = tmp_path / "locked"
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(path)]
    subprocess.run(argv, check=True)
    with pytest.raises(InfrastructureError, match=r"is encrypted; load it into the SSH agent"):
        stage(remote_to(host_of(sshd, tmp_path / "agent", key=str(path))))


def test_a_password_is_shown_nowhere(make_sshd, tmp_path, caplog):
    sshd = make_sshd(lines=["PasswordAuthentication yes"])
    caplog.set_level("DEBUG")
    (tmp_path / "password").write_text("hunter2-hunter2\n")
    (tmp_path / "password").chmod(0o600)
    password = {"key": None, "password_file": str(tmp_path / "password")}
    host = host_of(sshd, tmp_path / "agent", **password)
    with pytest.raises(InfrastructureError, match="refuses the login with the password") as caught:
        stage(remote_to(host))
    login = find_login(host, tmp_path, {})
    assert login.password == "hunter2-hunter2"
    shown = f"{login!r} {login} {caught.value} {caught.value.facts} {caplog.text} {host!r}"
    assert "hunter2" not in shown


def test_a_password_file_that_others_can_read_is_refused(sshd, tmp_path):
    (tmp_path / "password").write_text("hunter2\n")
    (tmp_path / "password").chmod(0o640)
    host = host_of(sshd, tmp_path, key=None, password_file=str(tmp_path / "password"))
    with pytest.raises(UsageError, match=r"has mode 0640: others can reach it.*chmod 600"):
        stage(remote_to(host))


def test_a_password_comes_from_the_variable_that_is_named(tmp_path):
    host = SshHost(address="h", password_env="LAB_PASSWORD")  # noqa: S106 - a variable's name
    assert find_login(host, tmp_path, {"LAB_PASSWORD": "x"}).password == "x"
    with pytest.raises(UsageError, match="LAB_PASSWORD, which is not set"):
        find_login(host, tmp_path, {})


def test_the_user_s_ssh_configuration_is_honoured(sshd, home, tmp_path):
    (tmp_path / "lab_hosts").write_text(known(sshd))
    (home / ".ssh/config").write_text(
        f"Host lab\n  HostName {sshd.address}\n  Port {sshd.port}\n  User {sshd.user}\n"
        f"  IdentityFile {sshd.client_key}\n  UserKnownHostsFile {tmp_path / 'lab_hosts'}\n"
    )
    stage(remote_to(SshHost(address="lab", folder=str(tmp_path / "agent")), home))
    assert (tmp_path / "agent" / PACKAGE.file_name).exists()


@pytest.mark.parametrize("line", ["ProxyJump gate", "ProxyCommand nc %h %p"])
def test_a_way_through_another_host_is_refused_in_a_sentence(home, line):
    (home / ".ssh/config").write_text(f"Host lab\n  {line}\n")
    with pytest.raises(UsageError, match=r"goes through Proxy.*storperf connects directly"):
        find_login(SshHost(address="lab"), home, {})
    (home / ".ssh/config").write_text("Host lab\n  ProxyJump none\n")
    assert find_login(SshHost(address="lab"), home, {}).port == 22


def test_ipv6_is_an_address_like_others(make_sshd, home, tmp_path):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this host has no IPv6 on loopback")
    sshd = make_sshd(address="::1")
    (home / ".ssh/known_hosts").write_text(known(sshd))
    stage(remote_to(host_of(sshd, tmp_path / "agent", host_key=None), home))
    assert (tmp_path / "agent" / PACKAGE.file_name).exists()


# --- staging -------------------------------------------------------------------------------------


# Messages of RFC 4254 by number: those that the host answers, and those that it does not.
ANSWERED = {"90": "open a channel", "98": "a request on it"}
UNANSWERED = {"93": "room to answer", "96": "end of input", "97": "close the channel"}
LOGGED_IN = "debug1: Entering interactive session"


def test_a_host_that_has_the_agent_is_asked_in_three_round_trips_and_sent_no_file(
    make_sshd, tmp_path
):
    """By what the host's own log says that it received after the login."""
    sshd = make_sshd(lines=["LogLevel DEBUG3"])
    stage(remote_to(host_of(sshd, tmp_path / "agent")))
    assert sshd.commands() == ["command", "subsystem"]
    before = len(sshd.log.read_text())
    stage(remote_to(host_of(sshd, tmp_path / "agent")))
    assert sshd.commands()[2:] == ["command"]
    log = sshd.log.read_text()[before:].partition(LOGGED_IN)[2]
    received = re.findall(r"receive packet: type (\d+)", log)
    assert set(received) <= {*ANSWERED, *UNANSWERED}  # no data, which is 94
    # The answer to the command itself is the third.
    assert [ANSWERED[each] for each in received if each in ANSWERED] == list(ANSWERED.values())


def test_what_came_otherwise_than_it_was_sent_gets_no_name(sshd, tmp_path):
    fio = StagedFile(name="fio-x", sha256="0" * 64, content=b"#!/bin/sh\n", mode=0o700)
    remote = remote_to(host_of(sshd, tmp_path / "agent"), binary=fio)
    with pytest.raises(InfrastructureError, match="is not what was sent"):
        stage(remote)
    assert {path.name for path in (tmp_path / "agent").iterdir()} == {PACKAGE.file_name}


def test_what_is_staged_is_the_user_s_alone(sshd, tmp_path):
    content = b"#!/bin/sh\n"
    sha256 = hashlib.sha256(content).hexdigest()
    fio = StagedFile(name="fio-x", sha256=sha256, content=content, mode=0o700)
    stage(remote_to(host_of(sshd, tmp_path / "agent"), binary=fio))
    folder = tmp_path / "agent"
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {PACKAGE.file_name: 0o600, "fio-x": 0o700}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_whose_name_is_a_command_is_a_folder(sshd, tmp_path):
    folder = tmp_path / EVIL
    host = Host(remote_to(host_of(sshd, folder)), folder, tmp_path)
    assert host.open().call("hello")["run"] == "run-1"
    host.end()
    assert {path.name for path in tmp_path.iterdir()} >= {EVIL}
    assert not list(tmp_path.glob("uid*"))


def test_a_link_in_the_place_of_the_agent_s_folder_is_refused(sshd, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "agent").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InfrastructureError, match="agent is a symbolic link"):
        stage(remote_to(host_of(sshd, tmp_path / "agent")))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_host_without_sftp_is_told_what_to_do(make_sshd, tmp_path):
    sshd = make_sshd(sftp=False)
    with pytest.raises(InfrastructureError, match=r"has no SFTP.*Subsystem sftp internal-sftp"):
        stage(remote_to(host_of(sshd, tmp_path / "agent")))


def test_a_python_that_is_too_old_is_told(make_sshd, tmp_path):
    old = 'case "$1" in -V) echo Python 3.6.8;; esac; exit 1'
    sshd = make_sshd(environment=path_with(tmp_path / "bin", python3=old))
    with pytest.raises(InfrastructureError, match=r"no Python 3\.9 or newer .*Python 3\.6\.8"):
        stage(remote_to(host_of(sshd, tmp_path / "agent")))


def test_the_first_python_that_is_new_enough_is_taken(make_sshd, tmp_path):
    good = f'exec {sys.executable} "$@"'
    environment = path_with(tmp_path / "bin", python3="exit 1", **{"python3.11": good})
    sshd = make_sshd(environment=environment)
    stage(remote_to(host_of(sshd, tmp_path / "agent")))
    assert (tmp_path / "agent" / PACKAGE.file_name).exists()


def test_a_shell_that_runs_nothing_is_told(make_sshd, tmp_path):
    sshd = make_sshd(lines=['ForceCommand echo "This account is not available."'])
    with pytest.raises(InfrastructureError, match="said: This account is not available"):
        stage(remote_to(host_of(sshd, tmp_path / "agent")))


# --- sudo ----------------------------------------------------------------------------------------


def test_a_sudo_that_wants_a_password_is_told(make_sshd, tmp_path):
    refuses = "echo sudo: a password is required >&2; exit 1"
    environment = path_with(tmp_path / "bin", sudo=refuses, python3=f'exec {sys.executable} "$@"')
    sshd = make_sshd(environment=environment)
    with pytest.raises(InfrastructureError, match=r"a password is required. Allow it \(NOPASSWD"):
        stage(remote_to(host_of(sshd, tmp_path / "agent", sudo=True)))


def test_a_sudo_that_is_not_there_is_told(make_sshd, tmp_path):
    environment = path_with(tmp_path / "bin", python3=f'exec {sys.executable} "$@"')
    sshd = make_sshd(environment=environment)
    with pytest.raises(InfrastructureError, match=r"sudo is not installed there.*log in as root"):
        stage(remote_to(host_of(sshd, tmp_path / "agent", sudo=True)))


def test_with_sudo_the_agent_runs_by_it_in_a_folder_of_its_own(make_sshd, tmp_path):
    passes = f'printf "%s\\n" "$*" >> {tmp_path}/sudo.log; shift 2; PATH=/usr/bin:/bin exec "$@"'
    environment = path_with(tmp_path / "bin", sudo=passes, python3=f'exec {sys.executable} "$@"')
    sshd = make_sshd(environment=environment)
    root = tmp_path / "agent/root"
    host = Host(remote_to(host_of(sshd, tmp_path / "agent", sudo=True)), root, tmp_path)
    channel = host.open()
    assert host.run_folder().is_dir()
    channel.call("shutdown", forget=True)
    channel.close()
    assert host.remote.remains("run-1", Deadline.after(10)) is None
    host.end()
    lines = (tmp_path / "sudo.log").read_text().splitlines()
    assert lines[0] == "-n -- true"
    assert any(f"attach --root {root} --run run-1" in line for line in lines)
    assert all(line.startswith("-n -- ") for line in lines)


# --- a missing fio -------------------------------------------------------------------------------


def test_a_missing_fio_is_installed_only_when_that_was_said(make_sshd, tmp_path):
    note = f'echo "$@" >> {tmp_path}/installed'
    python = f'exec {sys.executable} "$@"'
    programs = {"apt-get": note, "python3": python, "env": 'shift; exec "$@"'}
    sshd = make_sshd(environment=path_with(tmp_path / "bin", **programs))
    host = host_of(sshd, tmp_path / "agent")
    missing = {"fio": "fio-that-nobody-has"}
    stage(remote_to(host, **missing))
    assert not (tmp_path / "installed").exists()
    stage(remote_to(host, installs_fio=True, **missing))
    words = (tmp_path / "installed").read_text().splitlines()
    waits = "-o DPkg::Lock::Timeout=120"
    assert words == ["update", f"{waits} install -y --no-install-recommends fio"]


def test_what_the_package_manager_says_when_it_fails_is_told(make_sshd, tmp_path):
    fails = 'case "$1" in update) exit 100;; *) echo E: Unable to locate fio >&2; exit 100;; esac'
    python = f'exec {sys.executable} "$@"'
    programs = {"apt-get": fails, "python3": python, "env": 'shift; exec "$@"'}
    sshd = make_sshd(environment=path_with(tmp_path / "bin", **programs))
    host = host_of(sshd, tmp_path / "agent")
    with pytest.raises(InfrastructureError, match="apt-get cannot install fio: E: Unable to loc"):
        stage(remote_to(host, installs_fio=True, fio="fio-that-nobody-has"))


# --- connections that break ----------------------------------------------------------------------


def test_a_connection_that_is_reset_loses_nothing_and_doubles_nothing(make_sshd, tmp_path):
    sshd = make_sshd()
    root = tmp_path / "agent"
    host = Host(remote_to(host_of(sshd, root)), root, tmp_path)
    channel = host.open()
    channel.call("start", **trial_command(make_fio(tmp_path / "fio"), runtime_s=2.0))
    channel.wait_for("interval", index=2)
    assert sshd.kill_sessions()
    with pytest.raises(AgentLost):
        channel.wait_for("trial_ended")
    channel.close()
    channel = host.open()
    channel.wait_for("trial_ended")
    records = list(channel.copy.records())
    assert [record["n"] for record in records] == list(range(1, len(records) + 1))
    ios = sum(record["ios"] for record in records if record["kind"] == "interval")
    assert ios == records[-1]["targets"][0]["ios"]["read"] > 0
    host.end()


def test_a_server_that_is_gone_is_a_lost_agent_and_back_again_a_found_one(make_sshd, tmp_path):
    sshd = make_sshd()
    remote = remote_to(host_of(sshd, tmp_path / "agent"))
    stage(remote)
    sshd.end()
    with pytest.raises(AgentLost, match=r"cannot be reached: Connection refused"):
        stage(remote, seconds=3)
    sshd.start()
    stage(remote)


def test_a_host_that_says_nothing_is_given_up_in_time(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = SshHost(address="127.0.0.1", port=silent.getsockname()[1], folder=str(tmp_path))
        remote = remote_to(replace(host, host_key=make_key(tmp_path / "key")))
        deadline = Deadline.after(2)
        with pytest.raises(AgentLost, match="cannot be reached"):
            remote.stage(PACKAGE, deadline)
        assert Deadline.after(0).at_s - deadline.at_s < 5


def test_what_a_host_says_on_stderr_without_end_stops_nothing(make_sshd, tmp_path):
    """SSH has one window for both streams: what nobody takes out of one shuts the other."""
    flood = "head -c 6000000 /dev/zero >&2 &"
    wrapper = tmp_path / "python"
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in *attach*) {flood} ;; esac\nexec {sys.executable} "$@"\n'
    )
    wrapper.chmod(0o755)
    sshd = make_sshd()
    root = tmp_path / "agent"
    remote = remote_to(host_of(sshd, root, python=str(wrapper)))
    host = Host(remote, root, tmp_path)
    remote._landing = replace(remote._landing, python=str(wrapper))
    channel = host.open()
    channel.call("start", **trial_command(make_fio(tmp_path / "fio"), runtime_s=1.0))
    channel.wait_for("trial_ended")
    host.end()


def test_more_logins_at_once_than_sshd_takes_all_come_through(make_sshd, tmp_path):
    """Each dropped one is tried again; `MaxStartups 2:100:2` drops every third."""
    sshd = make_sshd(lines=["MaxStartups 2:100:2"])
    host = host_of(sshd, tmp_path / "agent")
    stage(remote_to(host))
    gate = BoundedSemaphore(WIDTH)
    remotes = [
        SshRemote(host, login=partial(find_login, host, tmp_path, {}), gate=gate) for _ in range(12)
    ]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(stage, remotes))
    assert sshd.commands().count("command") == 1 + 12
    assert "MaxStartups" in sshd.log.read_text()


def test_thirty_agents_behind_one_sshd_of_ordinary_settings_all_come_through(make_sshd, tmp_path):
    """sshd counts a login for a moment longer than we do: a few are dropped all the same."""
    sshd = make_sshd(lines=["MaxStartups 10:30:100"])
    host = host_of(sshd, tmp_path / "agent")
    stage(remote_to(host))
    provider = SshProvider(read_settings({"HOME": str(tmp_path)}, tmp_path))
    remotes = [provider.remote(host, place=f"agent-{number:02}") for number in range(30)]
    with ThreadPoolExecutor(30) as pool:
        list(pool.map(stage, remotes))
    assert sshd.commands().count("command") == 1 + 30
    # 30 at once would have cost 30 to 100 % of those beyond the tenth.
    assert sshd.log.read_text().count("drop connection") <= 10
