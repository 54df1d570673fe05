"""The slices between the cumulative documents of an imported result, as our own intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from storperf.agent.counters import CounterDiffer
from storperf.imports.figures import (
    DirectionFigures,
    FioJobFigures,
    FioResult,
    FioSnapshot,
    LatencyFigures,
)
from storperf.imports.fio_steps import StepJobs
from storperf.model.interval import Interval
from storperf.model.job import Op


def intervals_of(
    result: FioResult, step: StepJobs, agents: dict[str | None, str], trial_id: str
) -> tuple[Interval, ...]:
    """What happened between one document and the next, by server and direction.

    Differenced as the agent does it, so that counters that ramp_time set to zero are noticed.
    Empty when there is one document only, when it tells no time, or counts no I/Os.
    """
    if not result.earlier or result.total.timestamp_s is None:
        return ()
    found: list[Interval] = []
    for server, agent in agents.items():
        differ = CounterDiffer()
        for snapshot in (*result.earlier, result.total):
            own = [job for job in snapshot.jobs if job.server == server and _is_of(job, step)]
            end_s = _time_s(snapshot, own, result.total)
            if end_s is None or any(d.ios is None for job in own for d in job.directions):
                return ()
            number = len(found)
            found += _slices(differ.intervals(_tree(own)), agent, trial_id, number, end_s)
    return tuple(found)


def _is_of(job: FioJobFigures, step: StepJobs) -> bool:
    return any(job.key == own.key for own in step.jobs)


def _time_s(
    snapshot: FioSnapshot, own: Sequence[FioJobFigures], total: FioSnapshot
) -> float | None:
    """When the snapshot was made; client/server mode tells it of the last round alone."""
    if snapshot.timestamp_s is not None or total.timestamp_s is None:
        return snapshot.timestamp_s
    ends = {job.key: job.runtime_ms for job in total.jobs}
    left = [ends[job.key] - job.runtime_ms for job in own if job.key in ends]
    return total.timestamp_s - min(left) / 1000 if left else None


def _slices(
    found: Sequence[dict[str, Any]], agent: str, trial_id: str, first: int, end_s: float
) -> Iterator[Interval]:
    for number, figures in enumerate(figures for figures in found if not figures.get("ramp")):
        bins = figures["bins"]
        yield Interval(
            trial=trial_id,
            attempt=1,
            agent=agent,
            target=0,
            op=Op(figures["op"]),
            index=first + number,
            start_s=end_s - figures["duration_s"],
            end_s=end_s,
            duration_s=figures["duration_s"],
            ios=figures["ios"],
            bytes=figures["bytes"],
            clat_count=figures["clat_count"],
            clat_sum_ns=figures["clat_sum_ns"],
            slat_sum_ns=figures["slat_sum_ns"],
            lat_sum_ns=figures["lat_sum_ns"],
            bins=tuple(zip(bins[::2], bins[1::2], strict=True)),
        )


def _tree(jobs: Sequence[FioJobFigures]) -> dict[str, Any]:
    """The fio jobs as the agent's differ reads them: fio 3's names, in ns and bytes."""
    sections = [
        {"job options": dict(job.options or ()), **{op.value: _direction(job, op) for op in Op}}
        for job in jobs
    ]
    return {"jobs": sections}


def _direction(job: FioJobFigures, op: Op) -> dict[str, Any]:
    found = job.direction(op)
    return {
        "total_ios": found.ios if found else 0,
        "io_bytes": found.bytes if found else 0,
        "runtime": found.runtime_ms if found else 0,
        **{f"{kind}_ns": _latency(found, kind) for kind in ("slat", "clat", "lat")},
    }


def _latency(direction: DirectionFigures | None, kind: str) -> dict[str, Any]:
    found: LatencyFigures | None = getattr(direction, kind, None)
    if direction is None or found is None:
        return {"N": 0, "mean": 0.0}
    return {
        "N": direction.ios if found.count is None else found.count,
        "mean": found.mean_ns,
        "bins": {str(value): count for value, count in found.bins},
    }
