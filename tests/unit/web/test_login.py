"""How a browser logs in and out."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from storperf import tokens
from storperf.model.access import Scope
from storperf.service import open_store
from storperf.settings import read_settings
from storperf.web.app import create_app
from storperf.web.callers import COOKIE, Reader


@pytest.fixture
def settings(tmp_path):
    return read_settings({"HOME": str(tmp_path)}, Path(tmp_path))


@pytest.fixture
def store(settings):
    with open_store(settings) as store:
        yield store


@pytest.fixture
def token(store):
    return tokens.add_token(store, "ada", Scope.READ)


@pytest.fixture
def client(settings):
    app = create_app(settings)

    @app.get("/try")
    def page(caller: Reader):
        return {"who": caller.name}

    with TestClient(app, base_url="https://bench", follow_redirects=False) as client:
        yield client


def log_in(client, secret, path="/login"):
    return client.post(path, data={"token": secret})


def test_a_browser_is_led_to_the_form_and_back(client, token):
    asked = client.get("/try", headers={"Accept": "text/html"})
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/try")
    assert "<form" in client.get("/login").text
    answer = log_in(client, token[1], "/login?next=/try")
    assert (answer.status_code, answer.headers["location"]) == (303, "/try")
    assert client.get("/try").json() == {"who": "ada"}


def test_a_program_gets_401(client):
    assert client.get("/try").status_code == 401
    assert client.get("/api/v3/runs", headers={"Accept": "text/html"}).status_code == 401


def test_the_session_is_hidden_from_scripts_and_other_sites(client, token):
    cookie = log_in(client, token[1]).headers["set-cookie"]
    for word in ("HttpOnly", "SameSite=strict", "Secure", "Path=/"):
        assert word in cookie
    assert token[1] not in cookie


def test_a_wrong_token_opens_no_session(client):
    for wrong in ("", "wrong"):
        answer = log_in(client, wrong)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        assert 'role="alert">' in answer.text


def test_a_session_ends_with_its_token(client, store, token):
    log_in(client, token[1])
    tokens.revoke(store, token[0].id)
    assert client.get("/try").status_code == 401


def test_a_session_opens_no_other_session(client, token):
    log_in(client, token[1])
    assert log_in(client, client.cookies[COOKIE]).status_code == 401


def test_who_logs_out_is_out(client, store, token):
    log_in(client, token[1])
    session = client.cookies[COOKIE]
    client.post("/logout")
    assert client.get("/try", headers={"Cookie": f"{COOKIE}={session}"}).status_code == 401
    assert tokens.valid_token(store, token[1]) is not None


def test_a_session_lasts_no_longer_than_its_token(store):
    token, _ = tokens.add_token(store, "short", Scope.READ, expires_s=2e9)
    tokens.open_session(store, token)
    session = store.tokens()[-1]
    assert session.expires_s < token.expires_s
    brief, _ = tokens.add_token(store, "brief", Scope.READ, expires_s=token.created_s + 60)
    tokens.open_session(store, brief)
    assert store.tokens()[-1].expires_s == brief.expires_s


@pytest.mark.parametrize(
    "next_page",
    ["//evil.com", "/\\evil.com", "https://evil.com", "/a%0d%0aSet-Cookie:x", "javascript:x", ""],
)
def test_nobody_is_led_to_another_place(client, token, next_page):
    answer = log_in(client, token[1], f"/login?next={next_page}")
    assert answer.headers["location"] == "/"
