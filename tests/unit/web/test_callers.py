"""Who may ask: tokens by Bearer or Basic, their scope and their end."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from storperf.model.access import Scope, Token
from storperf.service import open_store
from storperf.settings import read_settings
from storperf.tokens import digest_of
from storperf.web.app import create_app


@pytest.fixture
def settings(tmp_path):
    return read_settings({"HOME": str(tmp_path)}, Path(tmp_path))


@pytest.fixture
def client(settings):
    with TestClient(create_app(settings)) as client:
        yield client


def add(settings, secret, scope=Scope.READ, **times):
    with open_store(settings) as store:
        store.add_token(
            Token(
                id=f"token-{digest_of(secret)[:8]}",
                name="somebody",
                digest=digest_of(secret),
                scope=scope,
                created_s=time.time(),
                **times,
            )
        )


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def asked(client, authorization=None):
    headers = {} if authorization is None else {"Authorization": authorization}
    return client.get("/api/v3/runs", headers=headers).status_code


def test_a_token_opens_as_bearer_and_as_password_of_basic(client, settings):
    add(settings, "geheim")
    assert asked(client, "Bearer geheim") == 200
    assert asked(client, basic("anybody", "geheim")) == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer wrong",
        "Basic",
        "Basic !",
        "Basic /w==",
        basic("geheim", ""),
        "Digest geheim",
        "geheim",
    ],
)
def test_without_a_token_nothing_opens(client, settings, header):
    add(settings, "geheim")
    assert asked(client, header) == 401


def test_an_expired_or_revoked_token_opens_nothing(client, settings):
    add(settings, "old", expires_s=time.time() - 1)
    add(settings, "good", expires_s=time.time() + 60)
    add(settings, "gone", revoked_s=time.time())
    assert [asked(client, f"Bearer {each}") for each in ("old", "good", "gone")] == [401, 200, 401]


def test_the_store_keeps_no_secret(client, settings):
    add(settings, "geheim-und-lang")
    with open_store(settings) as store:
        (token,) = store.tokens()
        assert token.digest == digest_of("geheim-und-lang")
    kept = b"".join(path.read_bytes() for path in settings.results.glob("storperf.sqlite3*"))
    assert kept.count(b"somebody") == 1
