"""Was the client the bottleneck, and did something else use its CPU or its device meanwhile?"""

from __future__ import annotations

import numpy as np
import pytest
from unit.stats.builders import make_intervals

from storperf.model.host_load import HostReason
from storperf.model.interval import SensorSample
from storperf.model.job import Op
from storperf.model.run import Flag
from storperf.stats.host_load import HostLoad, TargetDevice, is_judged, judge_hosts
from storperf.stats.table import IntervalTable, SensorTable

QUIET = {
    "cpu.user": 0.4,
    "cpu.nice": 0.0,
    "cpu.system": 0.6,
    "cpu.idle": 6.5,
    "cpu.iowait": 0.4,
    "cpu.irq": 0.0,
    "cpu.softirq": 0.1,
    "cpu.steal": 0.0,
    "cpu.others": 0.3,
    "core.busy": 0.5,
    "core.interrupts": 0.1,
    "net.eth0.link_share": 0.02,
    "cgroup.throttled_periods": 0.0,
}
FILES = TargetDevice(figure="target-0", targets=(0,), is_whole=False)
WHOLE = TargetDevice(figure="target-0", targets=(0,), is_whole=True)
IOPS = 10_000
MIB = 1 << 20


def rows_of(read=IOPS, write=0, block=4096, seconds=4, **more):
    rows = make_intervals([read] * seconds, block=block, **more) if read else []
    if write:
        rows += make_intervals([write] * seconds, op=Op.WRITE, block=block, **more)
    return rows


def samples_of(figures, agent="agent-01", seconds=4, start_s=1000.0):
    return [
        SensorSample(
            trial="t",
            agent=agent,
            start_s=start_s + second,
            end_s=start_s + second + 1,
            figures=tuple((figures(second) if callable(figures) else figures).items()),
        )
        for second in range(seconds)
    ]


def judged(figures=None, *, rows=None, disk=None, fio_cpu=0.3, has_storage=True):
    host = HostLoad(
        agent="agent-01",
        fio_cpu=fio_cpu,
        devices=() if disk is None else (disk,),
        has_storage=has_storage,
    )
    table = IntervalTable.from_intervals(rows_of() if rows is None else rows)
    sensors = SensorTable.from_samples(samples_of(QUIET | (figures or {})))
    return judge_hosts(table, sensors, [host])


def reasons(found):
    return [finding.reason for finding in found]


def device(reads=0.0, writes=0.0, block=4096, name="target-0"):
    return {
        f"disk.{name}.reads": reads,
        f"disk.{name}.writes": writes,
        f"disk.{name}.read_bytes": reads * block,
        f"disk.{name}.write_bytes": writes * block,
    }


def test_a_quiet_host_is_nothing_to_tell():
    assert judged(device(reads=IOPS), disk=FILES) == ()


@pytest.mark.parametrize(
    ("figures", "reason", "words"),
    [
        ({"cpu.user": 9.0, "cpu.idle": 0.1}, HostReason.CPU_BUSY, "its CPU was 95 % busy"),
        ({"cpu.steal": 2.0}, HostReason.STEAL, "its hypervisor gave 20 % of its CPU time"),
        ({"core.interrupts": 0.85}, HostReason.CORE_FULL, "85 % of its time on interrupts"),
        ({"net.eth0.link_share": 0.93}, HostReason.NIC_FULL, "interface eth0 carried 93 %"),
        ({"cgroup.throttled_periods": 0.3}, HostReason.THROTTLED, "CPU limit in 30 % of all"),
    ],
)
def test_a_client_that_is_the_bottleneck_is_told_with_its_figure(figures, reason, words):
    (found,) = judged(figures)
    assert (found.agent, found.reason, found.reason.flag) == (
        *("agent-01", reason),
        Flag.CLIENT_BOUND,
    )
    assert found.value >= found.threshold
    assert words in found.sentence


def test_a_fio_job_on_a_full_core_is_bound_on_however_many_cores():
    (found,) = judged(fio_cpu=0.97)
    assert found.reason is HostReason.CORE_FULL
    assert "97 % of a core" in found.sentence


def test_a_fio_of_which_nobody_knows_the_cpu_is_bound_by_nothing_of_its_own():
    rows = rows_of()
    assert judged(fio_cpu=None, rows=rows) == ()


