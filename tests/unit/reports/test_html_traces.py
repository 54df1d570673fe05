"""What figures are drawn from: missing stays missing, and what was cut is said."""

from __future__ import annotations

import json

import numpy as np
import pytest

from storperf.model.interval import Interval, SensorSample
from storperf.model.job import Op
from storperf.reports.html_traces import MOST_POINTS, is_drawn, trial_traces, with_gaps
from storperf.stats.table import IntervalTable, SensorTable

START_S = 1_790_000_000.0
NO_SENSORS = SensorTable.from_samples(())


def a_table(seconds, op=Op.READ):
    return IntervalTable.from_intervals(
        Interval(
            trial="t001",
            attempt=1,
            agent="agent-01",
            target=0,
            op=op,
            index=index,
            start_s=START_S + index,
            end_s=START_S + index + 1,
            duration_s=1.0,
            ios=100 + index,
            bytes=4096 * (100 + index),
            clat_count=100 + index,
            clat_sum_ns=1e8,
            slat_sum_ns=0.0,
            lat_sum_ns=0.0,
            bins=((1_000_000, 100 + index),),
        )
        for index in seconds
    )


def traces_of(table, sensors=NO_SENSORS, **changes):
    more = {"interval_s": 1.0, "window_s": None} | changes
    pieces = (table.where(table.index % 3 == number) for number in range(3))
    return trial_traces(table.without_bins(), pieces, sensors, **more)


def sensors_of(*samples):
    return SensorTable.from_samples(
        SensorSample(
            trial="t001",
            agent="agent-01",
            start_s=START_S + second,
            end_s=START_S + second + 1,
            figures=tuple(figures.items()),
        )
        for second, figures in enumerate(samples)
    )


def test_a_short_series_is_drawn_as_it_was_measured():
    own = traces_of(a_table(range(5)))["ops"]["read"]
    assert own["t"] == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert own["iops"] == [100, 101, 102, 103, 104]
    assert own["p99"] == [1_000_000] * 5
    assert "iops_low" not in own


def test_a_hole_in_the_measuring_is_a_gap_and_no_zero():
    own = traces_of(a_table([0, 1, 2, 6, 7]))["ops"]["read"]
    hole = own["iops"].index(None)
    assert own["iops"][:hole] == [100, 101, 102]
    assert own["iops"][hole + 1 :] == [106, 107]
    assert own["p99"][hole] is None
    assert 0 not in own["iops"]


def test_a_long_series_has_lowest_median_and_highest_of_each_cell():
    traces = traces_of(a_table(range(4 * MOST_POINTS)))
    own = traces["ops"]["read"]
    assert traces["cell_s"] == 4.0
    assert len(own["t"]) <= MOST_POINTS + 1
    assert own["iops_low"][1] < own["iops"][1] < own["iops_high"][1]


def test_times_and_window_begin_with_the_first_interval():
    traces = traces_of(a_table(range(10)), window_s=(START_S + 3, START_S + 9.5))
    assert traces["window_s"] == [3.0, 9.5]
    assert traces["end_s"] == 10.0


def test_the_histogram_is_of_the_kept_part_alone():
    table = a_table(range(4))
    kept = traces_of(table, window_s=(START_S + 2, START_S + 4))["heat"]["read"]["kept"]
    assert sum(kept) == 102 + 103
    assert sum(traces_of(table)["heat"]["read"]["kept"]) == 406


def test_processors_are_shares_of_all_of_them():
    sensors = sensors_of({"cpu.user": 1.0, "cpu.idle": 2.0, "cpu.steal": 1.0, "cpu.iowait": 0.0})
    host = traces_of(a_table(range(1)), sensors)["host"]
    assert host["cpu busy"] == [25]
    assert host["cpu steal"] == [25]
    assert host["cpu iowait"] == [0]


def test_host_that_is_sampled_less_often_than_fio_reports_is_one_line():
    sensors = sensors_of(*[{"pressure.io.some": 0.5}] * 5)
    host = traces_of(a_table(range(5)), sensors, interval_s=0.25)["host"]
    assert host["wait io pressure"] == [50] * 5


def test_a_figure_that_the_host_lacks_is_not_drawn():
    sensors = sensors_of({"pressure.io.some": 0.5}, {})
    host = traces_of(a_table(range(2)), sensors)["host"]
    assert set(host) == {"t", "wait io pressure"}
    assert host["wait io pressure"] == [50, None]


@pytest.mark.parametrize(
    ("devices", "expected"),
    [(["sdb"], {"wait sdb busy"}), ([], {"wait sda busy", "wait sdb busy"}), (["none"], None)],
)
def test_the_device_under_the_target_is_drawn_else_the_busiest(devices, expected):
    sensors = sensors_of({"disk.sda.busy": 0.9, "disk.sdb.busy": 0.1, "disk.sdc.busy": 0.0})
    host = traces_of(a_table(range(1)), sensors, devices=devices)["host"]
    assert {name for name in host if name != "t"} == (
        expected or {"wait sda busy", "wait sdb busy"}
    )


def test_disks_that_are_named_after_their_targets_are_drawn_by_these_names():
    sensors = sensors_of({"disk.sda.busy": 0.9, "disk.target-0.busy": 0.9, "disk.sdb.busy": 1.0})
    host = traces_of(a_table(range(1)), sensors, devices=["sda"])["host"]
    assert {name for name in host if name != "t"} == {"wait target-0 busy"}


def test_every_figure_that_is_drawn_is_among_those_read_for_it():
    figures = {
        f"cpu.{state}": 1.0
        for state in ("user", "nice", "system", "irq", "softirq", "idle", "iowait", "steal")
    }
    figures |= {f"pressure.{kind}.some": 0.5 for kind in ("cpu", "io", "memory")}
    figures |= {"disk.sda.busy": 0.5, "disk.sda.reads": 7.0, "net.eth0.rx": 1.0}
    sensors = sensors_of(figures)
    few = traces_of(a_table(range(1)), sensors.only(is_drawn))["host"]
    assert few == traces_of(a_table(range(1)), sensors)["host"]
    assert "net.eth0.rx" not in sensors.only(is_drawn).figures


def test_no_interval_makes_no_trace():
    assert traces_of(a_table(()))["ops"] == {}


def test_traces_are_plain_json():
    sensors = sensors_of({"cpu.user": float("nan")}, {"cpu.user": 1.0, "cpu.idle": 0.0})
    table = a_table([*range(3), *range(9, 700)])
    json.dumps(traces_of(table, sensors, window_s=(START_S, START_S + 5)), allow_nan=False)


def test_gaps_are_put_between_times_that_lie_far_apart():
    found = with_gaps(np.array([0.0, 1.0, 5.0]), {"y": np.array([1.0, np.nan, 3.0])}, 1.5)
    assert found == {"t": [0.0, 1.0, 3.0, 5.0], "y": [1, None, None, 3]}
