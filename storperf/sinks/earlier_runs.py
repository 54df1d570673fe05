"""What a Graphite still has of earlier runs: which second is whose, its points, its summary.

In `live` each second says by `run.started_s` to which run it belongs and by `step.<step>` which
repeat of which step; in `summary` the points of a run share one time, and its `started_s`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from storperf.imports.earlier import EarlierRun, EarlierTrial
from storperf.model.job import Job, Op, Plan
from storperf.model.metric import METRICS
from storperf.sinks.graphite_series import PAGE_S, Series, read_series
from storperf.sinks.graphite_web import GraphiteWeb
from storperf.sinks.paths import (
    LIVE,
    SUMMARY,
    LoadSeries,
    RunSeries,
    StepSeries,
    SummarySeries,
    parse_path,
    render_part,
    render_path,
)
from storperf.stats.rebuilt import Stream, Streams

# A summary point may have the time of the run's start or of its end.
_LONGEST_RUN_S = 30 * 86400
_MARGIN_S = 1200
# Of a run whose summary is gone, and with it its end.
_LONGEST_LIVE_S = 2 * 86400
# Questions about a year of one series are few and large.
_MOST_PAGES = 50
_REBUILT = ("iops", "bandwidth", "clat_mean", "slat_mean", "lat_mean", "clat_max")
_FACTS = ("started_s", "ended_s", "exit_code", "enters_baseline")
_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFound:
    """A run and where it is: its seconds in `live` and its points in `summary`, if any are left."""

    started_s: int
    live_s: tuple[int, int] | None
    summary_s: int | None
    facts: Mapping[str, float]


def find_runs(  # noqa: PLR0913 - whose runs, and when
    web: GraphiteWeb, *, lab: str, job: str, from_s: float, until_s: float, now_s: float
) -> tuple[RunFound, ...]:
    """The runs that were started in that time, oldest first."""
    last_s = min(now_s, until_s + _LONGEST_RUN_S)
    summary = _facts(web, lab, job, from_s - _MARGIN_S, last_s)
    path = render_path(RunSeries(tree=LIVE, lab=lab, job=job, fact="started_s"))
    ends = [found["ended_s"] for _, found in summary.values() if "ended_s" in found]
    until_live_s = min(now_s, max([until_s + _LONGEST_LIVE_S, *(end + 1 for end in ends)]))
    live = _values(
        read_series(web, [path], from_s, until_live_s, _page_s(until_live_s - from_s)), path
    )
    seconds: dict[int, list[int]] = defaultdict(list)
    for second, started_s in live.items():
        seconds[int(started_s)].append(second)
    runs = []
    for started_s in sorted(seconds.keys() | summary.keys()):
        if not int(from_s) <= started_s <= until_s:
            continue
        own = seconds.get(started_s)
        summary_s, facts = summary.get(started_s, (None, {}))
        runs.append(
            RunFound(
                started_s=started_s,
                live_s=(min(own), max(own)) if own else None,
                summary_s=summary_s,
                facts=facts,
            )
        )
    return tuple(runs)


def read_run(web: GraphiteWeb, found: RunFound, job: Job, plan: Plan) -> EarlierRun:
    """All that is needed to make the run's figures again."""
    trials: tuple[EarlierTrial, ...] = ()
    streams: dict[str, Streams] = {}
    if found.live_s is not None:
        trials = _trials(web, found, job, plan)
        if trials:
            streams = {side.name: _streams(web, found.live_s, job, side.name) for side in job.sides}
    facts = found.facts
    ended_s, exit_code = facts.get("ended_s"), facts.get("exit_code")
    was_clean = facts.get("enters_baseline")
    return EarlierRun(
        started_s=found.started_s,
        ended_s=None if ended_s is None else int(ended_s),
        exit_code=None if exit_code is None else int(exit_code),
        was_clean=None if was_clean is None else was_clean > 0,
        trials=trials,
        streams=streams,
        own={} if found.summary_s is None else _own(web, found.summary_s, job, plan),
    )


