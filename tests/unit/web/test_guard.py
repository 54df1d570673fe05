"""What stands before every request: host, origin, size, rate, headers and the audit."""

from __future__ import annotations

import base64
import logging
import time
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from storperf import tokens
from storperf.model.access import AuditEntry, Scope
from storperf.service import open_store
from storperf.settings import read_settings
from storperf.version import package_version
from storperf.web.app import create_app
from storperf.web.callers import Runner
from storperf.web.configuration import Configuration, Limits

DAY_S = 86_400.0
CONFIGURATION = Configuration(hosts=frozenset({"bench.example.org"}))


@pytest.fixture
def settings(tmp_path):
    return read_settings({"HOME": str(tmp_path)}, Path(tmp_path))


@pytest.fixture
def store(settings):
    with open_store(settings) as store:
        yield store


@pytest.fixture
def serve(settings):
    """Makes a client of an application with a configuration of its own, and one thing to do."""
    opened = []

    def make(configuration=CONFIGURATION, client=("192.0.2.7", 5), **more):
        app = create_app(settings, configuration=configuration)

        @app.post("/api/v3/try")
        async def tried(request: Request, _caller: Runner):
            return {"bytes": len(await request.body())}

        made = TestClient(
            app, base_url="http://localhost:5000", client=client, follow_redirects=False, **more
        )
        opened.append(made)
        return made.__enter__()

    yield make
    for each in opened:
        each.__exit__(None, None, None)