@pytest.mark.parametrize(
    ("slat_share", "fio_cpu", "expected"),
    [
        (0.6, 0.7, [HostReason.SUBMISSION]),
        (0.6, 0.1, []),  # it sleeps until the device's queue has room
        (0.3, 0.7, []),
    ],
)
def test_submission_is_a_reason_when_fio_works_for_it(slat_share, fio_cpu, expected):
    table = IntervalTable.from_intervals(rows_of())
    table.slat_sum_ns[:] = slat_share * table.lat_sum_ns
    host = HostLoad(agent="agent-01", fio_cpu=fio_cpu)
    found = judge_hosts(table, SensorTable.from_samples(samples_of(QUIET)), [host])
    assert reasons(found) == expected


def test_without_storage_no_client_is_bound():
    # It is all that there is to measure, and its flag would say nothing.
    assert judged({"cpu.user": 9.0, "cpu.idle": 0.1}, fio_cpu=1.0, has_storage=False) == ()


def test_programs_of_others_disturb():
    (found,) = judged({"cpu.others": 2.4})
    assert (found.reason, found.reason.flag) == (HostReason.OTHERS_CPU, Flag.DISTURBED)
    assert "neither fio nor the agent took 30 %" in found.sentence


@pytest.mark.parametrize("block", [4096, 1 << 20])
def test_reads_of_others_on_the_device_disturb(block):
    iops = IOPS * 4096 // block
    rows = rows_of(read=iops, block=block)
    (found,) = judged(device(reads=iops * 1.3, block=block), rows=rows, disk=FILES)
    assert found.reason is HostReason.OTHERS_IO
    assert found.value == pytest.approx(0.3, abs=0.01)
    assert "others did 30 % as much I/O on the device of target 0 as fio" in found.sentence


def test_small_ios_of_others_disturb_though_they_are_few_bytes():
    rows = rows_of(read=1000, block=64 << 10)
    figures = device(reads=1000, block=64 << 10)
    figures["disk.target-0.reads"] += 500
    assert reasons(judged(figures, rows=rows, disk=FILES)) == [HostReason.OTHERS_IO]


def test_large_ios_are_split_and_that_disturbs_nobody():
    rows = rows_of(read=500, block=MIB)
    figures = device(reads=500, block=MIB)
    figures["disk.target-0.reads"] *= 4
    assert judged(figures, rows=rows, disk=WHOLE) == ()


def test_a_little_io_of_others_is_nothing_beside_a_slow_fio():
    # 100 I/Os of fio; logs and the like do as many, and 3 MiB/s.
    figures = device(reads=190, writes=100)
    figures["disk.target-0.write_bytes"] = 3.0 * MIB
    assert judged(figures, rows=rows_of(read=100), disk=WHOLE) == ()


def test_a_file_system_writes_as_much_again_for_the_writes_of_fio():
    rows = rows_of(read=0, write=2000)
    assert judged(device(writes=3900), rows=rows, disk=FILES) == ()
    assert reasons(judged(device(writes=4800), rows=rows, disk=FILES)) == [HostReason.OTHERS_IO]
    assert reasons(judged(device(writes=2500), rows=rows, disk=WHOLE)) == [HostReason.OTHERS_IO]


def test_a_journal_that_writes_for_each_of_fios_writes_is_not_counted_but_reads_are():
    rows = rows_of(read=0, write=2000)
    journalled = TargetDevice(figure="target-0", targets=(0,), is_whole=False, counts_writes=False)
    assert judged(device(writes=9000), rows=rows, disk=journalled) == ()
    found = judged(device(writes=9000, reads=600), rows=rows, disk=journalled)
    assert reasons(found) == [HostReason.OTHERS_IO]


def test_as_much_io_as_fios_on_a_device_of_its_own_is_foreign():
    found = judged(device(reads=2.2 * IOPS), disk=WHOLE)
    assert [each.reason.flag for each in found] == [Flag.DISTURBED, Flag.FOREIGN_IO]
    assert "which was to be the job's alone" in found[1].sentence
    assert reasons(judged(device(reads=2.2 * IOPS), disk=FILES)) == [HostReason.OTHERS_IO]


