"""Whatever is sent to the compatible API: an answer in its form, and never an error of ours."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from unit.web.old_clients import serving

from storperf.model.access import Scope

WORDS = some.sampled_from(
    [
        "rr",
        "_warm_up",
        "4096",
        "1,4",
        "/dev/vdb",
        "10.0.0.5",
        "xfs -f",
        "",
        "0",
        "-1",
        "1e400",
        "${A}",
    ]
)
TEXTS = some.text(max_size=30) | WORDS
NUMBERS = some.integers() | some.floats() | some.booleans()
PLAIN = some.none() | NUMBERS | TEXTS
JSON = some.recursive(
    PLAIN,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
OPTIONS = some.dictionaries(
    some.sampled_from(["rw", "bs", "size", "nrfiles", "runtime", "ioengine", "direct", "exec"])
    | TEXTS,
    JSON,
    max_size=5,
)
KEYS = (
    *("target", "deadline", "steady_state_samples", "workload", "queue_depths", "block_sizes"),
    *("stack_name", "metadata", "slave_addresses", "username", "password", "ssh_private_key"),
    *("mkfs", "mount_device", "filesize", "nrfiles", "numjobs"),
    *("agent_count", "volume_size", "agent_image", "subnet_CIDR", "availability_zone"),
)
BODIES = some.builds(
    lambda plain, own: plain | ({} if own is None else {"workloads": own}),
    some.dictionaries(some.sampled_from(KEYS), JSON, max_size=6),
    some.none() | JSON | some.dictionaries(TEXTS, OPTIONS, max_size=3),
)
POSTS = ("v1.0/jobs", "v2.0/jobs", "v1.0/initializations", "v1.0/configurations")
EXPECTED = {200, 400, 404, 409}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzzed")
    with serving(folder) as server:
        server.configure(folder / "scratch")
        yield server


def assert_in_form(answer):
    assert answer.status_code in EXPECTED, answer.text
    told = json.loads(answer.text)
    if answer.status_code != 200:
        assert told["message"].startswith("ERROR") or told["message"]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=some.sampled_from(POSTS), content=BODIES | JSON)
def test_no_body_is_an_error_of_ours(server, path, content):
    answer = server.ask("POST", path, content)
    assert_in_form(answer)
    if answer.status_code == 200:
        server.ask("DELETE", "v1.0/jobs")


@settings(max_examples=150, deadline=None)
@given(
    path=some.sampled_from(["v1.0/jobs", "v2.0/jobs", "v1.0/logs", "v1.0/configurations"]),
    query=some.dictionaries(
        some.sampled_from(["id", "job_id", "type", "lines", "stack_name"]), TEXTS, max_size=3
    ),
)
def test_no_question_is_an_error_of_ours(server, path, query):
    headers = {"Authorization": f"Bearer secret-{Scope.READ}"}
    params = {key: text.encode("utf-8", "replace").decode() for key, text in query.items()}
    assert_in_form(server.client.get(f"/api/{path}", params=params, headers=headers))
