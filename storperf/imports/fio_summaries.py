"""The figures of one imported step: our own sums over its fio jobs, in all and by server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from storperf.imports.figures import DirectionFigures, FioJobFigures, LatencyFigures
from storperf.model.job import Op
from storperf.model.metric import PERCENTILES
from storperf.model.run import Summary
from storperf.stats.histogram import merge_bins, percentile_nearest_rank
from storperf.stats.repeats import ALL

_PERCENT_DIGITS = 6


def agent_names(servers: Sequence[str | None]) -> dict[str | None, str]:
    """The name in results of each server: an index, never a host."""
    return {server: f"agent-{number:02}" for number, server in enumerate(servers, start=1)}


def summaries_of(
    jobs: Sequence[FioJobFigures], agents: dict[str | None, str], trial_id: str
) -> tuple[Summary, ...]:
    """Every figure that the fio jobs support, over all of them and for each server.

    They are of the whole time, as fio counted it: nothing is cut off, no interval bounds a mean.
    """
    parts = [(ALL, list(jobs))]
    if len(agents) > 1:
        parts += [
            (name, [job for job in jobs if job.server == server]) for server, name in agents.items()
        ]
    return tuple(
        Summary(trial=trial_id, agent=name, op=op.value, metric=metric, value=value)
        for name, own in parts
        for op in Op
        for metric, value in _figures(_directions(own, op))
    )


def _directions(jobs: Sequence[FioJobFigures], op: Op) -> list[DirectionFigures]:
    return [found for job in jobs if (found := job.direction(op)) is not None]


def _figures(directions: Sequence[DirectionFigures]) -> Iterator[tuple[str, float]]:
    if not directions:
        return
    for metric, rates in (
        ("iops", [each.iops for each in directions]),
        ("bandwidth", [each.bandwidth_bytes_per_s for each in directions]),
    ):
        known = [rate for rate in rates if rate is not None]
        # fio jobs run side by side: each is divided by its own time.
        if len(known) == len(rates) and sum(known) > 0:
            yield metric, sum(known)
    for kind in ("clat", "slat", "lat"):
        mean = _mean(directions, kind)
        if mean:
            yield f"{kind}_mean", mean
    clats = [each.clat for each in directions if each.clat is not None]
    if len(clats) == len(directions):
        yield from _percentiles(clats)


def _mean(directions: Sequence[DirectionFigures], kind: str) -> float | None:
    """The mean over all I/Os; None when a fio job lacks it, or how many I/Os it is of."""
    found = [(each, getattr(each, kind)) for each in directions]
    if any(latency is None for _, latency in found):
        return None
    if len(found) == 1:
        return float(found[0][1].mean_ns)
    told = [each.ios if latency.count is None else latency.count for each, latency in found]
    counts = [count for count in told if count is not None]
    if len(counts) < len(told):
        return None
    total = sum(counts)
    sums = (latency.mean_ns * count for (_, latency), count in zip(found, counts, strict=True))
    return sum(sums) / total if total else None


def _percentiles(clats: Sequence[LatencyFigures]) -> Iterator[tuple[str, float]]:
    """From the merged histogram; without one only what fio printed of a single fio job."""
    highest = [each.max_ns for each in clats if each.max_ns]
    if len(highest) == len(clats):
        yield "clat_max", float(max(highest))
    if all(each.bins for each in clats):
        pairs = np.array([pair for each in clats for pair in each.bins], dtype=np.int64)
        values, counts = merge_bins(pairs[:, 0], pairs[:, 1])
        for key, share in PERCENTILES.items():
            yield f"clat_{key}", float(percentile_nearest_rank(values, counts, share))
    elif len(clats) == 1:
        printed = {
            round(percent, _PERCENT_DIGITS): value for percent, value in clats[0].percentiles
        }
        for key, share in PERCENTILES.items():
            if value := printed.get(round(share * 100, _PERCENT_DIGITS)):
                yield f"clat_{key}", float(value)
