"""Defaults of a job file that depend on another key."""

from __future__ import annotations

from storperf.fio import engines
from storperf.jobfile.models import (
    DEFAULT_DURATION,
    DEFAULT_QUEUE_DEPTH,
    DEFAULT_SPAN_BYTES,
    SHORT_TRIAL_S,
    JobFile,
)
from storperf.jobfile.precondition_section import RandomSection
from storperf.jobfile.scalars import ALWAYS
from storperf.jobfile.target_section import TargetSection
from storperf.jobfile.until import SteadySection, StorperfRuleSection
from storperf.model.ending import (
    ConfidentRule,
    DepthSearch,
    Ending,
    Need,
    Rounds,
    SteadyRule,
    StorperfRule,
)
from storperf.model.job import Precondition, RandomWrites, Sensors
from storperf.model.target import TargetKind
from storperf.units import parse_duration_s

SHORTEST_ROUND_S = 10.0
# Five windows of five rounds fit into the deadline.
ROUNDS_IN_DEADLINE = 25


def span_bytes(target: TargetSection) -> int | None:
    """The span in bytes; None is the whole device."""
    if target.size is None and (not target.is_device or target.mkfs is not None):
        return DEFAULT_SPAN_BYTES
    if target.size is None and target.volume is not None:
        return target.volume.size
    return target.size


def kind(target: TargetSection) -> TargetKind:
    """What the target is, by the key that stands there."""
    if target.null_engine:
        return TargetKind.NULL
    if target.nbd is not None:
        return TargetKind.NBD
    if target.rbd is not None:
        return TargetKind.RBD
    return TargetKind.DEVICE if target.is_device else TargetKind.DIRECTORY


def ioengine(file: JobFile) -> str:
    """The engine that the target says, else the one that is named."""
    return engines.of_target(kind(file.target)) or file.ioengine or engines.DEFAULT


def queue_depths(file: JobFile) -> tuple[int, ...]:
    """The matrix's depths; by default what the engine can do."""
    if file.matrix.queue_depth is not None:
        return file.matrix.queue_depth
    return (1,) if ioengine(file) in engines.SYNCHRONOUS else (DEFAULT_QUEUE_DEPTH,)


def ending(file: JobFile) -> Ending:
    """When a trial ends."""
    if file.until is None:
        return Ending(runtime_s=file.duration or parse_duration_s(DEFAULT_DURATION))
    until = file.until
    is_named = until.steady or until.storperf or until.confident
    steady = until.steady if is_named else SteadySection()
    storperf, confident = until.storperf, until.confident
    return Ending(
        runtime_s=until.at_most,
        until_steady=None if steady is None else _steady_rule(steady, until.at_most),
        until_storperf=None if storperf is None else _storperf_rule(storperf),
        until_confident=None
        if confident is None
        else ConfidentRule(half_width=confident.half_width, at_least=confident.at_least),
        need=until.need or Need.ALL,
    )


def interval_s(file: JobFile) -> float:
    """The reporting interval in seconds, short where a trial is short."""
    if file.interval is not None:
        return file.interval
    return 0.25 if ending(file).runtime_s < SHORT_TRIAL_S else 1.0


def sensors(file: JobFile) -> Sensors:
    """How hosts are sampled; no faster than once a second unless it is asked for."""
    asked = file.sensors
    every_s = max(1.0, interval_s(file)) if asked.interval is None else asked.interval
    return Sensors(interval_s=every_s, processes=asked.processes)


def rounds(file: JobFile) -> Rounds | None:
    """SNIA's rounds, if the job has them; a round of a step lasts a trial."""
    section = file.rounds
    if section is None:
        return None
    return Rounds(
        at_most=section.at_most,
        rule=SteadyRule(
            round_s=ending(file).runtime_s,
            rounds=section.window,
            range_limit=section.range,
            slope_limit=section.slope,
        ),
        track=section.track,
    )


def search(file: JobFile) -> DepthSearch | None:
    """What is searched for, if anything."""
    return None if file.search is None else DepthSearch(**file.search.queue_depth.model_dump())


def precondition(file: JobFile) -> Precondition:
    """What is done before measuring."""
    section = file.precondition
    return Precondition(
        fill=section.fill is not False,
        refill=section.fill == ALWAYS,
        passes=section.passes,
        block_size_bytes=section.block_size,
        queue_depth=section.queue_depth,
        random=None if section.random is None else _random_writes(section.random),
        purge=section.purge,
        drop_caches=section.drop_caches,
        settle_s=section.settle,
    )


def _random_writes(random: RandomSection) -> RandomWrites:
    round_s = max(SHORTEST_ROUND_S, random.at_most / ROUNDS_IN_DEADLINE)
    return RandomWrites(
        at_most_s=random.at_most,
        rule=SteadyRule(
            round_s=round_s if random.round is None else random.round,
            rounds=random.window,
            range_limit=random.range,
            slope_limit=random.slope,
        ),
        block_size_bytes=random.block_size,
        queue_depth=random.queue_depth,
    )


def _steady_rule(steady: SteadySection, at_most_s: float) -> SteadyRule:
    default_round = max(SHORTEST_ROUND_S, at_most_s / ROUNDS_IN_DEADLINE)
    return SteadyRule(
        round_s=default_round if steady.round is None else steady.round,
        rounds=steady.rounds,
        range_limit=steady.range,
        slope_limit=steady.slope,
    )


def _storperf_rule(storperf: StorperfRuleSection) -> StorperfRule:
    return StorperfRule(
        sample_s=storperf.sample,
        samples=storperf.samples,
        range_limit=storperf.range,
        slope_limit=storperf.slope,
    )
