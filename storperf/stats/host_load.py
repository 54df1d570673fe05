"""Whether an agent was the bottleneck, and what else used its device or its CPU meanwhile.

docs/explanation/host-load.md says where the thresholds come from, and which of them keep a
verdict from being made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from storperf.model.host_load import HostFinding, HostReason
from storperf.model.job import Op
from storperf.stats.table import OPS, IntervalTable, SensorTable
from storperf.stats.wording import percent

# Of all cores' time, all but idle, iowait and steal.  A queue of waiting tasks grows without bound
# towards 1; at 0.9 a task waits nine times as long as it works.
CPU_BUSY = 0.90
# A fio job is one thread: at 0.9 of a core a tenth of its time is left to wait for storage.
CORE_FULL = 0.90
# Interrupts of one queue stay on one core, and fio's completions are behind them.
CORE_INTERRUPTS = 0.80
# `storperf doctor` calls so much a problem, too.
STEAL = 0.10
# TCP/IP over Ethernet carries 0.94 of the nominal rate with frames of 1500 bytes.
NIC_FULL = 0.90
# A period is 100 ms: when fio stands still in one of twenty, its p99 is the scheduler's.
THROTTLED = 0.05
# Half of each I/O's time goes before the kernel has it ...
SUBMISSION = 0.50
# ... and fio works meanwhile.  One that sleeps there waits for a full queue: that is the device.
SUBMITTING_CPU = 0.50
# Of all cores' time; on two cores, half of one.
OTHERS_CPU = 0.25
# Of fio's own I/O on that device ...
OTHERS_IO = 0.20
# ... where others write metadata and journals for fio's writes: its own are that much again.
OTHERS_WRITES_TO_FILES = 1.00
# ... and never so little that logs, SMART and udev would do.
LEAST_BYTES_PER_S = 4 << 20
LEAST_IOS_PER_S = 200.0
# On a device that was given to the job as a whole: as much as fio did.
FOREIGN_IO = 1.00
# Larger I/Os are split and cannot be counted.
_LARGEST_WHOLE_IO = 64 << 10

_BUSY = ("cpu.user", "cpu.nice", "cpu.system", "cpu.irq", "cpu.softirq")
_CPU = (*_BUSY, "cpu.idle", "cpu.iowait", "cpu.steal")
_SINGLE = (*_CPU, "cpu.others", "core.busy", "core.interrupts", "cgroup.throttled_periods")
_OF_DEVICES = ("reads", "writes", "read_bytes", "write_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDevice:
    """The device under some of an agent's targets.

    `figure` is its name among the sensors' figures, `targets` are the numbers of all that lie on
    it; `is_whole` says that the job was given the device itself and not files on it.
    `counts_writes` is False where a file system's journal writes more than fio does (fsync).
    """

    figure: str
    targets: tuple[int, ...]
    is_whole: bool
    counts_writes: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLoad:
    """What one agent's host did during a trial, besides its rows and samples.

    `fio_cpu` is the share of a core that the busiest fio job took, by fio itself; None when it is
    not known, or means nothing because fio polls.  `devices` is empty where the page cache
    stands between fio and the device.  Without storage there is none that fio could wait for:
    `has_storage` is then False, and no agent is called bound.
    """

    agent: str
    fio_cpu: float | None
    devices: tuple[TargetDevice, ...] = ()
    has_storage: bool = True


def is_judged(figure: str) -> bool:
    """Whether a sensor's figure is looked at here."""
    first, _, last = figure.rpartition(".")
    return (
        figure in _SINGLE
        or (first.startswith("disk.target-") and last in _OF_DEVICES)
        or last == "link_share"
    )


def judge_hosts(
    rows: IntervalTable, sensors: SensorTable, hosts: Sequence[HostLoad]
) -> tuple[HostFinding, ...]:
    """What is to be said of each agent's host in a trial; `rows` need no histograms.

    All figures are means over the samples that lie within the agent's own intervals, by their
    length; a figure that no sample has says nothing.  No finding does not mean that nothing
    else went on: what is shorter than a trial is averaged away, and a shared storage is not
    seen from here.
    """
    return tuple(
        finding
        for host in hosts
        for finding in _findings(host, *_of_agent(rows, sensors, host.agent))
    )


def _of_agent(
    rows: IntervalTable, sensors: SensorTable, agent: str
) -> tuple[IntervalTable, dict[str, float]]:
    """Its rows, and the mean of each figure while they were measured."""
    if agent not in rows.agents or agent not in sensors.agents:
        return rows.where(np.zeros(len(rows), dtype=bool)), {}
    own = rows.where(rows.agent == rows.agents.index(agent))
    middle = (sensors.start_s + sensors.end_s) / 2
    is_within = sensors.agent == sensors.agents.index(agent)
    if len(own):
        is_within &= (middle > own.start_s.min()) & (middle < own.end_s.max())
    lengths = (sensors.end_s - sensors.start_s)[is_within]
    means = {}
    for name, values in sensors.figures.items():
        found = values[is_within]
        known = np.isfinite(found)
        if is_judged(name) and known.any() and lengths[known].sum() > 0:
            means[name] = float(np.average(found[known], weights=lengths[known]))
    return own, means


def _findings(
    host: HostLoad, rows: IntervalTable, means: Mapping[str, float]
) -> Iterator[HostFinding]:
    if not len(rows):
        return
    if host.has_storage:
        yield from _client_bound(host, rows, means)
    yield from _disturbed(host, rows, means)


def _finding(
    host: HostLoad, reason: HostReason, value: float, threshold: float, words: str
) -> Iterator[HostFinding]:
    if value >= threshold:
        yield HostFinding(
            agent=host.agent,
            reason=reason,
            value=round(value, 4),
            threshold=threshold,
            sentence=f"{host.agent}: {words.format(percent(value))}.",
        )


