"""What a lab's series take in Graphite is known before its first run."""

from __future__ import annotations

import json

import pytest

from storperf.graphite.planned import plan_lab, planned_series
from storperf.graphite.retention import OURS, Schema
from storperf.jobfile.parse import parse_job
from storperf.plan import plan_job
from storperf.sinks.paths import parse_path, render_path

SMALL = (
    "name: small\ntarget: {directory: /x, size: 16M}\nworkloads: [rr]\nmatrix: {queue_depth: 1}\n"
)
# 10 workloads x 5 depths, half of them in both directions, by 100 agents.
LAB = json.dumps(
    {
        "name": "nightly",
        "lab": "rack-7",
        "provider": {"kind": "ssh", "hosts": [f"host-{n}" for n in range(100)]},
        "target": {"directory": "/mnt/x", "size": "10G"},
        "workloads": [
            {"name": f"w{n}", "rw": "randrw" if n % 2 else "randread"} for n in range(10)
        ],
        "matrix": {"queue_depth": [1, 2, 4, 8, 16], "agents": 100},
    }
)
SENSORS = [f"disk.vda{n}.reads" for n in range(120)]


def planned(text, sensors=SENSORS):
    job = parse_job(text, source="a test")
    return job, plan_job(job), plan_lab(job, plan_job(job), sensors)


def test_a_lab_of_100_agents_and_50_steps_stays_below_20000_files_and_20_gb():
    _, _, lab = planned(LAB)
    assert (lab.agents, lab.steps) == (100, 50)
    assert 8000 < lab.files < 20_000
    assert lab.size_bytes < 20e9


def test_every_file_has_a_name_of_its_own_that_names_no_run():
    job, plan, lab = planned(LAB)
    paths = [render_path(each) for each in planned_series(job, plan, SENSORS)]
    assert len(set(paths)) == len(paths) == lab.files
    assert all(render_path(parse_path(path)) == path for path in paths)


def test_observed_hosts_and_probes_are_counted():
    watched = (
        "observe: [local, osd-2]\nprobes:\n"
        "  - {name: q, command: [x], pattern: '(?P<a>.)(?P<b>.)', hosts: observe}\n"
        "  - {name: disk, nagios: [x]}\n"
    )
    _, _, plain = planned(SMALL)
    job, plan, lab = planned(SMALL + watched)
    # Two hosts with all sensors and three figures; on the agent the plugin's status.
    assert lab.files - plain.files == 2 * (len(SENSORS) + 3) + 1
    paths = {render_path(each) for each in planned_series(job, plan, SENSORS)}
    assert "storperf.live.local.small.candidate.observed-02.host.probe.q.b" in paths
    assert "storperf.live.local.small.candidate.agent-01.host.probe.q.b" not in paths


def test_repeats_and_rounds_make_no_series():
    _, _, once = planned(SMALL)
    _, _, often = planned(SMALL + "repeats: 5\n")
    assert once.files == often.files


def test_the_steps_that_a_search_may_add_are_counted():
    text = SMALL.replace("matrix: {queue_depth: 1}", "search: {queue_depth: {at_most: 8}}")
    assert planned(text)[2].steps == 4


@pytest.mark.parametrize(
    ("retentions", "size"), [("1s:1m", 16 + 12 + 60 * 12), ("1s:1d,10s:14d", 2_488_360)]
)
def test_a_files_size_is_that_of_its_points_and_headers(retentions, size):
    assert Schema(name="x", pattern="", retentions=retentions).file_bytes == size


def test_a_schema_knows_what_is_left_of_an_age():
    schema = Schema(name="x", pattern="", retentions="1s:1d,10s:14d")
    assert [schema.resolution_s(days * 86400) for days in (0, 1, 1.01, 14, 14.1)] == [
        1,
        1,
        10,
        10,
        None,
    ]


def test_each_schema_says_why():
    assert all(schema.why for schema in OURS)
