"""The texts of /proc and of cgroups as kernels of twenty years write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.agent import proc_texts
from storperf.agent.proc_texts import DEVICE_FIELDS

PROC = Path(__file__).parents[2] / "fixtures" / "proc"
NET = "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes\n"


def text(kernel, name):
    return (PROC / kernel / name).read_text(encoding="ascii")


@pytest.mark.parametrize(
    ("kernel", "disk", "count"),
    [("2.6.18", "sda", 11), ("2.6.32", "sda", 11), ("4.19", "nvme0n1", 15), ("6.1", "vda", 17)],
)
def test_each_kernel_has_the_fields_that_it_has(kernel, disk, count):
    found = proc_texts.parse_diskstats(text(kernel, "diskstats"))[disk]
    assert tuple(found) == DEVICE_FIELDS[:count]


def test_every_field_of_a_modern_disk_is_in_its_place():
    assert proc_texts.parse_diskstats(text("6.1", "diskstats"))["vda"] == {
        "reads": 31042,
        "read_merges": 8431,
        "read_sectors": 2150498,
        "read_ms": 9120,
        "writes": 221900,
        "write_merges": 140221,
        "write_sectors": 9911680,
        "write_ms": 201330,
        "in_flight": 3,
        "busy_ms": 120044,
        "queue_ms": 214100,
        "discards": 612,
        "discard_merges": 0,
        "discard_sectors": 20971520,
        "discard_ms": 310,
        "flushes": 5100,
        "flush_ms": 3340,
    }


def test_a_partition_of_a_very_old_kernel_has_four_fields():
    found = proc_texts.parse_diskstats(text("2.6.18", "diskstats"))
    assert found["sda2"] == {
        "reads": 107640,
        "read_sectors": 2896436,
        "writes": 3284441,
        "write_sectors": 26275528,
    }


def test_a_kernel_of_the_future_has_more_fields_that_nobody_knows():
    line = text("6.1", "diskstats").splitlines()[0]
    found = proc_texts.parse_diskstats(line + " 5 6 7")
    assert found == proc_texts.parse_diskstats(line)


def test_a_disk_that_is_not_wanted_is_not_even_read():
    text = "7 0 loop0 these are no numbers\n8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n"
    assert list(proc_texts.parse_diskstats(text, "sda".__eq__)) == ["sda"]
    with pytest.raises(ValueError, match="these"):
        proc_texts.parse_diskstats(text)


def test_an_old_kernel_knows_fewer_states_of_a_cpu():
    old = proc_texts.parse_stat(text("2.6.18", "stat"))
    assert "cpu.softirq" in old
    assert "cpu.steal" not in old
    assert old["cpu.context_switches"] == 1990473
    new = proc_texts.parse_stat(text("6.1", "stat"))
    assert new["cpu.steal"] == 5210 / proc_texts.TICKS_PER_S


def test_cores_have_lines_of_their_own():
    assert proc_texts.parse_cores(text("2.6.18", "stat")) == {
        "cpu0": [1132, 34, 1441, 11311718, 3675, 127, 438],
        "cpu1": [1123, 0, 849, 11313845, 2614, 0, 18],
    }
    assert len(proc_texts.parse_cores(text("6.1", "stat"))["cpu0"]) == 8


def test_tasks_that_wait_for_io_are_counted():
    assert proc_texts.parse_blocked(text("2.6.18", "stat")) == {"load.blocked": 2.0}
    assert proc_texts.parse_blocked("cpu 1 2\n") == {}


def test_an_old_kernel_estimates_no_available_memory():
    found = proc_texts.parse_meminfo(text("2.6.18", "meminfo"))
    assert found["memory.cached_bytes"] == 640388 * 1024
    assert "memory.available_bytes" not in found


def test_load_has_three_means_and_the_runnable_tasks():
    assert proc_texts.parse_loadavg(text("2.6.18", "loadavg")) == {
        "load.1m": 0.2,
        "load.5m": 0.18,
        "load.15m": 0.12,
        "load.runnable": 1.0,
    }


def test_both_ways_errors_and_drops_are_added_up():
    assert proc_texts.parse_net_dev(text("2.6.18", "net/dev")) == {
        "eth0": {
            "receive_bytes": 15475140,
            "receive_packets": 20721,
            "transmit_bytes": 1103404,
            "transmit_packets": 9000,
            "errors": 1 + 3,
            "drops": 2 + 4,
        }
    }


@pytest.mark.parametrize("interface", ["eth0", "eth0.100", "a:b", "veth@x"])
def test_interfaces_have_odd_names(interface):
    numbers = " ".join(map(str, range(1, 17)))
    found = proc_texts.parse_net_dev(NET + f"  {interface}: {numbers}\n    lo: {numbers}\n")
    assert list(found) == [interface]


@pytest.mark.parametrize(
    ("kernel", "kind", "found"),
    [
        ("6.1", "cpu", {"some": 2.5, "full": 0.001}),
        ("6.1", "irq", {"full": 0.000077}),
        ("4.19", "cpu", {"some": 0.000005}),
    ],
)
def test_pressure_is_seconds_waited(kernel, kind, found):
    assert proc_texts.parse_pressure(text(kernel, f"pressure/{kind}")) == found


def test_throttling_is_told_in_seconds_by_both_kinds_of_cgroups():
    v1 = "nr_periods 400\nnr_throttled 100\nthrottled_time 2500000000\n"
    v2 = "usage_usec 9\nnr_periods 400\nnr_throttled 100\nthrottled_usec 2500000\nnr_bursts 0\n"
    found = {"periods": 400.0, "throttled_periods": 100.0, "throttled": 2.5}
    assert proc_texts.parse_throttling(v1) == found
    assert proc_texts.parse_throttling(v2) == found


def test_a_cgroup_without_a_limit_throttles_nobody():
    assert proc_texts.parse_throttling("nr_periods 0\nnr_throttled 0\nthrottled_time 0\n") == {}
    assert proc_texts.parse_throttling("usage_usec 5\nuser_usec 3\nsystem_usec 2\n") == {}


@given(st.text(max_size=200))
def test_no_text_is_anything_but_figures_or_a_known_error(text):
    parsers = ("stat", "blocked", "pressure", "throttling", "meminfo", "loadavg")
    for parser in parsers:
        try:
            found = getattr(proc_texts, "parse_" + parser)(text)
        except (ValueError, LookupError):
            continue
        assert all(isinstance(value, float) for value in found.values())
    for parser in ("diskstats", "net_dev"):
        try:
            found = getattr(proc_texts, "parse_" + parser)(text)
        except (ValueError, LookupError):
            continue
        assert all(isinstance(each, int) for one in found.values() for each in one.values())
