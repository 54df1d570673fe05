"""Planning, the store, and the figures of one long trial; all inside one process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from agents import job_of
from effort import Effort
from figure import BenchError, Figure
from noise import median_figure

from storperf.model.interval import Interval, SensorSample
from storperf.model.job import Job, Op, Plan
from storperf.model.run import Run, RunState, Steadiness, Summary, Trial, TrialEnd, TrialState
from storperf.plan import plan_job
from storperf.stats.summary import summarise_trial
from storperf.stats.table import IntervalTable, SensorTable
from storperf.store.intervals import read_intervals, write_intervals
from storperf.store.store import Store

_STEPS = 1000
_WIDE_JOB = (
    "name: wide\ntarget: {null_engine: true}\nworkloads: [rr, wr, rs, ws, rw]\nmatrix:\n"
    f"  queue_depth: [{', '.join(map(str, range(1, 21)))}]\n"
    "  numjobs: [1, 2, 3, 4, 5]\n  block_size: [4k, 64k]\n"
)
_LONG_JOB = "name: long\ntarget: {null_engine: true}\nworkloads: [rr]\nduration: 10m\n"
_LONG_S = 600
_BINS = 200
_SENSORS = 40
_EPOCH_S = 1.7e9


def measure(effort: Effort) -> list[Figure]:
    """Each action again and again; a trial of ten minutes at 1 Hz, 200 bins in each histogram."""
    times = effort.timings
    wide = job_of(_WIDE_JOB)
    if len(plan_job(wide).steps) != _STEPS:
        raise BenchError(f"the job has no {_STEPS} steps")
    planned = [_took_s(lambda: plan_job(wide)) for _ in range(times)]
    parsed = [_took_s(lambda: job_of(_WIDE_JOB)) for _ in range(times)]
    return [
        median_figure(f"{_STEPS} steps planned", "s", planned, goal=0.2),
        median_figure("their job file parsed", "s", parsed),
        *_long_trial(effort.scratch / "store", times),
    ]


def _long_trial(root: Path, times: int) -> list[Figure]:
    job = job_of(_LONG_JOB)
    plan = plan_job(job)
    table, sensors = _table(), _sensors()
    Store.open(root).close()
    opened = [_took_s(lambda: Store.open(root).close()) for _ in range(times)]
    summarised = [_took_s(lambda: _summary(table, plan, job)) for _ in range(times)]
    with Store.open(root) as store:
        stored, read = [], []
        for number in range(times):
            run = _create_run(store, f"run-{number}", job, plan)
            trial = _ended(store, run)
            path = store.intervals_path(run, trial.id, trial.attempt)
            summaries = _summary(table, plan, job)
            begun_s = time.perf_counter()
            write_intervals(path, table, sensors, meta={})
            store.store_trial(run, trial, summaries)
            stored.append(time.perf_counter() - begun_s)
            read.append(_took_s(partial(read_intervals, path)))
    return [
        median_figure("store: opening it", "s", opened),
        median_figure("a trial of 10 min summarised", "s", summarised),
        median_figure("a trial of 10 min stored, its intervals on disk", "s", stored),
        median_figure("its intervals read", "s", read),
    ]


def _summary(table: IntervalTable, plan: Plan, job: Job) -> tuple[Summary, ...]:
    found = summarise_trial(
        table=table, step=plan.steps[0], job=job, trial_id=plan.trials[0].id, met=frozenset()
    )
    return found.summaries


def _create_run(store: Store, run_id: str, job: Job, plan: Plan) -> str:
    store.create_run(
        Run(
            id=run_id,
            job_name=job.name,
            lab=job.lab,
            title=None,
            job_text=job.text,
            state=RunState.RUNNING,
            phase=None,
            created_s=_EPOCH_S,
        ),
        plan,
    )
    return run_id


def _ended(store: Store, run_id: str) -> Trial:
    return replace(
        store.trials(run_id)[0],
        state=TrialState.STORED,
        end=TrialEnd.COMPLETED,
        steadiness=Steadiness.STEADY,
        started_s=_EPOCH_S,
        ended_s=_EPOCH_S + _LONG_S,
    )


def _table() -> IntervalTable:
    """Ten minutes of random reads whose latencies are spread as those of an SSD are."""
    chance = np.random.default_rng(3)
    values = np.unique(np.geomspace(50_000, 5_000_000, _BINS).astype(int))
    rows = []
    for index in range(_LONG_S):
        counts = chance.poisson(200, len(values)) + 1
        ios, total_ns = int(counts.sum()), float((counts * values).sum())
        rows.append(
            Interval(
                trial="t001",
                attempt=1,
                agent="agent-01",
                target=0,
                op=Op.READ,
                index=index,
                start_s=_EPOCH_S + index,
                end_s=_EPOCH_S + index + 1,
                duration_s=1.0,
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


def _sensors() -> SensorTable:
    chance = np.random.default_rng(4)
    return SensorTable.from_samples(
        SensorSample(
            trial="t001",
            agent="agent-01",
            start_s=_EPOCH_S + second,
            end_s=_EPOCH_S + second + 1,
            figures=tuple((f"figure.{n}", float(v)) for n, v in enumerate(chance.random(_SENSORS))),
        )
        for second in range(_LONG_S)
    )


def _took_s(act: Callable[[], object]) -> float:
    begun_s = time.perf_counter()
    act()
    return time.perf_counter() - begun_s
