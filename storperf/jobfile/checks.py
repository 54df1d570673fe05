"""Checks that look at several keys of a job file at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from storperf.fio import engines
from storperf.fio.job_text import largest_span, read_sections
from storperf.jobfile import defaults
from storperf.jobfile.faults import Fault, nearest
from storperf.jobfile.models import MAX_TRIALS, JobFile
from storperf.jobfile.pairing import pairing_faults, untrusted_reference_faults
from storperf.jobfile.precondition_checks import (
    file_faults,
    file_system_faults,
    formatting_faults,
    precondition_faults,
    untrusted_faults,
)
from storperf.jobfile.probe_checks import (
    observe_faults,
    probe_faults,
    untrusted_watching_faults,
)
from storperf.jobfile.provider_checks import (
    agent_faults,
    provider_faults,
    untrusted_provider_faults,
)
from storperf.jobfile.source import Path
from storperf.jobfile.target_checks import (
    engine_faults,
    target_faults,
    untrusted_target_faults,
)
from storperf.model.ending import Ending
from storperf.model.job import Op, Origin, Workload
from storperf.units import render_duration, render_size

# From 1 to the deepest queue there is.
_MOST_DOUBLINGS = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A job file whose keys are right one by one; `wrong` names those that were not.

    At or below the paths of `vouched` the server's configuration speaks, whatever the origin.
    """

    file: JobFile
    workloads: tuple[Workload, ...]
    origin: Origin
    wrong: frozenset[str]
    vouched: frozenset[Path] = frozenset()

    def has(self, *keys: str) -> bool:
        """Whether all these keys can be looked at."""
        return self.wrong.isdisjoint(keys)


def cross_faults(checked: Checked) -> Iterator[Fault]:
    """What is wrong between keys; each check looks only at keys that are right by themselves."""
    for keys, check in _CHECKS:
        if checked.has(*keys):
            yield from check(checked)


def _sizes(checked: Checked) -> Iterator[Fault]:
    span = defaults.span_bytes(checked.file.target)
    if span is None:
        return
    for index, block in enumerate(checked.file.matrix.block_size):
        wrong = _block_fault(block, span)
        if wrong is not None:
            yield Fault(("matrix", "block_size", index), wrong)
    for workload in checked.workloads:
        if workload.fio_file is not None and largest_span(read_sections(workload.fio_file)) > span:
            yield Fault(("workloads",), f"{workload.name!r} has a size of more than the target")
        for block in workload.block_sizes_bytes or ():
            wrong = _block_fault(block, span)
            if wrong is not None:
                shown = render_size(block)
                yield Fault(("workloads",), f"{workload.name!r} has a bs of {shown}, which {wrong}")


def _block_fault(block: int, span: int) -> str | None:
    """What is wrong with blocks of this size on this span; its end would never be touched."""
    if block > span:
        return f"is more than the target's {render_size(span)}"
    if span % block:
        return (
            f"does not divide the target's {render_size(span)}: the last "
            f"{render_size(span % block)} would never be touched"
        )
    return None


def _ending(checked: Checked) -> Iterator[Fault]:
    file = checked.file
    if file.duration is not None and file.until is not None:
        yield Fault(("until",), "`duration` and `until` exclude each other; leave one out")
        return
    ending = defaults.ending(file)
    if file.until is not None and file.until.need is not None and len(ending.rules) == 1:
        yield Fault(("until", "need"), "combines several rules, and there is one; leave it out")
    yield from _windows(ending)
    if checked.has("interval"):
        yield from _divided(ending, file.interval, defaults.interval_s(file))


def _windows(ending: Ending) -> Iterator[Fault]:
    """What a rule has to look at must fit into the deadline."""
    most_s = ending.runtime_s
    steady, storperf = ending.until_steady, ending.until_storperf
    windows = []
    if steady is not None:
        windows.append((steady.rounds, "rounds", steady.round_s))
    if storperf is not None:
        windows.append((storperf.samples, "samples", storperf.sample_s))
    for count, name, length_s in windows:
        if count * length_s > most_s:
            window = f"{count} {name} of {render_duration(length_s)}"
            yield Fault(("until",), f"{window} do not fit into at_most, {render_duration(most_s)}")


