"""`storperf serve` as a stranger meets it: real sockets, real files, nothing given away."""

from __future__ import annotations

import base64
import re
import signal
import socket
from contextlib import contextmanager

import pytest
import requests
from system.together import Facts
from tools.certificate import certify

fact = Facts()
_PATIENCE_S = 20


@contextmanager
def serving(program, *options, configuration="{}"):
    """A server with a configuration of its own on a free port, and where it listens."""
    path = program.top / "serve.yaml"
    path.write_text(configuration, encoding="utf-8")
    running = program.start("-vv", "serve", "--config", path, "--port", "0", *options)
    try:
        running.until("Application startup complete")
        yield running, re.search(r"^serving .* on (\S+)$", running.stderr, re.MULTILINE)[1]
    finally:
        running.process.send_signal(signal.SIGTERM)
        assert running.end().exit_code == 0


def token_of(program):
    return (program.results / "token").read_text().strip()


def status_of(head, where, body=b""):
    """The status of a request that is sent as it stands; None when the server just hangs up."""
    kind, target = where
    with socket.socket(kind) as connection:
        connection.settimeout(_PATIENCE_S)
        connection.connect(target)
        try:
            connection.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
            answer = connection.recv(1 << 16)
        except ConnectionError:
            return None
    found = re.match(rb"HTTP/1\.1 (\d+)", answer)
    return int(found[1]) if found else None


@fact
def strangers_are_kept_out_and_no_secret_is_written(storperf):
    configuration = """
hosts: [bench.example.org]
limits: {body: 64k}
networks: [{range: 192.0.2.0/24, scope: admin}]
"""
    made = storperf("token", "add", "jenkins", "--scope", "run")
    token = made.stdout.strip()
    with serving(storperf, configuration=configuration) as (running, url):
        place = (socket.AF_INET, ("127.0.0.1", int(url.rpartition(":")[2])))
        basic = base64.b64encode(f"anybody:{token}".encode()).decode()
        assert (storperf.results / "token").stat().st_mode & 0o777 == 0o600
        runs = f"{url}/api/v3/runs"
        assert requests.get(runs, timeout=_PATIENCE_S).status_code == 401
        for each in (token, token_of(storperf)):
            header = {"Authorization": f"Bearer {each}"}
            assert requests.get(runs, headers=header, timeout=_PATIENCE_S).status_code == 200
        in_address = runs.replace("http://", f"http://anybody:{token}@")
        assert requests.get(in_address, timeout=_PATIENCE_S).status_code == 200

        ask = f"GET /api/v3/runs HTTP/1.1\nAuthorization: Basic {basic}"
        assert status_of(f"{ask}\nHost: bench.example.org", place) == 200
        assert status_of(f"{ask}\nHost: evil.example.com", place) == 421
        assert status_of(f"{ask}\nHost: localhost\nHost: evil.example.com", place) in {400, 421}
        assert status_of(ask, place) in {400, 421}
        change = f"POST /logout HTTP/1.1\nHost: localhost\nAuthorization: Basic {basic}"
        assert status_of(f"{change}\nOrigin: http://evil.example.com", place) == 403
        open_ask = "GET /api/v3/runs HTTP/1.1\nHost: localhost"
        for told in (
            "X-Forwarded-For: 192.0.2.1",
            "X-Real-IP: 192.0.2.1",
            "Forwarded: for=192.0.2.1",
        ):
            assert status_of(f"{open_ask}\n{told}", place) == 401

        chunked = "POST /login HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked"
        chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        assert status_of(chunked, place, chunk * 5 + b"0\r\n\r\n") == 413
        long = f"{chunked}\nContent-Length: 9999999"
        assert status_of(long, place) in {400, 413}
        assert status_of(f"{ask}\nHost: localhost\nX-Long: {'x' * 40_000}", place) == 431
        assert status_of("GET /api/v3/../../etc/passwd HTTP/1.1\nHost: localhost", place) == 404
        assert (
            status_of(f"GET /a%0d%0aINFO%20forged?t={token} HTTP/1.1\nHost: localhost", place)
            == 404
        )
        assert status_of("rubbish", place) in {None, 400}

        secret = token_of(storperf)
        audit = storperf("audit", "--json")
        listed = storperf("token", "list", "--json")
        said = running.stderr + audit.stdout + listed.stdout + made.stderr
    outcomes = {entry["outcome"] for entry in audit.json["entries"]}
    assert {"403", "413", "421"} <= outcomes
    kept = b"".join(
        path.read_bytes()
        for path in storperf.results.rglob("*")
        if path.is_file() and path.name != "token"
    )
    for hidden in (token, secret, basic):
        assert hidden not in said
        assert hidden.encode() not in kept
    assert "\nINFO forged" not in said


@fact
def a_unix_socket_is_its_users_own(storperf):
    path = storperf.top / "serve.sock"
    with serving(storperf, "--socket", path) as (_, where):
        assert where == f"unix:{path}"
        assert path.stat().st_mode & 0o777 == 0o600
        ask = "GET /api/v3/runs HTTP/1.1\nHost: localhost"
        assert status_of(ask, (socket.AF_UNIX, str(path))) == 401
        with_token = f"{ask}\nAuthorization: Bearer {token_of(storperf)}"
        assert status_of(with_token, (socket.AF_UNIX, str(path))) == 200
    assert not path.exists()
    # What a killed server leaves is taken away; what is no socket stays.
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with serving(storperf, "--socket", path):
        assert path.is_socket()
    path.write_text("mine")
    refused = storperf("serve", "--socket", path)
    assert refused.exit_code == 2
    assert path.read_text() == "mine"


@fact
def it_speaks_https_and_a_browser_keeps_its_session_to_it(storperf):
    certify(storperf.top)
    tls = "tls: {certificate: cert.pem, key: key.pem}\n"
    with serving(storperf, configuration=tls) as (_, address):
        assert address.startswith("https://127.0.0.1:")
        url = address.replace("127.0.0.1", "localhost")
        with requests.Session() as browser:
            browser.trust_env = False  # nor the bundle that it names
            browser.verify = str(storperf.top / "cert.pem")
            answer = browser.post(
                f"{url}/login", data={"token": token_of(storperf)}, timeout=_PATIENCE_S,
                allow_redirects=False,
            )  # fmt: skip
            assert answer.status_code == 303
            assert {"HttpOnly", "SameSite=strict", "Secure"} <= set(
                answer.headers["set-cookie"].split("; ")
            )
            assert browser.get(f"{url}/api/v3/runs", timeout=_PATIENCE_S).status_code == 200
            assert "max-age" in answer.headers["strict-transport-security"]
        with pytest.raises(requests.ConnectionError):
            requests.get(url.replace("https", "http"), timeout=_PATIENCE_S)


@fact
def a_configuration_that_cannot_be_used_serves_nothing(storperf):
    path = storperf.top / "serve.yaml"
    path.write_text("lisen: 127.0.0.1:0\ntls: {certificate: no.pem, key: no.pem}\n")
    refused = storperf("serve", "--config", path, "--check")
    assert refused.exit_code == 2
    assert "line 1: lisen: unknown key; did you mean 'listen'?" in refused.stderr
    path.write_text("tls: {certificate: no.pem, key: no.pem}\n")
    refused = storperf("serve", "--config", path)
    assert refused.exit_code == 2
    assert "cannot be used" in refused.stderr
    path.write_text("listen: 127.0.0.1:0\n")
    assert storperf("serve", "--config", path, "--check").exit_code == 0
    assert not (storperf.results / "token").exists()


@pytest.mark.parametrize("name", fact)
def test_fact(name, facts):
    facts[name].result()
