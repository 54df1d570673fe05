"""What is measured next, when that depends on what was measured: rounds and searches.

Both look only at what is stored, so that a resumed run comes to the same trials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import groupby, pairwise, product

from storperf.model.ending import DepthSearch
from storperf.model.job import CANDIDATE, Job, Plan, PlannedTrial, Step
from storperf.model.metric import METRICS
from storperf.model.search import DepthFound, SearchEnd, SearchResult
from storperf.plan import sibling_step, trial_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A trial as a decision sees it; `judged` is the sum of the judged figure over directions.

    `clat_ns` is the mean completion latency, each direction by its share of the I/Os.
    """

    step_key: str
    side: str
    repeat: int
    judged: float
    clat_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Steps and trials that come behind those of the plan."""

    steps: tuple[Step, ...] = ()
    trials: tuple[PlannedTrial, ...] = ()


def next_round(plan: Plan) -> Growth:
    """Every step once more."""
    repeat = max(trial.repeat for trial in plan.trials) + 1
    return Growth(trials=_trials(plan, plan.steps, (repeat,)))


def tracked_steps(job: Job, plan: Plan) -> tuple[Step, ...]:
    """The steps that decide whether the rounds are steady; a warm-up only when it is named."""
    patterns = () if job.rounds is None else job.rounds.track
    if not patterns:
        return tuple(step for step in plan.steps if not step.workload.is_warm_up)
    return tuple(
        step for step in plan.steps if any(fnmatchcase(step.key, pattern) for pattern in patterns)
    )


def round_values(step: Step, side: str, measured: Iterable[Measured]) -> list[float]:
    """The judged figure of a step, round by round; the rounds from 1 on that are all there."""
    values = {
        each.repeat: each.judged
        for each in measured
        if (each.step_key, each.side) == (step.key, side)
    }
    known: list[float] = []
    while len(known) + 1 in values:
        known.append(values[len(known) + 1])
    return known


def searches(job: Job, plan: Plan, measured: Sequence[Measured]) -> tuple[SearchResult, ...]:
    """Where each search of the job stands."""
    if job.search is None:
        return ()
    by_step = _means(measured)
    results = []
    for (name, side), steps in _families(job, plan):
        found = [
            DepthFound(
                step=step.key,
                queue_depth=step.queue_depth,
                judged=by_step[step.key, side][0],
                clat_ns=by_step[step.key, side][1],
            )
            for step in steps
            if (step.key, side) in by_step
        ]
        results.append(_judged(job.search, steps, name, side, found))
    return tuple(results)


def next_depths(job: Job, plan: Plan, results: Iterable[SearchResult]) -> Growth:
    """The next depth of each search that goes on."""
    if job.search is None:
        return Growth()
    steps: dict[str, Step] = {}
    trials: list[PlannedTrial] = []
    for result in results:
        if result.end is not SearchEnd.OPEN:
            continue
        last = plan.step(result.depths[-1].step)
        depth = min(2 * last.queue_depth, job.search.at_most)
        step = sibling_step(job, last, queue_depth=depth)
        known = steps.setdefault(step.key, step)
        repeats = range(1, job.repeats + 1)
        planned = replace(plan, trials=(*plan.trials, *trials))
        trials += _trials(planned, (known,), repeats)
    return Growth(steps=tuple(steps.values()), trials=tuple(trials))


def _families(job: Job, plan: Plan) -> Iterator[tuple[tuple[str, str], list[Step]]]:
    """The steps that differ in their depth alone, shallowest first, side by side."""
    searched = [step for step in plan.steps if _workload_depths(job, step) is None]

    def family(step: Step) -> tuple[str, int, int, int]:
        return step.workload.name, step.block_size_bytes, step.numjobs, step.agents

    ordered = sorted(searched, key=lambda step: (family(step), step.queue_depth))
    for _, group in groupby(ordered, key=family):
        steps = list(group)
        name = steps[0].key.replace(f"-qd{steps[0].queue_depth}-", "-")
        yield (name, CANDIDATE), steps


def _workload_depths(job: Job, step: Step) -> tuple[int, ...] | None:
    by_name = {workload.name: workload.queue_depths for workload in job.workloads}
    return by_name[step.workload.name]


def _means(measured: Iterable[Measured]) -> dict[tuple[str, str], tuple[float, float]]:
    """Judged figure and latency of each step and side, plain means over its repeats."""
    groups: dict[tuple[str, str], list[Measured]] = {}
    for each in measured:
        groups.setdefault((each.step_key, each.side), []).append(each)
    return {
        place: (
            sum(each.judged for each in group) / len(group),
            sum(each.clat_ns for each in group) / len(group),
        )
        for place, group in groups.items()
    }


def _judged(
    rule: DepthSearch, steps: Sequence[Step], name: str, side: str, found: Sequence[DepthFound]
) -> SearchResult:
    """Where one search stands.

    It saturates at the first doubling that gains less than the rule's share in the judged figure
    while the mean latency grew; the knee is the depth before.  A step without a figure ends it:
    nothing is known about what lies behind.
    """
    end, knee = SearchEnd.OPEN, None
    for before, after in pairwise(found):
        if after.judged < before.judged * (1 + rule.gain) and after.clat_ns > before.clat_ns:
            end, knee = SearchEnd.SATURATED, before.step
            break
    if end is SearchEnd.OPEN and len(found) < len(steps):
        end = SearchEnd.FAILED
    if end is SearchEnd.OPEN and found[-1].queue_depth >= rule.at_most:
        end = SearchEnd.AT_MOST
    return SearchResult(name=name, side=side, depths=tuple(found), knee=knee, end=end)


def _trials(plan: Plan, steps: Iterable[Step], repeats: Iterable[int]) -> tuple[PlannedTrial, ...]:
    places = product(repeats, tuple(steps))
    return tuple(
        PlannedTrial(
            id=trial_id(plan, number),
            step_key=step.key,
            side=CANDIDATE,
            session=1,
            repeat=repeat,
        )
        for number, (repeat, step) in enumerate(places, start=len(plan.trials) + 1)
    )


def describe(result: SearchResult, metric: str) -> str:
    """What a search found, in one sentence."""
    depths: Mapping[str, DepthFound] = {each.step: each for each in result.depths}
    if result.end is SearchEnd.FAILED:
        return f"{result.name}: the search for its saturation ended early: a trial failed."
    deepest = result.depths[-1]
    if result.knee is None:
        return (
            f"{result.name}: not saturated at queue depth {deepest.queue_depth}, "
            "the deepest that was tried."
        )
    knee = depths[result.knee]
    gain = deepest.judged / knee.judged - 1
    label, slower = METRICS[metric].label, deepest.clat_ns / knee.clat_ns
    return (
        f"{result.name}: saturates at queue depth {knee.queue_depth}; {deepest.queue_depth} gives "
        f"{gain:+.1%} {label} at {slower:.1f} x the latency."
    )
