"""Which series a job will have, however often it runs, and what their files take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from storperf.graphite.retention import HOST, LOAD, OURS, RUNS, schema_of
from storperf.model.graphite import LabPlan, TreePlan
from storperf.model.job import Job, Op, Plan, Step
from storperf.model.probe import ProbeHosts, observed_name
from storperf.plan import sibling_step
from storperf.sinks.everybody import ALL
from storperf.sinks.paths import (
    LIVE,
    SUMMARY,
    HostSeries,
    LoadSeries,
    RunSeries,
    Series,
    StepSeries,
    SummarySeries,
    render_path,
)
from storperf.sinks.series_names import (
    ALL_METRICS,
    LIVE_FACTS,
    LIVE_METRICS,
    SUMMARY_FACTS,
    SUMMARY_METRICS,
)

_TREES = {HOST.name: "live, hosts", LOAD.name: "live", RUNS.name: "summary"}


def plan_lab(job: Job, plan: Plan, sensors: Sequence[str]) -> LabPlan:
    """The files of a job's series by tree, on hosts that have these sensors.

    Names hold no run, host or device of a target, so that the second night makes none.
    """
    files = dict.fromkeys((schema.name for schema in OURS), 0)
    for series in planned_series(job, plan, sensors):
        files[schema_of(render_path(series)).name] += 1
    return LabPlan(
        job=job.name,
        agents=_most_agents(plan),
        steps=len(_steps(job, plan)),
        sensors=len(sensors),
        trees=tuple(
            TreePlan(
                tree=_TREES[schema.name],
                retentions=schema.retentions,
                files=files[schema.name],
                file_bytes=schema.file_bytes,
            )
            for schema in OURS
        ),
    )


def planned_series(job: Job, plan: Plan, sensors: Sequence[str]) -> Iterator[Series]:
    """Every series that runs of the job will have on such hosts.

    Of a plugin's figures only its status is known before it has run.
    """
    place = {"lab": job.lab, "job": job.name}
    steps = _steps(job, plan)
    ops = [op for op in Op if any(op in step.workload.ops for step in steps)]
    agents = [f"agent-{number:02d}" for number in range(1, _most_agents(plan) + 1)]
    hosts = dict.fromkeys(agents, False)
    hosts |= {observed_name(number): True for number in range(1, len(job.observe) + 1)}
    for tree, facts in ((LIVE, LIVE_FACTS), (SUMMARY, SUMMARY_FACTS)):
        yield from (RunSeries(tree=tree, **place, fact=fact) for fact in facts)
    for side in job.sides:
        own = {**place, "side": side.name}
        targets = [f"target-{number}" for number in range(len(side.targets))]
        for agent, target, op, metric in product(agents, targets, ops, LIVE_METRICS):
            yield LoadSeries(**own, agent=agent, target=target, op=op.value, metric=metric)
        for op, metric in product(ops, ALL_METRICS):
            yield LoadSeries(**own, agent=ALL, target=ALL, op=op.value, metric=metric)
        for host, is_observed in hosts.items():
            for sensor in (*sensors, *_probe_figures(job, is_observed=is_observed)):
                yield HostSeries(**own, agent=host, sensor=sensor)
        for step in steps:
            yield StepSeries(**own, step=step.key)
            for op, metric in product(step.workload.ops, SUMMARY_METRICS):
                yield SummarySeries(**own, step=step.key, op=op.value, metric=metric)


def _most_agents(plan: Plan) -> int:
    return max((step.agents for step in plan.steps), default=0)


def _probe_figures(job: Job, *, is_observed: bool) -> Iterator[str]:
    for probe in job.probes:
        if probe.hosts is not (ProbeHosts.AGENTS if is_observed else ProbeHosts.OBSERVE):
            groups = ["status"] if probe.pattern is None else re.compile(probe.pattern).groupindex
            yield from (f"probe.{probe.name}.{group}" for group in groups)


def _steps(job: Job, plan: Plan) -> tuple[Step, ...]:
    """The plan's steps, and those that a search may add."""
    return tuple({step.key: step for step in (*plan.steps, *_searched(job, plan.steps))}.values())


def _searched(job: Job, steps: Iterable[Step]) -> Iterator[Step]:
    if job.search is None:
        return
    for step in steps:
        depth = step.queue_depth
        while (depth := depth * 2) <= job.search.at_most:
            yield sibling_step(job, step, queue_depth=depth)
