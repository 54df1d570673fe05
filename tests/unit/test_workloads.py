"""The shipped workloads are those of the earlier StorPerf."""

from __future__ import annotations

from pathlib import Path

import pytest

from storperf.fio.options import PINNED, option_fault
from storperf.model.job import Op
from storperf.workloads.reference import render_reference
from storperf.workloads.shipped import DESCRIPTIONS, WORKLOADS

PAGE = Path(__file__).parents[2] / "docs/reference/workloads.md"


@pytest.mark.parametrize(
    ("name", "rw", "ops", "judged"),
    [
        ("rr", "randread", (Op.READ,), "iops"),
        ("rs", "read", (Op.READ,), "bandwidth"),
        ("wr", "randwrite", (Op.WRITE,), "iops"),
        ("ws", "write", (Op.WRITE,), "bandwidth"),
        ("rw", "rw", (Op.READ, Op.WRITE), "bandwidth"),
    ],
)
def test_a_shipped_workload_has_storperfs_meaning(name, rw, ops, judged):
    workload = WORKLOADS[name]
    assert (workload.name, workload.rw, workload.ops) == (name, rw, ops)
    assert workload.judged_metric == judged


def test_the_mix_is_70_percent_reads_and_sequential():
    assert WORKLOADS["rw"].option("rwmixread") == "70"
    assert not WORKLOADS["rw"].is_random


def test_the_honest_names_of_the_mixes_say_what_they_are():
    assert WORKLOADS["sequential-mix"].options == WORKLOADS["rw"].options
    assert WORKLOADS["random-mix"].is_random


def test_every_workload_is_described():
    assert list(WORKLOADS) == list(DESCRIPTIONS)


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=list(WORKLOADS))
def test_a_shipped_workload_needs_no_permission_and_pins_nothing(workload):
    for key, value in workload.options:
        assert option_fault(key, value, unsafe_allowed=False) is None
        assert key not in PINNED


def test_the_page_is_not_stale():
    assert PAGE.read_text() == render_reference()
