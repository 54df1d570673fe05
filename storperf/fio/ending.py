"""Whether fio's end leaves a measurement, and if not, why."""

from __future__ import annotations

import errno
import os
import signal as signals
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# fio's exit status after SIGINT or SIGTERM; its last document is then complete.
STOPPED = 128
# What fio reports when a block read back is not what was written (EILSEQ on Linux).
VERIFY_ERROR = 84
_LONGEST_LINE = 300


class FailureKind(StrEnum):
    """What went wrong; `verify` is the storage's own fault, all others are infrastructure."""

    OPEN = "open"
    NO_SPACE = "no_space"
    VERIFY = "verify"
    IO_ERROR = "io_error"
    BAD_OPTION = "bad_option"
    KILLED = "killed"
    HUNG = "hung"
    NO_IO = "no_io"
    RUBBISH = "rubbish"
    LIES = "lies"
    EARLY = "early"
    AGENT = "agent"
    TARGET = "target"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class FioFailure:
    """Why there is no measurement, in one sentence."""

    kind: FailureKind
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FioEnd:
    """How fio ended and what it left: `errors` has each fio job's number of the last document."""

    exit_status: int | None
    signal: int | None
    stopped_by_us: bool
    timed_out: bool
    documents: int
    total_ios: int
    errors: tuple[int, ...]
    last_lines: tuple[str, ...]


def explain_failure(  # noqa: PLR0913 - the facts of one end, by keyword
    *,
    exit_status: int | None,
    signal: int | None,
    stopped_by_us: bool,
    timed_out: bool,
    documents: int,
    total_ios: int,
    errors: Sequence[int],
    last_lines: Sequence[str],
) -> FioFailure | None:
    """None for a usable measurement: exit 0, or 128 after our own stop, with I/O done.

    Otherwise the reason.  A verify error comes before everything else, because it is the one
    that speaks of the storage.
    """
    end = FioEnd(
        exit_status=exit_status,
        signal=signal,
        stopped_by_us=stopped_by_us,
        timed_out=timed_out,
        documents=documents,
        total_ios=total_ios,
        errors=tuple(errors),
        last_lines=tuple(last_lines),
    )
    for rule in (_verify, _killed, _job_error, _bad_end, _nothing):
        failure = rule(end)
        if failure is not None:
            return failure
    return None


def _verify(end: FioEnd) -> FioFailure | None:
    said = next((line for line in end.last_lines if line.startswith("verify:")), None)
    if VERIFY_ERROR not in end.errors and said is None:
        return None
    line = said or _telling_line(end)
    return _failure(FailureKind.VERIFY, "what was read back is not what was written", line)


def _killed(end: FioEnd) -> FioFailure | None:
    if end.timed_out:
        return _failure(
            FailureKind.HUNG, "fio did not end in time and was killed", _telling_line(end)
        )
    if end.signal is not None:
        try:
            name = signals.Signals(end.signal).name
        except ValueError:
            name = "unknown"
        return _failure(FailureKind.KILLED, f"fio was killed by signal {end.signal} ({name})", "")
    if end.exit_status is None:
        return _failure(FailureKind.OTHER, "nobody knows how fio ended", _telling_line(end))
    if end.exit_status == STOPPED and not end.stopped_by_us:
        return _failure(
            FailureKind.KILLED, "somebody else stopped fio by a signal", _telling_line(end)
        )
    return None


def _job_error(end: FioEnd) -> FioFailure | None:
    wrong = [error for error in end.errors if error]
    if not wrong:
        return None
    kind = FailureKind.NO_SPACE if errno.ENOSPC in wrong else FailureKind.IO_ERROR
    number = errno.ENOSPC if kind is FailureKind.NO_SPACE else wrong[0]
    words = f"{len(wrong)} of {len(end.errors)} fio jobs failed: {error_words(number)}"
    return _failure(kind, f"{words} (error {number})", _telling_line(end))


def error_words(number: int) -> str:
    """An errno in words; some ioengines report -1, which fio 3.33 prints as 4294967295."""
    return os.strerror(number) if number in errno.errorcode else "the ioengine gave no reason"


def _bad_end(end: FioEnd) -> FioFailure | None:
    """An exit status that is neither 0 nor our stop; fio reports some of these with error 0."""
    if end.exit_status in (0, STOPPED):
        return None
    text = "\n".join(end.last_lines)
    line = _telling_line(end)
    ended = f"fio ended with exit status {end.exit_status}"
    if os.strerror(errno.ENOSPC) in text:
        return _failure(FailureKind.NO_SPACE, os.strerror(errno.ENOSPC), line)
    if end.documents == 0:
        if any(sign in text for sign in _BAD_OPTION_SIGNS):
            return _failure(FailureKind.BAD_OPTION, "fio refused an option", line)
        return _failure(FailureKind.OTHER, f"{ended} before its first document", line)
    if end.total_ios == 0:
        return _failure(FailureKind.OPEN, "fio could not open its target, no I/O was done", line)
    return _failure(FailureKind.OTHER, ended, line)


def _nothing(end: FioEnd) -> FioFailure | None:
    if end.documents == 0:
        return _failure(
            FailureKind.RUBBISH, "fio ended well, but printed no document", _telling_line(end)
        )
    if end.total_ios == 0:
        return _failure(FailureKind.NO_IO, "fio ended well, but did no I/O", _telling_line(end))
    return None


_BAD_OPTION_SIGNS = (
    "failed parsing",
    "valid values",
    "Bad option",
    "unrecognized option",
    "failed to load engine",
    "not loadable",
    "parse error",
    "min value out of range",
    "max value out of range",
    "option is missing",
    "requires an argument",
)


def _telling_line(end: FioEnd) -> str:
    """The first line that names an error, else the last one."""
    lines = [line.strip() for line in end.last_lines if line.strip()]
    for sign in ("error", "fio:"):
        for line in lines:
            if sign in line:
                return line
    return lines[-1] if lines else ""


def _failure(kind: FailureKind, words: str, line: str) -> FioFailure:
    said = f"; it said: {line[:_LONGEST_LINE]}" if line else ""
    return FioFailure(kind=kind, sentence=f"{words}{said}")
