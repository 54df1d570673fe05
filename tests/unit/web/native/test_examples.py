"""The pages of the native API are true: their requests are sent, their answers compared."""

from __future__ import annotations

from pathlib import Path

from tools.api_examples import exchanges

from storperf.web.native.described import openapi
from storperf.web.native.operations import GROUPS, groups, recorded
from storperf.web.native.reference import render_reference

PAGE = Path(__file__).parents[4] / "docs/reference/api-v3.md"
STALE = "run `make docs`"


def test_every_example_of_the_pages_is_true(tmp_path):
    kept = list(recorded())
    for shown, told in zip(kept, exchanges(kept, tmp_path), strict=True):
        assert told == shown, STALE


def test_every_operation_has_an_example_that_succeeds():
    operations = [each for group in groups() for each in group.operations]
    without = [
        (each.method, each.path)
        for each in operations
        if not any(example.status < 300 for example in each.examples)
    ]
    # What ends well only with another machine, or with a run whose manager was killed.
    assert without == [("POST", "/runs/{run}/resume"), ("POST", "/agents/{provider}/check")]


def test_every_operation_stands_on_the_pages_with_its_scope():
    described = {
        (method.upper(), path) for path, methods in openapi()["paths"].items() for method in methods
    }
    operations = [each for group in groups() for each in group.operations]
    assert {(each.method, f"/api/v3{each.path}") for each in operations} == described
    assert {each.scope for each in operations} == {"no token", "read", "run", "admin"}
    assert [each.name for each in groups()] == [name for name, _ in GROUPS]


def test_everything_that_an_operation_takes_is_explained():
    operations = [each for group in groups() for each in group.operations]
    assert [
        (each.path, named.name) for each in operations for named in each.takes if not named.what
    ] == []


def test_the_page_of_the_api_is_what_its_routes_say():
    assert PAGE.read_text("utf-8") == render_reference(), STALE
