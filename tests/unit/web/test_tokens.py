"""Tokens: at rest, their end, and the file that this machine's user reads."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from storperf import tokens
from storperf.errors import UnknownName, UsageError
from storperf.model.access import Scope
from storperf.service import open_store
from storperf.settings import read_settings
from storperf.token_file import read_token


@pytest.fixture
def settings(tmp_path):
    return read_settings({"HOME": str(tmp_path)}, Path(tmp_path))


@pytest.fixture
def store(settings):
    with open_store(settings) as store:
        yield store


def test_a_token_is_valid_until_it_ends_or_is_revoked(store):
    token, secret = tokens.add_token(store, "a", Scope.READ)
    assert tokens.valid_token(store, secret) == token
    _, ended = tokens.add_token(store, "b", Scope.READ, expires_s=time.time() - 1)
    assert tokens.valid_token(store, ended) is None
    tokens.revoke(store, token.id)
    assert tokens.valid_token(store, secret) is None
    with pytest.raises(UnknownName):
        tokens.revoke(store, "nobody")


@pytest.mark.parametrize("text", ["", "x", "\ud800", "' OR 1=1 --", "%", "\x00"])
def test_what_is_no_secret_opens_nothing(store, text):
    tokens.add_token(store, "a", Scope.ADMIN)
    assert tokens.valid_token(store, text) is None


@pytest.mark.parametrize("pattern", ["%", "_", "' OR '1'='1"])
def test_a_pattern_revokes_nothing(store, pattern):
    _, secret = tokens.add_token(store, "a", Scope.READ)
    with pytest.raises(UnknownName):
        tokens.revoke(store, pattern)
    assert tokens.valid_token(store, secret) is not None


@pytest.mark.parametrize("name", ["", " ", "a\r\nb", "x" * 101, "a\x1b[2J"])
def test_a_name_that_cannot_be_shown_is_refused(store, name):
    with pytest.raises(UsageError):
        tokens.add_token(store, name, Scope.READ)


def test_the_local_token_is_made_once_and_opens_everything(settings, store):
    path = tokens.ensure_local_token(settings, store)
    assert path.stat().st_mode & 0o777 == 0o600
    secret = read_token(path)
    assert tokens.valid_token(store, secret).scope is Scope.ADMIN
    assert read_token(tokens.ensure_local_token(settings, store)) == secret


def test_a_revoked_local_token_is_replaced(settings, store):
    secret = read_token(tokens.ensure_local_token(settings, store))
    tokens.revoke(store, tokens.valid_token(store, secret).id)
    fresh = read_token(tokens.ensure_local_token(settings, store))
    assert tokens.valid_token(store, fresh) is not None


def test_a_token_file_that_others_can_reach_is_not_read(settings, store, tmp_path):
    path = tokens.ensure_local_token(settings, store)
    path.chmod(0o644)
    with pytest.raises(UsageError, match="others may read"):
        read_token(path)
    path.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_token(link)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(UsageError, match="is no file"):
        read_token(pipe)
    assert read_token(tmp_path / "nothing") is None


def test_a_link_in_the_place_of_the_token_file_is_not_followed(settings, store, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    tokens.token_path(settings).symlink_to(victim)
    with pytest.raises(UsageError):
        tokens.ensure_local_token(settings, store)
    assert victim.read_text() == "untouched"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_token_file_of_somebody_else_is_not_read(settings, store):
    path = tokens.ensure_local_token(settings, store)
    os.chown(path, 12345, 12345)
    with pytest.raises(UsageError, match="somebody else"):
        read_token(path)