def test_two_targets_on_one_disk_are_no_others_to_each_other():
    rows = [*rows_of(), *rows_of(target=1)]
    disk = TargetDevice(figure="target-0", targets=(0, 1), is_whole=True)
    assert judged(device(reads=2 * IOPS), rows=rows, disk=disk) == ()
    alone = TargetDevice(figure="target-0", targets=(0,), is_whole=True)
    assert HostReason.FOREIGN_IO in reasons(judged(device(reads=2 * IOPS), rows=rows, disk=alone))


def test_a_device_that_tells_nothing_is_used_by_nobody_else():
    # Another disk was busy.
    assert judged(device(reads=9e5, name="target-7"), disk=WHOLE) == ()
    assert judged({}, disk=WHOLE) == ()


def test_a_share_of_nothing_is_not_known():
    rows = rows_of(read=0, write=0) or make_intervals([0, 0, 0, 0])
    assert judged(device(reads=9e5), rows=rows, disk=WHOLE) == ()


def test_an_agent_without_samples_or_intervals_has_no_findings():
    hosts = [HostLoad(agent="agent-02", fio_cpu=0.99)]
    table = IntervalTable.from_intervals(rows_of())
    busy = SensorTable.from_samples(samples_of(QUIET | {"cpu.steal": 9.0}, agent="agent-02"))
    assert judge_hosts(table, busy, hosts) == ()
    assert judge_hosts(table, SensorTable.from_samples(()), [HostLoad(agent="x", fio_cpu=1)]) == ()


def test_each_agent_is_judged_by_its_own_figures():
    rows = [*rows_of(), *rows_of(agent="agent-02")]
    samples = [*samples_of(QUIET), *samples_of(QUIET | {"cpu.steal": 2.0}, agent="agent-02")]
    hosts = [HostLoad(agent=name, fio_cpu=0.1) for name in ("agent-01", "agent-02")]
    found = judge_hosts(
        IntervalTable.from_intervals(rows), SensorTable.from_samples(samples), hosts
    )
    assert [(each.agent, each.reason) for each in found] == [("agent-02", HostReason.STEAL)]


def test_samples_outside_of_the_intervals_say_nothing_and_missing_ones_are_no_zero():
    def figures(second):
        busy = {"cpu.steal": 5.0} if second >= 4 else {"cpu.steal": 0.0}
        # Processes are looked at now and then.
        return QUIET | busy | ({"cpu.others": 2.4} if second == 1 else {"cpu.others": np.nan})

    host = HostLoad(agent="agent-01", fio_cpu=0.1)
    sensors = SensorTable.from_samples(samples_of(figures, seconds=8))
    found = judge_hosts(IntervalTable.from_intervals(rows_of()), sensors, [host])
    assert reasons(found) == [HostReason.OTHERS_CPU]


def test_only_figures_that_are_looked_at_are_read():
    assert all(map(is_judged, (*QUIET, *device())))
    assert not any(map(is_judged, ("disk.vda.reads", "load.1m", "disk.target-0.busy")))


def test_quiet_hosts_of_any_speed_are_called_nothing():
    """An A/A test: unchanged fios whose rate swings by a quarter from second to second, the
    samples 0.18 s beside fio's slices, counters within 2 %, and a little of everything else.
    """
    rng = np.random.default_rng(5)
    alarms = 0
    for _ in range(400):
        seconds = int(rng.integers(2, 60))
        mean = float(np.exp(rng.uniform(np.log(50), np.log(100_000))))
        swing = np.clip(rng.normal(1, 0.25, seconds + 1), 0.1, None)
        sampled = 0.82 * swing[:-1] + 0.18 * swing[1:]
        counted = mean * sampled * rng.normal(1, 0.02, seconds)

        def figures(second, counted=counted):
            little = {"cpu.others": rng.uniform(0, 0.8), "cpu.steal": rng.uniform(0, 0.3)}
            return QUIET | little | device(reads=counted[second], writes=rng.uniform(0, 80))

        host = HostLoad(agent="agent-01", fio_cpu=0.5, devices=(WHOLE,))
        table = IntervalTable.from_intervals(make_intervals(mean * swing[:-1]))
        sensors = SensorTable.from_samples(samples_of(figures, seconds=seconds))
        alarms += bool(judge_hosts(table, sensors, [host]))
    assert alarms == 0
