"""Letters outlive the program, and none is kept twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storperf.errors import StoreError, UsageError
from storperf.hooks.opnfv_server import results_address
from storperf.hooks.outbox import LetterState, Outbox, new_letter

URL = "http://127.0.0.1:9/api/v1/results"


def test_a_kept_letter_is_found_again_as_it_was(tmp_path):
    letter = new_letter(URL, "run-1", {"criteria": "PASS", "details": {"a": [1, None, "ü"]}})
    Outbox(tmp_path / "box").keep(letter)
    assert Outbox(tmp_path / "box").find(letter.id) == letter
    assert Outbox(tmp_path / "box").waiting() == (letter,)


def test_the_same_document_for_the_same_address_is_one_letter():
    letter = new_letter(URL, "run-1", {"a": 1, "b": 2})
    assert new_letter(URL, "run-1", {"b": 2, "a": 1}).id == letter.id
    assert new_letter(f"{URL}x", "run-1", {"a": 1, "b": 2}).id != letter.id
    assert new_letter(URL, "run-1", {"a": 1, "b": 3}).id != letter.id


def test_what_was_sent_or_refused_does_not_wait(tmp_path):
    box = Outbox(tmp_path)
    for number, state in enumerate(LetterState):
        box.keep(replace(new_letter(URL, f"run-{number}", {}), state=state))
    assert [each.state for each in box.waiting()] == [LetterState.WAITING]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"schema": "other/1"}', '{"schema": "storperf-letter/1"}']
)
def test_a_damaged_letter_is_named(tmp_path, text):
    path = tmp_path / "run-1-0.json"
    path.write_text(text)
    with pytest.raises(StoreError, match="move it away"):
        Outbox(tmp_path).waiting()


def test_an_address_may_end_before_or_with_results():
    assert results_address("http://host/api/v1/") == "http://host/api/v1/results"
    assert results_address("https://host:8000/results") == "https://host:8000/results"


@pytest.mark.parametrize(
    "url", ["", "host/api", "ftp://host/", "file:///etc/passwd", "http://", "http://h/?a=b"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(UsageError):
        results_address(url)


def test_a_password_in_an_address_is_refused_and_not_said():
    with pytest.raises(UsageError, match="netrc") as caught:
        results_address("https://me:secret@host/api/v1")
    assert "secret" not in caught.value.message
