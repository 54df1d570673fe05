"""What is concluded from the figures of a trial's hosts; imported when the first trial has run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.engine.records import Record
from storperf.model.host_load import HostFinding
from storperf.model.job import Workload
from storperf.model.run import Flag, Trial
from storperf.model.target import Target, TargetKind
from storperf.stats.host_load import HostLoad, TargetDevice, is_judged, judge_hosts
from storperf.stats.table import PROBE, IntervalTable
from storperf.store.intervals import read_sensors

# With these fio spins until its I/Os have come: a full core says nothing then.
_POLLING = ("hipri", "sqthread_poll", "thinktime_spin")
# With these a file system writes its journal for each of fio's writes.
_JOURNALLED = ("fsync", "fdatasync", "sync", "fio_file")


def judge(
    context: RunContext,
    trial: Trial,
    numbers: Collection[int],
    rows: IntervalTable,
    ends: Mapping[str, Record],
) -> tuple[HostFinding, ...]:
    """The findings of a trial on the targets with these numbers; its file is there by now.

    `rows` are its intervals, `ends` the records of its end.
    """
    step = context.plan.step(trial.step_key)
    path = context.store.intervals_path(context.run_id, trial.id, trial.attempt)
    sensors = read_sensors(path, lambda figure: is_judged(figure) or figure.startswith(PROBE))
    sensors = sensors.of([agent.name for agent in context.agents_of(step)])
    polls = _is_set(step.workload, _POLLING)
    journals = _is_set(step.workload, _JOURNALLED)
    is_null = {context.targets()[number].kind for number in numbers} == {TargetKind.NULL}
    hosts = [
        HostLoad(
            agent=agent.name,
            fio_cpu=None if polls else _fio_cpu(ends[agent.name]),
            devices=tuple(_devices(context, agent, journals=journals)),
            has_storage=not is_null,
        )
        for agent in context.agents_of(step)
        if agent.name in ends
    ]
    return judge_hosts(rows, sensors, hosts)


def flags_of(findings: Collection[HostFinding]) -> tuple[Flag, ...]:
    """The flags that the findings come to, each once."""
    return tuple(dict.fromkeys(finding.reason.flag for finding in findings))


def plain(findings: Collection[HostFinding]) -> list[dict[str, Any]]:
    """The findings as a fact of the trial."""
    return [
        {**asdict(each), "reason": each.reason.value, "flag": each.reason.flag.value}
        for each in findings
    ]


def _fio_cpu(ended: Record) -> float | None:
    """Of the busiest fio job on any target; None from an agent that does not tell."""
    shares = [sum(job) for target in ended["targets"] for job in target.get("cpu", ())]
    return max(shares, default=None)


def _is_set(workload: Workload, keys: Collection[str]) -> bool:
    return any(workload.option(key) not in (None, "0", "none") for key in keys)


def _devices(context: RunContext, agent: Agent, *, journals: bool) -> Iterator[TargetDevice]:
    """Those under its targets, by the names that the agent gives them: none without `direct`."""
    if not context.job.direct:
        return
    by_name: dict[str, list[int]] = {}
    for number, prepared in enumerate(context.prepared[agent.name]):
        name = prepared["facts"].get("device_name")
        if name:
            by_name.setdefault(name, []).append(number)
    targets = context.targets()
    for numbers in by_name.values():
        is_whole = all(_is_device(targets[number]) for number in numbers)
        yield TargetDevice(
            figure=f"target-{numbers[0]}",
            targets=tuple(numbers),
            is_whole=is_whole,
            counts_writes=is_whole or not journals,
        )


def _is_device(target: Target) -> bool:
    return target.kind is TargetKind.DEVICE and target.file_system is None