def _divided(ending: Ending, written_s: float | None, interval_s: float) -> Iterator[Fault]:
    """An interval divides what is looked at, and there must be enough of them."""
    steady, storperf, confident = (
        ending.until_steady,
        ending.until_storperf,
        ending.until_confident,
    )
    shortest_s = min(
        ending.runtime_s,
        ending.runtime_s if steady is None else steady.round_s,
        ending.runtime_s if storperf is None else storperf.sample_s,
    )
    if written_s is not None and written_s > shortest_s:
        yield Fault(("interval",), f"is longer than {render_duration(shortest_s)}, what it divides")
    elif confident is not None and confident.at_least * interval_s > ending.runtime_s:
        yield Fault(
            ("until", "confident"),
            f"{confident.at_least} intervals of {render_duration(interval_s)} do not fit into "
            f"at_most, {render_duration(ending.runtime_s)}",
        )


def _adaptive(checked: Checked) -> Iterator[Fault]:
    """Rounds and searches decide for themselves what others would say."""
    file = checked.file
    if file.rounds is not None:
        for key in ("until", "search"):
            if getattr(file, key) is not None:
                yield Fault((key,), f"`rounds` and `{key}` exclude each other; leave one out")
        if file.repeats > 1:
            yield Fault(("repeats",), "`rounds` repeat every step already; leave it out")
        if file.rounds.window > file.rounds.at_most:
            yield Fault(("rounds", "window"), "is more than at_most")
    if file.search is None:
        return
    depths = file.search.queue_depth
    if file.matrix.queue_depth is not None:
        yield Fault(("matrix", "queue_depth"), "`search` looks for the queue depth; leave it out")
    if depths.first > depths.at_most:
        yield Fault(("search", "queue_depth", "first"), "is more than at_most")
    if file.ioengine in engines.SYNCHRONOUS:
        yield Fault(
            ("search",), f"{file.ioengine} does one I/O at a time; there is no depth to find"
        )


def _cached(checked: Checked) -> Iterator[Fault]:
    if checked.file.ioengine in engines.ALWAYS_CACHED and checked.file.direct:
        yield Fault(
            ("ioengine",),
            f"{checked.file.ioengine} goes through the page cache; write `direct: false` as well",
        )


def _depth(checked: Checked) -> Iterator[Fault]:
    engine = checked.file.ioengine
    if engine not in engines.SYNCHRONOUS:
        return
    why = f"{engine} does one I/O at a time, so the queue depth can only be 1"
    for index, depth in enumerate(checked.file.matrix.queue_depth or ()):
        if depth != 1:
            yield Fault(("matrix", "queue_depth", index), why)
    for workload in checked.workloads:
        if workload.queue_depths not in (None, (1,)):
            yield Fault(("workloads",), f"{workload.name!r} pins iodepth, but {why}")


def _agents(checked: Checked) -> Iterator[Fault]:
    yield from agent_faults(checked.file)


def _provider(checked: Checked) -> Iterator[Fault]:
    yield from provider_faults(checked.file)


def _verifies(checked: Checked) -> Iterator[Fault]:
    """What was not written with checksums cannot be verified: the storage would be accused."""
    for workload in checked.workloads:
        if workload.option("verify") is not None and Op.WRITE not in workload.ops:
            yield Fault(
                ("workloads",),
                f"{workload.name!r} verifies data that it never wrote; give it rw: write or "
                "randwrite, then it reads back what it has written (suite `integrity` does)",
            )


def _trims(checked: Checked) -> Iterator[Fault]:
    target = checked.file.target
    if target.directory is None and target.mkfs is None:
        return
    for workload in checked.workloads:
        if Op.TRIM in workload.ops:
            yield Fault(("workloads",), f"{workload.name!r} trims; only a device can be trimmed")


