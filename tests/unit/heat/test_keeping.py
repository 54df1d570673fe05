"""`storperf run --keep`: a job whose stack stays, and jobs that make none."""

from __future__ import annotations

import pytest

from storperf import clouds
from storperf.errors import UsageError
from storperf.jobfile.parse import parse_job
from storperf.plan import plan_job
from storperf.settings import read_settings

HEAT = """
# ours
name: n
target: {volume: {size: 1G}}
workloads: [rr]
provider: {kind: heat, stack: {image: i, flavor: f, network: n}}
"""


def test_the_stack_of_a_job_is_kept_and_nothing_else_is_changed(tmp_path):
    job = parse_job(HEAT, source="x")
    kept = clouds.keeping_stack(read_settings({"HOME": str(tmp_path)}, tmp_path), job, tmp_path)
    assert kept.provider.stack.keep
    assert not job.provider.stack.keep
    # What a run keeps says so too: a manager that resumes it reads its job there.
    assert parse_job(kept.text, source="x").provider.stack.keep
    assert plan_job(kept) == plan_job(job)


def test_a_job_that_makes_no_stack_has_none_to_keep(tmp_path):
    job = parse_job("name: n\ntarget: {directory: d, size: 1G}\nworkloads: [rr]\n", source="x")
    with pytest.raises(UsageError, match="the provider local, which makes no stack"):
        clouds.keeping_stack(read_settings({"HOME": str(tmp_path)}, tmp_path), job, tmp_path)
