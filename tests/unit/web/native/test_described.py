"""The OpenAPI document is true: whatever it allows is answered in a form that it says."""

from __future__ import annotations

import jsonschema
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from schemathesis.core import NOT_SET
from unit.web.native.callers import as_caller
from unit.web.native.conftest import FIO, RESULTS

from storperf import service
from storperf.model.access import Scope
from storperf.settings import read_settings
from storperf.web.app import create_app
from storperf.web.native.described import openapi

DOCUMENT = openapi()
OPERATIONS = [found.ok() for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]
CASES = some.one_of([operation.as_strategy() for operation in OPERATIONS])


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A client of each scope, over one store with runs, and the ids of these."""
    folder = tmp_path_factory.mktemp("described")
    chosen = read_settings({"HOME": str(folder)}, folder)
    paths = [FIO / name for name in RESULTS]
    service.import_results(chosen, paths, job="imported", lab="local", dry_run=False)
    runs = [run.id for run in service.list_runs(chosen)]
    with TestClient(create_app(chosen), raise_server_exceptions=False) as first:
        others = [TestClient(first.app, raise_server_exceptions=False) for _ in range(2)]
        clients = [first, *others]
        for client, scope in zip(clients, Scope, strict=True):
            as_caller(client, chosen, scope)
        yield clients, runs


def described(method, template, status):
    """What the document says of an answer: its content by media type."""
    answers = DOCUMENT["paths"][template][method.lower()]["responses"]
    assert str(status) in answers, f"{method} {template} may not answer {status}"
    return answers[str(status)].get("content", {})


def assert_as_described(case, answer):
    content = described(case.method, case.path, answer.status_code)
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if not content:
        assert not answer.content
    elif kind == "application/json" and "application/json" in content:
        schema = {**content["application/json"]["schema"], "components": DOCUMENT["components"]}
        if schema.get("type") != "string":
            jsonschema.validate(answer.json(), schema)
    else:
        assert kind in content or "application/octet-stream" in content, kind


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(case=CASES, place=some.integers(0, 3), who=some.integers(0, 2))
def test_every_answer_has_a_form_that_the_document_says(crowd, case, place, who):
    clients, runs = crowd
    if "run" in case.path_parameters and place < len(runs):
        case.path_parameters["run"] = runs[place]
    sent = {} if case.body is NOT_SET else {"json": case.body}
    headers = {str(name): str(value) for name, value in (case.headers or {}).items()}
    headers.pop("Authorization", None)
    query = {name: value for name, value in (case.query or {}).items() if value is not None}
    answer = clients[who].request(
        case.method, case.formatted_path, params=query, headers=headers, **sent
    )
    assert answer.status_code < 500, answer.text
    assert_as_described(case, answer)


def test_each_operation_says_what_it_does_and_how_it_may_fail():
    assert DOCUMENT["openapi"].startswith("3.1")
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], (method, path)
            failures = {status for status in operation["responses"] if status >= "400"}
            assert failures >= {"400", "401", "403", "404", "409", "413", "422", "429", "500"}
            for status in failures:
                content = operation["responses"][status]["content"]["application/json"]
                assert content["schema"]["$ref"].endswith("/ErrorDocument")
