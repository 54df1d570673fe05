"""Stackless requests of the compatible API against a real sshd: keys, logins, secrets."""

from __future__ import annotations

import ipaddress
import stat

import pytest
import yaml
from tools.sshd import Sshd, make_key, require_sshd
from unit.web.old_clients import LOOPBACK, serving

from storperf.model.access import Scope


@pytest.fixture
def sshd(tmp_path):
    require_sshd()
    server = Sshd(tmp_path / "host")
    (server.folder / "data").mkdir()
    yield server
    server.end()


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "home") as server:
        server.allow(networks=(LOOPBACK,))
        yield server


def request_for(sshd, **changes):
    """What an old client posts to measure on one host."""
    return {
        "stack_name": None,
        "slave_addresses": [f"127.0.0.1:{sshd.port}"],
        "username": sshd.user,
        "ssh_private_key": sshd.client_key.read_text(),
        "target": str(sshd.folder / "data"),
        "deadline": 1,
        "workloads": {"mine": {"rw": "randread", "size": "16M"}},
        **changes,
    }


def pin(server, sshd, scope=Scope.ADMIN):
    content = {"host": f"127.0.0.1:{sshd.port}", "key": sshd.host_key}
    return server.ask("POST", "v3/host-pins", content, scope)


def lent_files(server):
    return [path for path in server.settings.results.glob("lent/*/*") if path.is_file()]


def refusal(server, content):
    answer = server.ask("POST", "v2.0/jobs", content)
    assert answer.status_code == 400, answer.text
    assert not server.store.queue_entries()
    assert not lent_files(server)
    return answer.json()["message"]


def test_an_unknown_host_is_refused_with_its_fingerprint_and_then_pinned(server, sshd):
    message = refusal(server, request_for(sshd))
    assert f"127.0.0.1]:{sshd.port}. It shows ssh-ed25519 SHA256:" in message
    assert "POST /api/v3/host-pins" in message
    assert pin(server, sshd, Scope.RUN).status_code == 403
    assert pin(server, sshd).status_code == 201
    (pinned,) = server.ask("GET", "v3/host-pins").json()
    assert pinned["fingerprint"] in message
    answer = server.ask("POST", "v2.0/jobs", request_for(sshd))
    assert answer.status_code == 200, answer.text


def test_a_host_in_known_hosts_needs_no_pin(server, sshd, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    server.allow(networks=(LOOPBACK,), known_hosts=(known,))
    entry = server.job_of(server.ask("POST", "v2.0/jobs", request_for(sshd)))
    (host,) = yaml.safe_load(entry.job_text)["provider"]["hosts"]
    assert host["host_key"] == sshd.host_key


def test_another_key_than_the_pinned_one_is_refused(server, sshd, tmp_path):
    content = {"host": f"127.0.0.1:{sshd.port}", "key": make_key(tmp_path / "other")}
    server.ask("POST", "v3/host-pins", content, Scope.ADMIN)
    assert "another host key" in refusal(server, request_for(sshd))


def test_a_host_outside_the_networks_is_not_even_asked_for_its_key(server, sshd):
    server.allow(networks=(ipaddress.ip_network("10.0.0.0/8"),))
    before = sshd.log.read_text()
    assert "not in the networks" in refusal(server, request_for(sshd))
    assert sshd.log.read_text() == before


def test_a_secret_lies_in_a_file_of_its_run_and_nowhere_else(server, sshd):
    pin(server, sshd)
    secret = sshd.client_key.read_text()
    answer = server.ask("POST", "v2.0/jobs", request_for(sshd))
    entry = server.job_of(answer)
    (kept,) = lent_files(server)
    assert kept.read_text().strip() == secret.strip()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    body = "".join(secret.splitlines()[1:-1])
    for text in (repr(entry), answer.text, server.ask("GET", "v1.0/logs").text):
        assert body[:40] not in text.replace("\\n", "")
    for path in server.settings.results.glob("storperf.sqlite3*"):
        assert body[:40].encode() not in path.read_bytes().replace(b"\\n", b"")
    server.end(entry.run_id)
    server.ask("GET", "v1.0/jobs")
    assert not lent_files(server)


def test_a_server_that_starts_forgets_what_it_was_lent_for_ended_runs(tmp_path, sshd):
    with serving(tmp_path / "home") as server:
        server.allow(networks=(LOOPBACK,))
        pin(server, sshd)
        entry = server.job_of(server.ask("POST", "v2.0/jobs", request_for(sshd)))
        (kept,) = lent_files(server)
        server.end(entry.run_id)
    with serving(tmp_path / "home"):
        assert not kept.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ssh_private_key": None, "password": "wrong"}, "refuses the login with the password"),
        ({"ssh_private_key": None}, "give a password"),
        ({"ssh_private_key": "-----BEGIN PRIVATE KEY-----\nnone\n"}, "key"),
        ({"ssh_private_key": "/home/lab/.ssh/id_ed25519"}, "ssh_private_key"),
        ({"username": "-oProxyCommand=reboot"}, "username"),
        ({"target": "data"}, "absolute path"),
        ({"target": "/nowhere/at/all"}, "/nowhere/at/all"),
        ({"target": "/dev/null"}, "/dev/null"),
        ({"slave_addresses": ["localhost"]}, "address"),
        ({"slave_addresses": []}, "slave_addresses"),
    ],
)
def test_a_host_that_cannot_be_measured_on_is_refused(server, sshd, changes, words):
    pin(server, sshd)
    assert words in refusal(server, request_for(sshd, **changes))


def test_no_password_is_given_back_by_a_refusal(server, sshd):
    pin(server, sshd)
    login = {"ssh_private_key": None, "password": "hunter2"}
    message = refusal(server, request_for(sshd, **login))
    assert "hunter2" not in message


def test_a_pin_is_taken_back(server, sshd):
    pin(server, sshd)
    host = f"127.0.0.1:{sshd.port}"
    assert server.ask("DELETE", f"v3/host-pins?host={host}", scope=Scope.ADMIN).status_code == 204
    assert server.ask("GET", "v3/host-pins").json() == []
    assert server.ask("DELETE", f"v3/host-pins?host={host}", scope=Scope.ADMIN).status_code == 404


@pytest.mark.parametrize(
    "content",
    [
        {"host": "localhost", "key": "ssh-ed25519 AAAA"},
        {"host": "10.0.0.5", "key": "ssh-ed25519 AAAA"},
        {"host": "10.0.0.5", "key": "no key"},
        {"host": "10.0.0.5 *", "key": "ssh-ed25519 AAAA"},
    ],
)
def test_a_pin_that_is_none_is_refused(server, content):
    assert server.ask("POST", "v3/host-pins", content, Scope.ADMIN).status_code == 400
