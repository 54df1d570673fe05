"""The use case of fio's logs: each file read once, a piece at a time.

Apart from `service`, whose store takes as long to load as half a million lines take to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from storperf.errors import UsageError
from storperf.fio.log_kind import form_of
from storperf.fio.log_reading import ReadLog, read_log, render_log, render_together
from storperf.model.fio_log import FioLog, FioLogs, LogKind, LogOutcome, LogUnit

# The fastest size on a core with 1 MiB of second-level cache; twice or half is 5 % slower.
_PIECE_BYTES = 1 << 19


def read_log_files(
    paths: Sequence[Path],
    *,
    kind: LogKind | None,
    unit: LogUnit | None,
    interval_ms: int | None,
) -> FioLogs:
    """What each file says, and what those of one kind say together; a refused one stops no other.

    `kind` and `unit` are what the user says of all of them; see `fio.log_kind`.
    """
    outcomes: list[LogOutcome] = []
    reads: list[ReadLog] = []
    for path in dict.fromkeys(paths):
        try:
            read = read_log(str(path), _pieces(path), form_of(path.name, kind, unit), interval_ms)
        except OSError as error:
            outcomes.append(LogOutcome(file=str(path), log=None, reason=error.strerror))
        except UsageError as error:
            line = error.facts.get("line")
            number = line if isinstance(line, int) else None
            outcomes.append(LogOutcome(file=str(path), log=None, reason=error.message, line=number))
        else:
            outcomes.append(LogOutcome(file=str(path), log=render_log(read)))
            reads.append(read)
    return FioLogs(outcomes=tuple(outcomes), together=tuple(_together(reads)))


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _together(reads: Sequence[ReadLog]) -> Iterator[FioLog]:
    """One log for all of a kind and unit, where there are several; averages are left out."""
    groups: dict[tuple[LogKind, LogUnit], list[ReadLog]] = {}
    for read in reads:
        if not read.sums.averaged_ms:
            groups.setdefault((read.form.kind, read.form.unit), []).append(read)
    for group in groups.values():
        if len(group) > 1:
            yield render_together(group)