def _client_bound(
    host: HostLoad, rows: IntervalTable, means: Mapping[str, float]
) -> Iterator[HostFinding]:
    cores = sum(means.get(name, 0.0) for name in _CPU)
    if cores > 0:
        busy = sum(means.get(name, 0.0) for name in _BUSY) / cores
        words = "its CPU was {} busy"
        yield from _finding(host, HostReason.CPU_BUSY, busy, CPU_BUSY, words)
        steal = means.get("cpu.steal", 0.0) / cores
        words = "its hypervisor gave {} of its CPU time to others"
        yield from _finding(host, HostReason.STEAL, steal, STEAL, words)
    yield from _full_core(host, means)
    for name, share in sorted(means.items()):
        if name.endswith(".link_share"):
            words = f"its network interface {name.split('.')[1]} carried {{}} of what its link can"
            yield from _finding(host, HostReason.NIC_FULL, share, NIC_FULL, words)
    throttled = means.get("cgroup.throttled_periods", 0.0)
    words = "its cgroup reached its CPU limit in {} of all periods"
    yield from _finding(host, HostReason.THROTTLED, throttled, THROTTLED, words)
    lat_ns = float(rows.lat_sum_ns.sum())
    if lat_ns > 0 and host.fio_cpu is not None and host.fio_cpu >= SUBMITTING_CPU:
        share = float(rows.slat_sum_ns.sum()) / lat_ns
        words = "fio spent {} of each I/O's time on submitting it, and used CPU for that"
        yield from _finding(host, HostReason.SUBMISSION, share, SUBMISSION, words)


def _full_core(host: HostLoad, means: Mapping[str, float]) -> Iterator[HostFinding]:
    """The first that is found: fio's own core, or one with the interrupts of its I/Os."""
    interrupts = means.get("core.interrupts", 0.0)
    if host.fio_cpu is not None and host.fio_cpu >= CORE_FULL:
        words = "fio's busiest job used {} of a core, and it can use no more than one"
        yield from _finding(host, HostReason.CORE_FULL, host.fio_cpu, CORE_FULL, words)
    else:
        words = "one of its cores spent {} of its time on interrupts"
        yield from _finding(host, HostReason.CORE_FULL, interrupts, CORE_INTERRUPTS, words)


def _disturbed(
    host: HostLoad, rows: IntervalTable, means: Mapping[str, float]
) -> Iterator[HostFinding]:
    cores = sum(means.get(name, 0.0) for name in _CPU)
    if cores > 0:
        share = means.get("cpu.others", 0.0) / cores
        words = "programs that are neither fio nor the agent took {} of its CPU"
        yield from _finding(host, HostReason.OTHERS_CPU, share, OTHERS_CPU, words)
    for device in host.devices:
        yield from _foreign(host, device, rows, means)


def _foreign(
    host: HostLoad, device: TargetDevice, rows: IntervalTable, means: Mapping[str, float]
) -> Iterator[HostFinding]:
    """I/O of others on the device under some targets, as a share of fio's own there."""
    own = _FioRates(rows.where(np.isin(rows.target, device.targets)))
    shares = [
        _share(own.total("bytes"), _others(own, device, means, "bytes"), LEAST_BYTES_PER_S),
    ]
    if own.total("bytes") <= _LARGEST_WHOLE_IO * own.total("ios"):
        shares.append(_share(own.total("ios"), _others(own, device, means, "ios"), LEAST_IOS_PER_S))
    share = max(shares)
    where = f"the device of target {device.targets[0]}"
    words = f"others did {{}} as much I/O on {where} as fio"
    yield from _finding(host, HostReason.OTHERS_IO, share, OTHERS_IO, words)
    if device.is_whole:
        words = f"others did {{}} as much I/O as fio on {where}, which was to be the job's alone"
        yield from _finding(host, HostReason.FOREIGN_IO, share, FOREIGN_IO, words)


class _FioRates:
    """What fio did a second, by direction."""

    def __init__(self, rows: IntervalTable) -> None:
        length_s = float(rows.end_s.max() - rows.start_s.min()) if len(rows) else 0.0
        self._of: dict[tuple[str, Op], float] = {}
        for op in (Op.READ, Op.WRITE):
            of_op = rows.op == OPS.index(op)
            for kind, column in (("bytes", rows.bytes), ("ios", rows.ios)):
                total = float(column[of_op].sum())
                self._of[kind, op] = total / length_s if length_s > 0 else 0.0

    def of(self, kind: str, op: Op) -> float:
        """Bytes or I/Os of one direction."""
        return self._of[kind, op]

    def total(self, kind: str) -> float:
        """Bytes or I/Os of both."""
        return self._of[kind, Op.READ] + self._of[kind, Op.WRITE]


def _others(own: _FioRates, device: TargetDevice, means: Mapping[str, float], kind: str) -> float:
    """What the device did and fio did not, a second; a file system's own writes belong to fio's."""
    names = {
        Op.READ: {"bytes": "read_bytes", "ios": "reads"},
        Op.WRITE: {"bytes": "write_bytes", "ios": "writes"},
    }
    found = 0.0
    for op, name in names.items():
        if op is Op.WRITE and not device.counts_writes:
            continue
        fio = own.of(kind, op)
        foreign = means.get(f"disk.{device.figure}.{name[kind]}", fio) - fio
        if op is Op.WRITE and not device.is_whole:
            foreign -= OTHERS_WRITES_TO_FILES * fio
        found += max(0.0, foreign)
    return found


def _share(own: float, others: float, least: float) -> float:
    """Of fio's own; 0 where it is too little to matter, or fio did nothing there."""
    return others / own if own > 0 and others >= least else 0.0
