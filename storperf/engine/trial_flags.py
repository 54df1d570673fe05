"""What the engine itself knows of a measured trial that its figures do not say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from storperf.engine.context import RunContext
from storperf.model.job import Op, Step
from storperf.model.run import Flag, Summary, Trial
from storperf.model.target import TargetKind

# No block device answers in less, from the call that submits to the completion (lat): 4k of a hole
# took 1.4 us by psync and 2.8 to 3.9 us by libaio here, an idle loop device on memory 18 us, and
# the fastest devices that are sold need 5 us with polling.  Not clat: by libaio it begins when
# io_submit returns, by then a loop device may have answered (median clat 0.7 us, lat 49 us).
LEAST_READ_NS = 4000
# One I/O cannot come faster than a PCIe 5.0 x8 link carries it (31.5 GB/s); 1M of a hole took
# 22 us by psync here.
MOST_BYTES_PER_NS = 32.0
# Persistent memory is storage, and is read within a microsecond.
_IN_MEMORY_SLOTS = "pmem"
UNWRITTEN = "unwritten."
UNKNOWN = "unknown."


def own_flags(
    context: RunContext,
    trial: Trial,
    step: Step,
    numbers: Collection[int],
    summaries: Sequence[Summary],
) -> tuple[Flag, ...]:
    """The flags of a trial on the targets with these numbers."""
    return tuple(_flags(context, trial, step, numbers, summaries))


def _flags(
    context: RunContext,
    trial: Trial,
    step: Step,
    numbers: Collection[int],
    summaries: Sequence[Summary],
) -> Iterator[Flag]:
    prepared = [
        context.prepared[agent.name][number]
        for agent in context.agents_of(step)
        for number in numbers
    ]
    if any(target["journal_on_target"] for target in prepared):
        yield Flag.JOURNAL_ON_TARGET
    outstanding = step.queue_depth * step.numjobs
    limits = [target["facts"].get("max_queue_depth") for target in prepared]
    if any(limit is not None and outstanding > limit for limit in limits):
        yield Flag.QUEUE_BOUND
    if not context.is_preconditioned:
        yield Flag.UNSTEADY_PRECONDITION
    if any(name.startswith(UNWRITTEN) for name in trial.facts):
        yield Flag.READS_UNWRITTEN
    if any(name.startswith(UNKNOWN) for name in trial.facts):
        yield Flag.READS_UNKNOWN
    is_memory = any(
        target["facts"].get("device_name", "").startswith(_IN_MEMORY_SLOTS) for target in prepared
    )
    kinds = {context.targets()[number].kind for number in numbers}
    is_storage = context.job.direct and TargetKind.NULL not in kinds and not is_memory
    if is_storage and is_too_fast(step, summaries):
        yield Flag.FASTER_THAN_STORAGE


def is_too_fast(step: Step, summaries: Sequence[Summary]) -> bool:
    """Whether the mean read of any agent came faster than it can come from storage.

    False does not mean that storage was read: at a depth of 16 even holes take 28 us, because
    one I/O waits for the others.
    """
    floor_ns = max(LEAST_READ_NS, step.block_size_bytes / MOST_BYTES_PER_NS)
    return any(
        (summary.op, summary.metric) == (Op.READ, "lat_mean") and summary.value < floor_ns
        for summary in summaries
    )
