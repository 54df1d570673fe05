"""Where the limits lie that hold an agent back, in v1, v2, hybrid hosts and containers."""

from __future__ import annotations

import pytest

from storperf.agent import cgroups

V2 = "29 23 0:26 / {point} rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "33 25 0:29 {root} {point} rw shared:15 - cgroup cgroup rw,cpu,cpuacct\n"
OTHER = "34 25 0:30 / /sys/fs/cgroup/memory rw shared:16 - cgroup cgroup rw,memory\n"


@pytest.fixture
def host(tmp_path):
    """A made-up host: `proc` and a tree of cgroups."""
    (tmp_path / "proc/self").mkdir(parents=True)

    def make(mounts, own, *folders):
        point = tmp_path / "cg"
        for folder in folders:
            (point / folder).mkdir(parents=True, exist_ok=True)
            (point / folder / "cpu.stat").write_text("nr_periods 0\n")
        (tmp_path / "proc/self/mountinfo").write_text(mounts.replace("{point}", str(point)))
        (tmp_path / "proc/self/cgroup").write_text(own)
        found = cgroups.stat_files(str(tmp_path / "proc"))
        return [path.removeprefix(f"{point}/").removesuffix("cpu.stat") for path in found]

    return make


def test_in_v2_every_cgroup_above_may_hold_it_back(host):
    folders = ("user.slice/session-3.scope", "user.slice", "system.slice")
    assert host(V2, "0::/user.slice/session-3.scope\n", *folders) == [
        *("user.slice/session-3.scope/", "user.slice/")
    ]


def test_in_v1_only_the_cpu_controller_counts(host):
    own = "9:memory:/elsewhere\n4:cpu,cpuacct:/batch/job1\n1:name=systemd:/x\n0::/x\n"
    mounts = V1.replace("{root}", "/") + OTHER
    assert host(mounts, own, "batch/job1", "batch", "") == ["batch/job1/", "batch/", ""]


def test_in_a_container_the_mount_begins_at_its_own_cgroup(host):
    mounts = V1.replace("{root}", "/docker/abc")
    assert host(mounts, "4:cpu,cpuacct:/docker/abc\n", "") == [""]


def test_of_a_cgroup_outside_of_the_namespace_only_the_top_is_seen(host):
    assert host(V2, "0::/../../other\n", "") == [""]


def test_a_host_without_cgroups_has_none(tmp_path):
    assert cgroups.stat_files(str(tmp_path)) == []


@pytest.mark.parametrize("text", ["rubbish", "1:2", ":::::", "\n\n"])
def test_rubbish_is_no_cgroup(host, text):
    assert host(text, text) == []
