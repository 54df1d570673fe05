"""Which figures follow each other in time, and which stand beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, zip_longest

from storperf.imports.figures import FioJobFigures, FioSnapshot, NotAResultError

# Fio jobs that ran side by side end within so much of each other.
_TOGETHER = 1.1
# Between two rounds a fio job goes on at a rate that is not that far from its own.
_LIKE_RATE = 5.0
# fio tells its age in whole seconds, and one document may be late.
_START_SLACK_S = 3.0


def rounds_of(jobs: Sequence[FioJobFigures]) -> list[tuple[FioJobFigures, ...]]:
    """The rounds of a list in which status intervals and fio jobs look alike, oldest first.

    Terse lines and the sections of client/server mode are such lists: one fio job that reports
    again at every status interval, and clones of it (numjobs), have one name.  Figures
    that only grow, at the fio job's own rate, are rounds; those of the same length
    are clones.  NotAResultError when it can be neither: a sum of rounds would look good.
    """
    groups: dict[object, list[FioJobFigures]] = {}
    for job in jobs:
        groups.setdefault(job.key, []).append(job)
    series = [group for group in groups.values() if len(group) > 1 and _is_series(group)]
    for group in groups.values():
        if len(group) > 1 and group not in series and not _are_clones(group):
            raise NotAResultError(
                f"the fio job {group[0].name} stands in it {len(group)} times, and nothing tells "
                "whether these are status intervals or fio jobs side by side"
            )
    if not series:
        return [tuple(jobs)]
    if len(series) < len(groups):
        alone = next(group[0].name for group in groups.values() if group not in series)
        if any(len(group) > 1 for group in groups.values() if group not in series):
            raise NotAResultError(f"status intervals and clones of {alone} stand side by side")
    found = []
    # A server that was lost has fewer rounds: its last one stays what it said.
    for number, each in enumerate(zip_longest(*groups.values())):
        found.append(
            tuple(job or group[-1] for job, group in zip(each, groups.values(), strict=True))
            if number
            else tuple(job for job in each if job is not None)
        )
    return found


def _is_series(group: Sequence[FioJobFigures]) -> bool:
    return all(_follows(before, now) for before, now in pairwise(group))


def _follows(before: FioJobFigures, now: FioJobFigures) -> bool:
    """Whether these can be the figures of one fio job, one after the other."""
    passed_ms = now.runtime_ms - before.runtime_ms
    if passed_ms <= 0:
        return False
    for direction in now.directions:
        earlier = before.direction(direction.op)
        grown = direction.bytes - (earlier.bytes if earlier else 0)
        expected = direction.bytes * passed_ms / max(1, now.runtime_ms)
        if not expected / _LIKE_RATE <= grown <= expected * _LIKE_RATE:
            return False
    return True


def _are_clones(group: Sequence[FioJobFigures]) -> bool:
    runtimes = [job.runtime_ms for job in group if not job.error]
    return not runtimes or max(runtimes) <= _TOGETHER * max(1, min(runtimes))


def continues(before: FioSnapshot, now: FioSnapshot) -> bool:
    """Whether the second snapshot is a later one of the same run of fio.

    The same fio jobs, begun at the same time.  Without a time their counters must
    not fall, as they do when another run of the same job begins.
    """
    if before.version != now.version or _keys(before) != _keys(now):
        return False
    starts = _start_s(before), _start_s(now)
    if starts[0] is not None and starts[1] is not None:
        return abs(starts[0] - starts[1]) <= _START_SLACK_S
    if (before.timestamp_s or 0.0) > (now.timestamp_s or 0.0):
        return False
    return all(
        was.runtime_ms <= job.runtime_ms
        and sum(each.bytes for each in was.directions) <= sum(each.bytes for each in job.directions)
        for was, job in zip(before.jobs, now.jobs, strict=True)
    )


def _keys(snapshot: FioSnapshot) -> list[object]:
    return [job.key for job in snapshot.jobs]


def _start_s(snapshot: FioSnapshot) -> float | None:
    ages = [job.elapsed_s for job in snapshot.jobs if job.elapsed_s is not None]
    if snapshot.timestamp_s is None or not ages:
        return None
    return snapshot.timestamp_s - max(ages)