def _limits(checked: Checked) -> Iterator[Fault]:
    """A limit that no step can break would be met without a measurement."""
    by_name = {workload.name: workload for workload in checked.workloads}
    for index, limit in enumerate(checked.file.limits):
        path = ("limits", index)
        if limit.workload is not None and limit.workload not in by_name:
            near = nearest(limit.workload, by_name)
            yield Fault(path, f"the job has no workload {limit.workload!r}; {near}")
            continue
        concerned = [by_name[limit.workload]] if limit.workload else list(by_name.values())
        if limit.op is not None and not any(limit.op in each.ops for each in concerned):
            yield Fault(path, f"no workload that it speaks of does any {limit.op}")


def _count(checked: Checked) -> Iterator[Fault]:
    matrix = checked.file.matrix
    search = checked.file.search
    depths = defaults.queue_depths(checked.file) if search is None else (1,) * _MOST_DOUBLINGS
    steps = 0
    for workload in checked.workloads:
        blocks = 1 if workload.is_mixed else len(workload.block_sizes_bytes or matrix.block_size)
        jobs = len(workload.numjobs or matrix.numjobs)
        steps += blocks * jobs * len(matrix.agents) * len(workload.queue_depths or depths)
    rounds = checked.file.rounds
    trials = steps * (checked.file.repeats if rounds is None else rounds.at_most)
    if trials > MAX_TRIALS:
        yield Fault(("matrix",), f"{trials} trials are planned; at most {MAX_TRIALS} are possible")


def _untrusted(checked: Checked) -> Iterator[Fault]:
    """An untrusted job file may not choose programs or places of this machine."""
    if checked.origin is Origin.TRUSTED:
        return
    for fault in _of_untrusted(checked):
        if not any(fault.path[: len(path)] == path for path in checked.vouched):
            yield fault


def _of_untrusted(checked: Checked) -> Iterator[Fault]:
    file = checked.file
    if checked.has("allow_unsafe_fio_options") and file.allow_unsafe_fio_options:
        yield Fault(("allow_unsafe_fio_options",), "is not possible in an untrusted job file")
    if checked.has("provider"):
        yield from untrusted_provider_faults(file)
    if checked.has("precondition"):
        yield from untrusted_faults(file)
    if checked.has("graphite") and file.graphite is not None:
        yield Fault(("graphite",), "an untrusted job file may name no server")
    if checked.has("probes", "observe"):
        yield from untrusted_watching_faults(file)
    if checked.has("target"):
        yield from formatting_faults(file)
        yield from untrusted_target_faults(file)
    if checked.has("target", "reference"):
        yield from untrusted_reference_faults(file)


_CHECKS = (
    (("target",), lambda checked: target_faults(checked.file)),
    (("target", "reference", "confirm"), lambda checked: pairing_faults(checked.file)),
    (("target", "matrix", "workloads"), _sizes),
    (("duration", "until"), _ending),
    (("rounds", "search", "until", "repeats", "matrix", "ioengine"), _adaptive),
    (
        ("target", "ioengine", "allow_unsafe_fio_options"),
        lambda checked: engine_faults(checked.file, checked.workloads),
    ),
    (("ioengine", "direct"), _cached),
    (("ioengine", "matrix", "workloads"), _depth),
    (("matrix", "provider"), _agents),
    (("provider", "target"), _provider),
    (("probes", "observe"), lambda checked: probe_faults(checked.file)),
    (("observe",), lambda checked: observe_faults(checked.file)),
    (("target", "workloads"), _trims),
    (("workloads",), _verifies),
    (("limits", "workloads"), _limits),
    (("matrix", "workloads", "repeats", "rounds", "ioengine"), _count),
    (("target", "precondition"), lambda checked: precondition_faults(checked.file)),
    (("target", "matrix"), lambda checked: file_faults(checked.file)),
    (("target", "precondition"), lambda checked: file_system_faults(checked.file)),
    ((), _untrusted),
)
