"""The keys `probes` and `observe`: commands, schedules, hosts, and who may write them."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from storperf.engine.job_files import place_targets
from storperf.engine.offered_probes import _load
from storperf.errors import JobFileError, UsageError
from storperf.jobfile.parse import parse_job
from storperf.jobfile.probe_section import read_schedule
from storperf.model.host import SshHost
from storperf.model.job import Origin
from storperf.model.probe import ObservedHost, Probe, ProbeHosts
from storperf.plan import plan_job

TEXT = "name: n\ntarget: {directory: /data}\nworkloads: [rr]\n"
PROBES = """
probes:
  - name: queue
    command: [ceph, -s, 10]
    pattern: '(?P<queue>\\d+) waiting'
    every: 1s for 10s each 1m
    timeout: 500ms
    hosts: agents
  - {name: disk, nagios: [/usr/lib/nagios/check_disk, -w, 10%]}
"""
OFFERED = {
    "ceph_health": {"nagios": ["check_ceph"], "every": "1m"},
    "smart": {"command": ["smartctl", "-A", "/dev/sda"], "pattern": r"Wear (?P<wear>\d+)"},
}


def faults_of(text, **more):
    with pytest.raises(JobFileError) as caught:
        parse_job(TEXT + text, source="x", **more)
    return " / ".join(caught.value.faults)


def job_of(text, **more):
    return parse_job(TEXT + text, source="x", **more)


def test_a_probe_is_a_command_with_a_pattern_or_a_plugin():
    job = job_of(PROBES)
    assert job.probes == (
        Probe(
            name="queue",
            argv=("ceph", "-s", "10"),
            pattern=r"(?P<queue>\d+) waiting",
            every_s=1,
            for_s=10,
            each_s=60,
            timeout_s=0.5,
            hosts=ProbeHosts.AGENTS,
        ),
        Probe(
            name="disk",
            argv=("/usr/lib/nagios/check_disk", "-w", "10%"),
            pattern=None,
            every_s=10,
            timeout_s=5,
        ),
    )
    assert job_of("").probes == ()


def test_what_is_watched_is_no_part_of_the_fingerprint():
    plain, watched = (plan_job(job_of(text)) for text in ("", f"{PROBES}observe: [local]\n"))
    assert [s.fingerprint for s in plain.steps] == [s.fingerprint for s in watched.steps]


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("10s", (10, None, None)),
        ("250ms for 1m", (0.25, 60, None)),
        ("1s for 10s each 1m", (1, 10, 60)),
    ],
)
def test_a_schedule_is_read(text, times):
    assert read_schedule(text) == times


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("often", "often"),
        ("1s each 1m", "not of the form"),
        ("1s for 10s each 5s", "longer than its period"),
        ("20s for 10s", "shorter than what it divides"),
        ("1ms", "not between 100ms and 1d"),
        ("1s for 10s each", "not of the form"),
    ],
)
def test_a_schedule_that_is_none_is_refused(text, fault):
    assert fault in faults_of(f"probes: [{{name: a, nagios: [x], every: {text}}}]\n")


@pytest.mark.parametrize(
    ("probe", "fault"),
    [
        ("{name: a}", "needs a `command` and its `pattern`, or a `nagios` plugin"),
        ("{name: a, command: [x]}", "`command` needs a `pattern`"),
        ("{name: a, nagios: [x], command: [y]}", "leave them out"),
        ("{name: a, nagios: [x], pattern: '(?P<a>.)'}", "leave them out"),
        ("{name: a, command: [x], pattern: 'x(\\d+)'}", "needs a named group"),
        ("{name: a, command: [x], pattern: '(?P<a>'}", "no regular expression"),
        ("{name: a.b, nagios: [x]}", "no name of a probe"),
        ("{name: a, command: ceph -s, pattern: '(?P<a>.)'}", "no shell reads it"),
        ("{name: a, nagios: []}", "the list is empty"),
        ("{name: a, nagios: [x], timeout: 1h}", "not between 100ms and 10m"),
        ("{name: a, nagios: [x], hosts: some}", "not one of all, agents, observe"),
        ("{name: a, nagios: [x], hosts: observe}", "no hosts to `observe`"),
        ("{name: a, nagios: [x]}, {name: a, nagios: [y]}", "two probes are called 'a'"),
        ("{name: a, nagios: [x], evry: 1s}", "did you mean 'every'?"),
    ],
)
def test_a_probe_that_cannot_be_is_refused(probe, fault):
    assert fault in faults_of(f"probes: [{probe}]\n")


def test_an_installed_package_s_probe_is_used_by_its_name_and_stands_in_the_text_that_is_kept():
    text = "probes: [ceph_health, {probe: smart, name: wear, every: 5s}]\n"
    job = job_of(text, offered=lambda: OFFERED)
    health, wear = job.probes
    assert (health.name, health.argv, health.every_s) == ("ceph_health", ("check_ceph",), 60)
    assert (wear.name, wear.argv, wear.every_s) == ("wear", ("smartctl", "-A", "/dev/sda"), 5)
    assert parse_job(job.text, source="x").probes == job.probes


def test_what_looks_like_a_variable_in_a_command_survives_in_the_text_that_is_kept():
    text = "probes: [{name: a, command: [sh, -c, 'echo $${HOME}'], pattern: '(?P<a>.)'}]\n"
    job = job_of(text)
    assert job.probes[0].argv == ("sh", "-c", "echo ${HOME}")
    again = parse_job(job.text, source="x")
    assert again.probes == job.probes
    assert parse_job(again.text, source="x").probes == job.probes


def test_an_unknown_name_is_refused_with_the_nearest():
    assert "did you mean 'smart'?" in faults_of("probes: [smrt]\n", offered=lambda: OFFERED)
    assert "no installed package offers any" in faults_of("probes: [smart]\n")


OFFER = {"command": ["x", 5], "pattern": "(?P<a>.)", "every": 3}


def test_an_entry_point_gives_its_keys_as_a_job_file_would():
    point = EntryPoint("it", f"{__name__}:OFFER", "storperf.probes")
    assert _load(point) == {"command": ["x", "5"], "pattern": "(?P<a>.)", "every": "3"}


@pytest.mark.parametrize("value", ["no_such_package:x", "json:no_such", "json:dumps"])
def test_an_entry_point_that_leads_nowhere_is_told_by_name(value):
    with pytest.raises(UsageError, match="the probe 'it' of package"):
        _load(EntryPoint("it", value, "storperf.probes"))


def test_observed_hosts_are_hosts_or_this_machine():
    job = job_of("observe: [10.0.0.9, {address: osd, key: k, labels: {rack: '1'}}, local]\n")
    placed = place_targets(job, Path("/srv")).observe
    assert placed == (
        ObservedHost(host=SshHost(address="10.0.0.9")),
        ObservedHost(host=SshHost(address="osd", key="/srv/k", labels=(("rack", "1"),))),
        ObservedHost(host=None),
    )


@pytest.mark.parametrize(
    ("host", "fault"),
    [
        ("{address: h, target: {directory: /x}}", "runs no fio; leave `target` out"),
        ("{local: true, user: me}", "leave user out"),
        ("{address: h, key: k, password_env: P}", "exclude each other"),
        ("{adress: h}", "did you mean 'address'?"),
    ],
)
def test_an_observed_host_that_cannot_be_is_refused(host, fault):
    assert fault in faults_of(f"observe: [{host}]\n")


def test_an_untrusted_job_file_may_name_no_command_and_no_machine():
    faults = faults_of(f"{PROBES}observe: [h]\n", origin=Origin.UNTRUSTED)
    assert "may not name commands" in faults
    assert "may not name machines" in faults


HOW_TO = Path(__file__).parents[3] / "docs/how-to"
PAGES = ("write-a-probe.md", "watch-my-storage-nodes.md")
BLOCKS = [
    block
    for page in PAGES
    for block in re.findall(r"```yaml\n(.*?)```", (HOW_TO / page).read_text(), re.DOTALL)
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split()[1])
def test_the_how_to_pages_show_job_files_that_are_right(block):
    rest = "" if block.startswith("name:") else TEXT + "observe: [local]\n"
    assert parse_job(rest + block, source="x")
