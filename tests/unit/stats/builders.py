"""Jobs, tables, trials and summaries with the few things a test cares about."""

from dataclasses import replace

import numpy as np

from storperf.model.ending import Ending
from storperf.model.interval import Interval
from storperf.model.job import (
    Job,
    Limit,
    Matrix,
    Op,
    Origin,
    Plan,
    PlannedTrial,
    Precondition,
    Provider,
    Side,
    Step,
    Workload,
)
from storperf.model.run import Steadiness, Summary, Trial, TrialEnd, TrialState
from storperf.model.target import Target, TargetKind
from storperf.stats.table import IntervalTable

RANDREAD = Workload(name="rr", options=(("rw", "randread"),))
MIXED = Workload(name="mix", options=(("rw", "randrw"),))
SEQ_WRITE = Workload(name="ws", options=(("rw", "write"),))


def make_job(  # noqa: PLR0913 - a test names what it cares about
    *,
    limits=(),
    until=None,
    runtime_s=60.0,
    interval_s=1.0,
    workloads=(RANDREAD,),
    repeats=1,
    **rules,
):
    target = Target(kind=TargetKind.DIRECTORY, path="scratch", size_bytes=1 << 30)
    return Job(
        name="nightly",
        lab="lab",
        origin=Origin.TRUSTED,
        provider=Provider(),
        sides=(Side(name="candidate", targets=(target,)),),
        workloads=tuple(workloads),
        matrix=Matrix(block_sizes_bytes=(4096,), queue_depths=(1,), numjobs=(1,), agents=(1,)),
        ending=Ending(runtime_s=runtime_s, until_steady=until, **rules),
        interval_s=interval_s,
        repeats=repeats,
        ioengine="libaio",
        direct=True,
        precondition=Precondition(),
        limits=tuple(limits),
        baseline_runs=30,
        graphite=None,
        text="",
    )


def make_step(workload=RANDREAD, *, key=None, agents=1):
    return Step(
        key=key or f"{workload.name}_4k_qd1",
        workload=workload,
        block_size_bytes=4096,
        queue_depth=1,
        numjobs=1,
        agents=agents,
        fingerprint="f",
        measuring=(),
    )


def make_limit(metric, bound, *, at_least=True, op=None, workload=None):
    sign = ">=" if at_least else "<="
    text = f"{metric} {sign} {bound}"
    return Limit(text=text, metric=metric, at_least=at_least, bound=bound, op=op, workload=workload)


def make_plan(steps, repeats=1):
    trials = tuple(
        PlannedTrial(
            id=f"{step.key}-{repeat}",
            step_key=step.key,
            side="candidate",
            session=0,
            repeat=repeat,
        )
        for step in steps
        for repeat in range(1, repeats + 1)
    )
    return Plan(steps=tuple(steps), trials=trials)


def make_trial(planned, **changes):
    trial = Trial(
        id=planned.id,
        step_key=planned.step_key,
        side=planned.side,
        session=planned.session,
        repeat=planned.repeat,
        attempt=1,
        state=TrialState.STORED,
        end=TrialEnd.COMPLETED,
        steadiness=Steadiness.STEADY,
    )
    return replace(trial, **changes)


def make_summary(trial, metric, value, *, op="read", half=None, agent="all"):  # noqa: PLR0913 - a test names what it cares about
    low, high = (None, None) if half is None else (value - half, value + half)
    return Summary(trial=trial, agent=agent, op=op, metric=metric, value=value, low=low, high=high)


def make_intervals(  # noqa: PLR0913 - a test names what it cares about
    iops,
    *,
    agent="agent-01",
    target=0,
    op=Op.READ,
    start_s=1000.0,
    slice_s=1.0,
    latency_ns=100_000,
    block=4096,
    trial="t",
):
    """One interval per value of `iops`, each of `slice_s` (a number or one per value)."""
    lengths = np.broadcast_to(slice_s, len(iops))
    ends = start_s + np.cumsum(lengths)
    rows = []
    for index, (rate, length, end) in enumerate(zip(iops, lengths, ends, strict=True)):
        ios = round(rate * length)
        rows.append(
            Interval(
                trial=trial,
                attempt=1,
                agent=agent,
                target=target,
                op=op,
                index=index,
                start_s=float(end - length),
                end_s=float(end),
                duration_s=float(length),
                ios=ios,
                bytes=ios * block,
                clat_count=ios,
                clat_sum_ns=float(ios * latency_ns),
                slat_sum_ns=0.0,
                lat_sum_ns=float(ios * latency_ns),
                bins=((latency_ns, ios),) if ios else (),
            )
        )
    return rows


def make_table(*groups):
    return IntervalTable.from_intervals([row for rows in groups for row in rows])


def ar1(rng, count, *, mean=1000.0, sigma=0.05, phi=0.5):
    """A stationary AR(1) series around `mean` with a relative spread `sigma`."""
    noise = rng.normal(0, 1, count)
    values = np.empty(count)
    values[0] = noise[0]
    for index in range(1, count):
        values[index] = phi * values[index - 1] + np.sqrt(1 - phi**2) * noise[index]
    return mean * (1 + sigma * values)
