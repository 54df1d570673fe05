"""Which fio jobs of a result are one step, and what that step is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from storperf.fio.options import ALIASES, MIXED_BLOCK_SIZE, RW_VALUES
from storperf.imports.figures import FioJobFigures, Pairs
from storperf.model.job import Op, Step, Workload
from storperf.plan import fingerprint, key_name
from storperf.units import parse_size, render_size

# What a step's number is when the result does not tell it.
UNKNOWN = 0
# fio's own defaults (HOWTO) for options that a result does not list.
_DEFAULT_BLOCK = "4k"
_DEFAULT_RW = "read"
# Where it went, what it was called, what was written beside it: runs differ in them and are of
# the same thing all the same.
_NOT_MEASURING_WORDS = """
name description filename directory filename_format unique_filename opendir hostname
group_reporting stonewall wait_for exec_prerun exec_postrun
write_bw_log write_lat_log write_iops_log write_hist_log write_iolog bandwidth-log
log_avg_msec log_hist_msec log_hist_coarseness log_max_value log_offset log_compression
log_store_compressed log_unix_epoch log_alternate_epoch per_job_logs
percentile_list clat_percentiles lat_percentiles slat_percentiles significant_figures
output output-format terse-version status-interval eta minimal verify_dump error_dump
"""
_NOT_MEASURING = frozenset(_NOT_MEASURING_WORDS.split())
_WHOLE = re.compile(r"[0-9]{1,9}")
_LARGEST_BLOCK = 1 << 40
_IN_THE_CELL = frozenset({"iodepth", "numjobs", "bs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepJobs:
    """A step and the fio jobs of the result that are it, on every server."""

    step: Step
    jobs: tuple[FioJobFigures, ...]

    @property
    def servers(self) -> tuple[str | None, ...]:
        """Who ran it, in a fixed order; None is the machine that fio ran on."""
        return tuple(sorted({job.server for job in self.jobs}, key=lambda name: name or ""))


def steps_of(jobs: Sequence[FioJobFigures]) -> tuple[StepJobs, ...]:
    """The steps in the order of the result: fio jobs of one name, group and set of options.

    Clones of a fio job (numjobs) and the same fio job on several servers are one step.
    """
    groups: dict[tuple[object, ...], list[FioJobFigures]] = {}
    for job in jobs:
        groups.setdefault((job.group, job.name, _sorted(job.options)), []).append(job)
    found = []
    for group in groups.values():
        # stonewall, which fio does not list, begins a new group: only one group runs at a time.
        beside = {job.name for job in jobs if job.group == group[0].group} - {group[0].name}
        found.append(StepJobs(step=_step(group, sorted(beside)), jobs=tuple(group)))
    return _with_own_keys(found)


def _sorted(options: Pairs | None) -> tuple[Pairs, bool]:
    return tuple(sorted(options or ())), options is None


def _step(jobs: Sequence[FioJobFigures], beside: Sequence[str]) -> Step:
    first = jobs[0]
    options = _named(first.options or ())
    is_known = first.options is not None
    rw = options.get("rw", _DEFAULT_RW).split(":")[0]
    if not is_known or rw not in RW_VALUES:
        options["rw"] = _done(jobs)
    agents = len({job.server for job in jobs})
    numjobs = max(_whole(options.get("numjobs")) or 1, len(jobs) // agents)
    block = _block_size(options) if is_known else UNKNOWN
    depth = (_whole(options.get("iodepth")) or 1) if is_known else UNKNOWN
    workload = Workload(name=first.name, options=tuple(options.items()))
    measuring = (
        ("imported", "fio"),
        ("workload", _measured_options(options) if is_known else f"not named, {options['rw']}"),
        ("block_size_bytes", str(block)),
        ("queue_depth", str(depth)),
        ("numjobs", str(numjobs)),
        ("agents", str(agents)),
        ("beside", " ".join(shlex.quote(name) for name in beside)),
    )
    size = render_size(block) if block else ("mix" if is_known else "unknown")
    known = f"-bs{size}-qd{depth}" if is_known else ""
    return Step(
        key=f"{key_name(first.name)}{known}-nj{numjobs}-a{agents}",
        workload=workload,
        block_size_bytes=block,
        queue_depth=depth,
        numjobs=numjobs,
        agents=agents,
        fingerprint=fingerprint(measuring),
        measuring=measuring,
    )


def _named(options: Pairs) -> dict[str, str]:
    """Options under the one name that each has here; `buffered` is the opposite of `direct`."""
    return {
        name if name == "buffered" else ALIASES.get(name, name): value for name, value in options
    }


def _measured_options(options: dict[str, str]) -> str:
    return " ".join(
        sorted(
            shlex.quote(f"{name}={value}")
            for name, value in options.items()
            if name not in _NOT_MEASURING and name not in _IN_THE_CELL
        )
    )


def _done(jobs: Sequence[FioJobFigures]) -> str:
    """The directions that were seen, as fio's `rw`; whether it was random is not known."""
    ops = {each.op for job in jobs for each in job.directions if each.bytes or each.ios}
    if Op.TRIM in ops:
        return "trimwrite" if Op.WRITE in ops else "trim"
    if ops == {Op.READ, Op.WRITE}:
        return "rw"
    return "write" if ops == {Op.WRITE} else _DEFAULT_RW


def _block_size(options: dict[str, str]) -> int:
    if "bsrange" in options or "bssplit" in options:
        return MIXED_BLOCK_SIZE
    try:
        size = parse_size(options.get("bs", _DEFAULT_BLOCK))
    except ValueError:
        return MIXED_BLOCK_SIZE
    return size if size <= _LARGEST_BLOCK else MIXED_BLOCK_SIZE


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and _WHOLE.fullmatch(text) else None


def _with_own_keys(found: Sequence[StepJobs]) -> tuple[StepJobs, ...]:
    """Steps that would have one key get a number; which, depends on their order alone."""
    seen: dict[str, int] = {}
    kept = []
    for each in found:
        count = seen[each.step.key] = seen.get(each.step.key, 0) + 1
        key = each.step.key if count == 1 else f"{each.step.key}-{count}"
        kept.append(replace(each, step=replace(each.step, key=key)))
    return tuple(kept)