@pytest.fixture
def bearer(store):
    _, secret = tokens.add_token(store, "jenkins", Scope.RUN)
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    "host",
    [
        "localhost:5000",
        "127.0.0.1",
        "[::1]:5000",
        "10.0.0.9:5000",
        "Bench.Example.org",
        "localhost",
    ],
)
def test_the_servers_own_names_and_addresses_pass(serve, bearer, host):
    assert serve().get("/api/v3/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example.com:5000", "localhost.evil.example", "127.0.0.1.evil.example", "", "a b", "[::"],
)
def test_a_name_that_was_pointed_at_this_machine_is_refused(serve, bearer, host):
    answer = serve().get("/api/v3/runs", headers={"Host": host, **bearer})
    assert answer.status_code == 421
    assert serve().post("/api/v3/try", headers={"Host": host, **bearer}).status_code == 421


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:5000", 200),
        ("https://grafana.example.org", 200),
        ("https://localhost:5000", 403),
        ("http://localhost:5001", 403),
        ("http://evil.example.com", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_a_page_of_another_origin_changes_nothing(serve, bearer, origin, status):
    configuration = replace(CONFIGURATION, origins=frozenset({"https://grafana.example.org"}))
    client = serve(configuration)
    assert client.post("/api/v3/try", headers={"Origin": origin, **bearer}).status_code == status
    assert "access-control-allow-origin" not in client.get("/api/v3/health").headers


def test_a_form_of_another_site_changes_nothing_where_no_origin_is_sent(serve, bearer):
    headers = {"Sec-Fetch-Site": "cross-site", **bearer}
    assert serve().post("/api/v3/try", headers=headers).status_code == 403


def test_nobody_asks_in_advance_whether_another_origin_may(serve):
    headers = {"Origin": "http://evil.example.com", "Access-Control-Request-Method": "POST"}
    answer = serve().options("/api/v3/try", headers=headers)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("is_chunked", [False, True])
def test_more_than_the_largest_request_is_not_taken(serve, bearer, is_chunked):
    client = serve(replace(CONFIGURATION, limits=Limits(body_bytes=1000)))

    def pieces(count):
        yield from [b"x" * 100] * count

    def sent(count):
        content = pieces(count) if is_chunked else b"".join(pieces(count))
        return client.post("/api/v3/try", headers=bearer, content=content)

    assert sent(10).json() == {"bytes": 1000}
    assert sent(11).status_code == 413


def test_long_headers_and_addresses_are_not_read(serve, bearer):
    client = serve()
    assert client.get("/api/v3/runs", headers={"X-A": "a" * 40_000, **bearer}).status_code == 431
    assert client.get(f"/api/v3/runs?a={'a' * 9000}", headers=bearer).status_code == 414
    assert client.get(f"/api/v3/{'a' * 9000}", headers=bearer).status_code == 414


@pytest.mark.parametrize(
    ("client", "words"),
    [("0.0.9", "update the command"), ("99.0.1", "have the server updated")],
)
def test_a_command_of_another_release_is_told_so_before_anything_is_done(
    serve, bearer, store, client, words
):
    headers = {**bearer, "User-Agent": f"storperf/{client}"}
    answer = serve().post("/api/v3/try", headers=headers)
    assert answer.status_code == 409
    assert words in answer.json()["error"]
    assert answer.headers["storperf-version"] == package_version()


@pytest.mark.parametrize("agent", [f"storperf/{package_version()}", "curl/7.88.1", "storperf/x"])
def test_every_other_client_is_served(serve, bearer, agent):
    answer = serve().post("/api/v3/try", headers={**bearer, "User-Agent": agent})
    assert answer.status_code == 200
    assert ("storperf-version" in answer.headers) == agent.startswith("storperf/")


def test_who_asks_too_often_has_to_wait(serve):
    client = serve(replace(CONFIGURATION, limits=Limits(requests_per_s=1)))
    statuses = [client.get("/api/v3/health").status_code for _ in range(8)]
    assert statuses[:5] == [200] * 5
    assert statuses[-1] == 429


def test_wrong_tokens_are_slowed_down_and_right_ones_are_not(serve, bearer):
    client = serve(replace(CONFIGURATION, limits=Limits(failed_logins=3)))
    wrong = {"Authorization": "Bearer wrong"}
    statuses = [client.get("/api/v3/runs", headers=wrong).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert client.get("/api/v3/runs", headers=bearer).status_code == 200


def test_an_address_of_the_list_needs_no_token_and_has_its_scope(serve):
    networks = ((ip_network("192.0.2.0/24"), Scope.READ),)
    configuration = replace(CONFIGURATION, networks=networks)
    inside = serve(configuration)
    assert inside.get("/api/v3/runs").status_code == 200
    assert inside.post("/api/v3/try").status_code == 403
    assert inside.get("/api/v3/runs", headers={"Authorization": "Bearer no"}).status_code == 401
    assert serve(configuration, ("::ffff:192.0.2.9", 1)).get("/api/v3/runs").status_code == 200
    outside = serve(configuration, ("198.51.100.1", 1))
    told = {"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
    assert outside.get("/api/v3/runs", headers=told).status_code == 401


def test_every_answer_tells_browsers_to_trust_nothing_else(serve):
    for answer in (serve().get("/api/v3/health"), serve().get("/x", headers={"Host": "evil.com"})):
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_what_changes_something_and_what_is_refused_is_in_the_audit(serve, bearer, store):
    client = serve()
    client.get("/api/v3/runs", headers=bearer)
    client.post("/api/v3/try", headers=bearer)
    client.post("/api/v3/try", headers={"Origin": "http://evil.com", **bearer})
    client.get("/api/v3/runs", headers={"Authorization": "Bearer wrong"})
    kept = [(entry.who, entry.address, entry.what, entry.outcome) for entry in store.audit()]
    assert kept[::-1] == [
        ("jenkins", "192.0.2.7", "POST /api/v3/try", "200"),
        ("-", "192.0.2.7", "POST /api/v3/try", "403"),
        ("-", "192.0.2.7", "GET /api/v3/runs", "401"),
    ]


def an_entry(at_s):
    return AuditEntry(at_s=at_s, who="old", address="192.0.2.1", what="POST /x", outcome="200")


def test_the_audit_forgets_what_is_older_than_the_configuration_says(serve, bearer, store):
    now_s = time.time()
    for age_s in (10 * DAY_S, 2 * DAY_S, 0.5 * DAY_S):
        store.add_audit(an_entry(now_s - age_s))
    serve().post("/api/v3/try", headers=bearer)
    assert len(store.audit()) == 4
    serve(replace(CONFIGURATION, keep_audit_s=DAY_S)).post("/api/v3/try", headers=bearer)
    assert [entry.who for entry in store.audit()] == ["jenkins", "jenkins", "old"]
    assert store.prune_audit(before_s=now_s) == 1
    assert [entry.who for entry in store.audit()] == ["jenkins", "jenkins"]


def test_a_path_forges_no_line(serve, store, caplog):
    caplog.set_level(logging.INFO)
    serve().post("/x%0d%0aINFO%20forged?a=%0d%0aINFO%20forged")
    (entry,) = store.audit()
    assert entry.what == "POST /x%0d%0aINFO%20forged"
    assert not [line for line in caplog.text.splitlines() if line.startswith("INFO forged")]


def test_a_flood_of_strangers_does_not_fill_the_audit(serve, store):
    client = serve()
    for _ in range(100):
        client.post("/api/v3/try")
    assert 55 <= len(store.audit(limit=1000)) <= 70


def test_no_secret_is_written_anywhere(serve, store, settings, caplog):
    caplog.set_level(logging.DEBUG)
    _, secret = tokens.add_token(store, "jenkins", Scope.RUN)
    basic = base64.b64encode(f"storperf:{secret}".encode()).decode()
    client = serve()
    texts = []
    for header in (f"Bearer {secret}", f"Basic {basic}", f"Digest {secret}", f"Bearer x{secret}"):
        for method, path in (("GET", "/api/v3/runs"), ("POST", "/api/v3/try"), ("POST", "/no")):
            answer = client.request(method, path, headers={"Authorization": header})
            texts.append(answer.text + repr(answer.headers))
    client.post(f"/api/v3/try?token={secret}")
    client.post(f"/api/v3/{secret}")
    client.post("/login", data={"token": f"x{secret}"})
    answer = client.post("/login", data={"token": secret})
    session = answer.cookies["storperf_session"]
    client.cookies.clear()
    ours = [each.getMessage() for each in caplog.records if not each.name.startswith("http")]
    texts += ["\n".join(ours), repr(store.audit(limit=1000)), repr(store.tokens())]
    kept = b"".join(path.read_bytes() for path in settings.results.rglob("*") if path.is_file())
    for hidden in (secret, basic, session):
        assert hidden not in "".join(texts)
        assert hidden.encode() not in kept
