"""A fio log from its bytes to its figures, alone or together with others of its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from storperf.errors import UsageError
from storperf.fio.hist_lines import HistLines
from storperf.fio.log_kind import LogForm
from storperf.fio.log_lines import LogLines
from storperf.fio.log_sums import LogSums
from storperf.model.fio_log import Exactness, FioLog, KnownFrom, LogKind

# fio writes a window some ms late.
_LONGER = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLog:
    """A log that was read to its end; `torn` is what stands behind its last line end."""

    name: str
    form: LogForm
    lines: int
    torn: str
    sums: LogSums


def read_log(
    name: str, chunks: Iterable[bytes], form: LogForm, interval_ms: int | None = None
) -> ReadLog:
    """Read a log piece by piece, with slices of `interval_ms` if asked.

    UsageError with the line that is none, without any line, and for slices that are shorter
    than the windows of a histogram log.
    """
    if form.kind is LogKind.HISTOGRAM:
        return _read_histograms(name, chunks, form, interval_ms)
    lines, sums = LogLines(name), LogSums(form, interval_ms)
    for chunk in chunks:
        rows = lines.feed(chunk)
        if rows is not None:
            sums.add_rows(rows)
    _require_lines(name, lines.lines)
    return ReadLog(name=name, form=form, lines=lines.lines, torn=lines.finish(), sums=sums)


def render_log(read: ReadLog) -> FioLog:
    """What a log says."""
    return _render([read])


def render_together(reads: Sequence[ReadLog]) -> FioLog:
    """What logs of one kind and unit say together, as if all their I/Os were in one.

    UsageError when they differ, or when one holds averages.  The sums of the first one are
    those of all afterwards.
    """
    first = reads[0]
    for read in reads:
        if (read.form.kind, read.form.unit) != (first.form.kind, first.form.unit):
            raise UsageError(f"{first.name} and {read.name} differ in kind or unit")
        if read.sums.averaged_ms:
            raise UsageError(f"{read.name} holds averages, which cannot be added up")
    for read in reads[1:]:
        first.sums.absorb(read.sums)
    return _render(reads)


def _read_histograms(
    name: str, chunks: Iterable[bytes], form: LogForm, interval_ms: int | None
) -> ReadLog:
    """The number of buckets tells the unit, which the sums must know before the first row."""
    lines, sums = HistLines(name), LogSums(form, interval_ms)
    for chunk in chunks:
        for row in lines.feed(chunk):
            if form.unit_from is not KnownFrom.FILE:
                if form.unit_from is KnownFrom.ASKED and form.unit is not lines.unit:
                    raise UsageError(f"{name} counts {lines.unit.value}, not {form.unit.value}")
                form = replace(form, unit=lines.unit, unit_from=KnownFrom.FILE)
                sums = LogSums(form, interval_ms)
            sums.add_window(row)
    _require_lines(name, lines.lines)
    if interval_ms and sums.window_ms > _LONGER * interval_ms:
        raise UsageError(
            f"{name} holds a histogram every {sums.window_ms} ms; it cannot be cut into "
            f"intervals of {interval_ms} ms",
            source=name,
        )
    return ReadLog(name=name, form=form, lines=lines.lines, torn=lines.finish(), sums=sums)


def _require_lines(name: str, lines: int) -> None:
    if not lines:
        raise UsageError(f"{name} holds no whole line of a fio log", source=name)


def _render(reads: Sequence[ReadLog]) -> FioLog:
    form, sums = reads[0].form, reads[0].sums
    figures = tuple(sums.figures())
    return FioLog(
        files=tuple(read.name for read in reads),
        kind=form.kind,
        kind_from=form.kind_from,
        unit=form.unit,
        unit_from=form.unit_from,
        lines=sum(read.lines for read in reads),
        first_s=sums.first_ms / 1000,
        last_s=sums.last_ms / 1000,
        is_epoch=sums.is_epoch,
        averaged_ms=sums.averaged_ms,
        torn=tuple(read.torn for read in reads if read.torn),
        figures=figures,
        slices=tuple(sums.slices()),
        notes=tuple(_notes(reads, {each.percentiles_from for each in figures})),
    )


def _notes(reads: Sequence[ReadLog], ranked_by: set[Exactness | None]) -> Iterator[str]:
    """What a reader of the figures must know, a sentence each."""
    form, averaged_ms = reads[0].form, reads[0].sums.averaged_ms
    if form.kind_from is KnownFrom.ASSUMED:
        yield f"nothing in the name says what it is a log of; taken as {form.kind.value}"
    if form.unit_from is KnownFrom.ASSUMED:
        yield "latencies were taken as ns, as fio 3 writes them; those of fio 2 need --unit us"
    if averaged_ms:
        yield (
            f"each line is an average over {averaged_ms} ms (log_avg_msec), so there are no "
            "percentiles" + (" and no mean of I/Os" if form.kind.is_latency else "")
        )
    if Exactness.BUCKETS in ranked_by:
        yield "percentiles are those of fio's buckets, whose value is off by at most 1/128"
    for read in reads:
        if read.torn:
            yield f"{read.name} ends inside of a line, which was left out: {read.torn!r}"
