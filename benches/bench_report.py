"""The report of a run as a page: how long it takes to make and how large it is."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from agents import job_of
from effort import Effort
from figure import BenchError, Figure
from noise import median_figure

from storperf.model.interval import Interval, SensorSample
from storperf.model.job import Job, Op
from storperf.model.run import Run, RunState, Steadiness, Trial, TrialEnd, TrialState
from storperf.plan import plan_job
from storperf.reports.html_file import write_report
from storperf.run_results import load_result
from storperf.stats.summary import summarise_trial
from storperf.stats.table import IntervalTable, SensorTable
from storperf.store.intervals import write_intervals
from storperf.store.store import Store

_WIDE_JOB = (
    "name: wide\ntarget: {null_engine: true}\nworkloads: [rr, wr, rs, ws]\nduration: 10m\n"
    "matrix: {queue_depth: [1, 2, 4, 8, 16], block_size: [4k, 8k, 16k, 64k, 1M]}\n"
)
_QUICK_JOB = (
    "name: quick\ntarget: {null_engine: true}\nworkloads: [rr, wr]\nduration: 12s\n"
    "matrix: {queue_depth: [1, 16], block_size: [4k]}\n"
)
_BINS = 200
# Each takes seconds; six is the fewest that have an interval.
_LONG_TIMES = 6
_EPOCH_S = 1.7e9
_SENSORS = (
    *(f"cpu.{state}" for state in ("user", "system", "idle", "iowait", "irq", "steal")),
    *(f"disk.sda.{name}" for name in ("busy", "queue", "reads", "writes")),
    *(f"pressure.{kind}.some" for kind in ("cpu", "io", "memory")),
)


def measure(effort: Effort) -> list[Figure]:
    """A run as `make run` makes it, and one of 100 steps of ten minutes at 1 Hz, 200 bins each."""
    figures = []
    for name, text, steps, goal_s, goal_mb, times in (
        ("quickstart", _QUICK_JOB, 4, 3.0, 8.0, effort.timings),
        ("100 steps of 10 min", _WIDE_JOB, 100, 10.0, None, _LONG_TIMES),
    ):
        job = job_of(text)
        with Store.open(effort.scratch / f"report-{steps}") as store:
            run_id = _store_run(store, job, steps)
            path = effort.scratch / f"report-{steps}.html"
            took = [_took_s(partial(_make, store, run_id, path)) for _ in range(times)]
        size_mb = path.stat().st_size / 1e6
        figures += [
            median_figure(f"report: {name}", "s", took, goal=goal_s),
            median_figure(f"its size: {name}", "MB", [size_mb] * times, goal=goal_mb),
        ]
    return figures


def _make(store: Store, run_id: str, path: Path) -> None:
    write_report(store, load_result(store, run_id), path, made_s=_EPOCH_S)


def _store_run(store: Store, job: Job, steps: int) -> str:
    plan = plan_job(job)
    if len(plan.steps) != steps:
        raise BenchError(f"the job has {len(plan.steps)} steps, not {steps}")
    run = Run(
        id="run-1",
        job_name=job.name,
        lab=job.lab,
        title=None,
        job_text=job.text,
        state=RunState.RUNNING,
        phase=None,
        created_s=_EPOCH_S,
        facts={"origin": "trusted"},
    )
    store.create_run(run, plan)
    for number, planned in enumerate(store.trials(run.id)):
        step = plan.step(planned.step_key)
        table = _table(job, step.workload.ops[0], number)
        found = summarise_trial(
            table=table, step=step, job=job, trial_id=planned.id, met=frozenset()
        )
        trial = _ended(planned, job, found.window_s)
        _write(store, run.id, trial, table, _sensors(job, number))
        store.store_trial(run.id, trial, found.summaries)
    return run.id


def _write(
    store: Store, run_id: str, trial: Trial, table: IntervalTable, sensors: SensorTable
) -> None:
    path = store.intervals_path(run_id, trial.id, trial.attempt)
    write_intervals(path, table, sensors, meta={})


def _ended(planned: Trial, job: Job, window_s: tuple[float, float] | None) -> Trial:
    return replace(
        planned,
        state=TrialState.STORED,
        end=TrialEnd.COMPLETED,
        steadiness=Steadiness.STEADY,
        started_s=_EPOCH_S,
        ended_s=_EPOCH_S + job.ending.runtime_s,
        facts={"window_s": window_s},
    )


def _table(job: Job, op: Op, seed: int) -> IntervalTable:
    """I/Os whose latencies are spread as those of an SSD are."""
    chance = np.random.default_rng(seed)
    values = np.unique(np.geomspace(50_000, 5_000_000, _BINS).astype(int))
    rows = []
    for index in range(round(job.ending.runtime_s / job.interval_s)):
        counts = chance.poisson(200, len(values)) + 1
        ios, total_ns = int(counts.sum()), float((counts * values).sum())
        start_s = _EPOCH_S + index * job.interval_s
        rows.append(
            Interval(
                trial="t001",
                attempt=1,
                agent="agent-01",
                target=0,
                op=op,
                index=index,
                start_s=start_s,
                end_s=start_s + job.interval_s,
                duration_s=job.interval_s,
                ios=ios,
                bytes=4096 * ios,
                clat_count=ios,
                clat_sum_ns=total_ns,
                slat_sum_ns=1000.0 * ios,
                lat_sum_ns=total_ns + 1000.0 * ios,
                bins=tuple(zip(values.tolist(), counts.tolist(), strict=True)),
            )
        )
    return IntervalTable.from_intervals(rows)


def _sensors(job: Job, seed: int) -> SensorTable:
    chance = np.random.default_rng(seed)
    return SensorTable.from_samples(
        SensorSample(
            trial="t001",
            agent="agent-01",
            start_s=_EPOCH_S + number * job.interval_s,
            end_s=_EPOCH_S + (number + 1) * job.interval_s,
            figures=tuple(
                zip(_SENSORS, chance.random(len(_SENSORS)).round(6).tolist(), strict=True)
            ),
        )
        for number in range(round(job.ending.runtime_s / job.interval_s))
    )


def _took_s(act: partial[None]) -> float:
    begun_s = time.perf_counter()
    act()
    return time.perf_counter() - begun_s