def _facts(
    web: GraphiteWeb, lab: str, job: str, from_s: float, until_s: float
) -> dict[int, tuple[int, dict[str, float]]]:
    """The start of each run to the time of its summary points and its facts."""
    paths = {
        fact: render_path(RunSeries(tree=SUMMARY, lab=lab, job=job, fact=fact)) for fact in _FACTS
    }
    found = read_series(web, list(paths.values()), from_s, until_s, _page_s(until_s - from_s))
    values = {fact: _values(found, path) for fact, path in paths.items()}
    return {
        int(started_s): (
            second,
            {fact: points[second] for fact, points in values.items() if second in points},
        )
        for second, started_s in values["started_s"].items()
    }


def _trials(web: GraphiteWeb, found: RunFound, job: Job, plan: Plan) -> tuple[EarlierTrial, ...]:
    """Every trial that has a second of its own, and how fine its seconds are."""
    first_s, last_s = found.live_s or (0, -1)
    place = {"lab": job.lab, "job": job.name}
    run_path = render_path(RunSeries(tree=LIVE, **place, fact="started_s"))
    steps = {
        render_path(StepSeries(**place, side=side.name, step=step.key)): (side.name, step.key)
        for side in job.sides
        for step in plan.steps
    }
    own: set[int] = set()
    seconds: dict[tuple[str, str, int], set[int]] = defaultdict(set)
    finest: dict[tuple[str, str, int], int] = defaultdict(lambda: 1)
    for paths in _some([run_path, *steps]):
        for series in read_series(web, paths, first_s, last_s):
            if series.path == run_path:
                own |= {
                    s for s, started in series.values.items() if int(started) == found.started_s
                }
                continue
            side, key = steps[series.path]
            for second, repeat, resolution_s in series.points:
                seconds[key, side, int(repeat)].add(second)
                finest[key, side, int(repeat)] = max(
                    finest[key, side, int(repeat)], resolution_s or 1
                )
    return tuple(
        EarlierTrial(
            step_key=key,
            side=side,
            repeat=repeat,
            seconds=frozenset(kept),
            resolution_s=finest[key, side, repeat],
        )
        for (key, side, repeat), had in seconds.items()
        if (kept := had & own)
    )


def _streams(web: GraphiteWeb, live_s: tuple[int, int], job: Job, side: str) -> Streams:
    """The points of each stream of a side; sums over all agents are left out."""
    place = ".".join(render_part(name) for name in (job.lab, job.name, side))
    found: dict[Stream, dict[str, dict[int, float]]] = defaultdict(dict)
    for metric in _REBUILT:
        pattern = f"storperf.{LIVE}.{place}.agent-*.target-*.*.{metric}"
        for series in read_series(web, [pattern], *live_s):
            name = parse_path(series.path)
            if isinstance(name, LoadSeries):
                number = int(name.target.removeprefix("target-"))
                found[name.agent, number, Op(name.op)][metric] = series.values
    return found


def _own(
    web: GraphiteWeb, summary_s: int, job: Job, plan: Plan
) -> dict[tuple[str, str, str, str], float]:
    """The run's summary points."""
    names = {
        render_path(
            SummarySeries(
                lab=job.lab, job=job.name, side=side.name, step=step.key, op=op.value, metric=metric
            )
        ): (step.key, side.name, op.value, metric)
        for side in job.sides
        for step in plan.steps
        for op in step.workload.ops
        for metric in (*METRICS, "steady")
    }
    return {
        names[series.path]: series.values[summary_s]
        for paths in _some(list(names))
        for series in read_series(web, paths, summary_s, summary_s)
        if summary_s in series.values
    }


def _some(paths: Sequence[str]) -> Iterable[Sequence[str]]:
    return (paths[first : first + _AT_ONCE] for first in range(0, len(paths), _AT_ONCE))


def _values(found: Iterable[Series], path: str) -> dict[int, float]:
    return next((series.values for series in found if series.path == path), {})


def _page_s(length_s: float) -> int:
    return max(6 * PAGE_S, int(length_s / _MOST_PAGES))
