"""Whether a fio job's figures are a measurement, a part of one, or none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from storperf.fio.ending import explain_failure
from storperf.imports.figures import FioJobFigures
from storperf.units import parse_duration_s, parse_size

# fio's clock and the runtime asked for may differ by the last, unfinished I/O.
_LEAST_RUNTIME = 0.9
_SIGNAL = re.compile(r"fio: terminating on signal (\d+)")
_LOST = (
    re.compile(r"client: host=(\S+) disconnected"),
    re.compile(r"fio: failed to connect to (\S+)"),
    re.compile(r"client <([^>]+)>: .*timeout"),
)


def lost_servers(notes: Sequence[str]) -> tuple[str, ...]:
    """Servers of client/server mode that went away or were never there, as fio names them.

    fio ends well without them, and its document does not mention them.
    """
    found = (match[1] for note in notes for rule in _LOST if (match := rule.search(note)))
    return tuple(dict.fromkeys(found))


def judge_end(
    job: FioJobFigures, notes: Sequence[str], *, lost: Sequence[str], is_cut_off: bool
) -> FioJobFigures:
    """The same figures with what speaks against them.

    fio says error 0 where it could not open its target (seen with 3.33), and after SIGINT and
    SIGTERM: what it did and what it said count for more.
    """
    if job.fault:
        return job
    return replace(
        job,
        fault=_fault(job, notes),
        partial=_partial(job, notes, lost=lost, is_cut_off=is_cut_off),
    )


def _fault(job: FioJobFigures, notes: Sequence[str]) -> str:
    done = sum(1 for each in job.directions if each.ios or each.bytes)
    if job.error:
        failure = explain_failure(
            exit_status=1,
            signal=None,
            stopped_by_us=False,
            timed_out=False,
            documents=1,
            total_ios=done,
            errors=(job.error,),
            last_lines=notes,
        )
        return failure.sentence if failure else f"fio reports error {job.error}"
    if not done:
        said = next((note for note in notes if "fio:" in note), "")
        return "it did no I/O" + (f"; fio said: {said}" if said else "")
    return ""


def _partial(
    job: FioJobFigures, notes: Sequence[str], *, lost: Sequence[str], is_cut_off: bool
) -> str:
    if is_cut_off:
        return "its last document gives no figures; these are those up to the one before it"
    stopped = next((match for note in notes if (match := _SIGNAL.search(note))), None)
    if stopped is not None:
        return f"fio was ended by signal {stopped[1]}"
    if lost:
        return f"servers are missing: {', '.join(lost)}"
    if job.is_at_its_end is False:
        return _early(job)
    return ""


def _early(job: FioJobFigures) -> str:
    """fio did not count it as ended, and it ran for less than was asked and did less."""
    options = dict(job.options or ())
    asked_s = _read(parse_duration_s, options.get("runtime", options.get("timeout")))
    if not asked_s or job.runtime_ms >= asked_s * 1000 * _LEAST_RUNTIME:
        return ""
    if _did_its_size(job, options):
        return ""
    return f"it ended after {job.runtime_ms / 1000:g} s of {asked_s:g} s"


def _did_its_size(job: FioJobFigures, options: dict[str, str]) -> bool:
    """Whether it did just the size that was asked for; one with time_based does more."""
    size = _read(parse_size, options.get("io_size", options.get("size")))
    loops = _read(float, options.get("loops")) or 1
    clones = _read(float, options.get("numjobs")) or 1
    done = sum(each.bytes for each in job.directions)
    # One clone, or all of them as one (group_reporting).
    return any(done == (size or 0) * loops * count for count in (1, clones))


def _read(parse: Callable[[str], float], text: str | None) -> float | None:
    """What an option says; None when it is absent or in words of fio's own (`100%`)."""
    try:
        return None if text is None else parse(text)
    except ValueError:
        return None
