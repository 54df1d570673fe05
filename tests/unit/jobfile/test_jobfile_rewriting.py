"""Keys that a command adds to a job's text."""

from __future__ import annotations

import pytest

from storperf.jobfile.parse import parse_job
from storperf.jobfile.rewriting import with_stack_keys

TEXT = """
name: '010'
provider: {kind: heat, stack: {image: i, flavor: f, network: n}}
target: {volume: {size: 1G}}
workloads: [rr]
matrix: {queue_depth: 010}
"""


def test_the_keys_are_there_and_all_else_is_as_it_was():
    text = TEXT.replace("010}", "10}").replace("rr]", "{name: 'a$${b', rw: read}]")
    before = parse_job(text, source="x")
    after = parse_job(with_stack_keys(text, {"attach": "s", "keep": True}), source="x")
    assert after.provider.stack.attach == "s"
    assert after.provider.stack.keep
    assert (after.name, after.workloads, after.matrix) == (
        before.name,
        before.workloads,
        before.matrix,
    )


def test_a_job_without_a_stack_is_refused():
    with pytest.raises(ValueError, match=r"no `provider\.stack`"):
        with_stack_keys("name: n\ntarget: {directory: d}\nworkloads: [rr]\n", {"attach": "s"})
