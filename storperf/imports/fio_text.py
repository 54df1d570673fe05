"""Any text that fio left, as the results that are in it, or the reason why there are none."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from storperf.fio.ending import FailureKind, explain_failure
from storperf.fio.walk import Note, Piece, iter_pieces
from storperf.imports.ends import judge_end, lost_servers
from storperf.imports.figures import FioResult, FioSnapshot, NotAResultError
from storperf.imports.fio_json import read_document
from storperf.imports.fio_terse import is_terse, read_line
from storperf.imports.rounds import continues, rounds_of

_NOT_FINITE = re.compile(rb'"([^"\n]{1,80})"\s*:\s*(-?(?:nan|inf(?:inity)?))\b', re.IGNORECASE)
_LONGEST_SAID = 3


@dataclass(slots=True)
class _Run:
    """One run of fio while its documents come by."""

    snapshots: list[FioSnapshot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    is_cut_off: bool = False


def read_fio(content: bytes) -> tuple[FioResult, ...]:
    """The results in fio's output, in their order; more than one when outputs were appended.

    Documents of one run of fio are cumulative: the last complete one is its total, those before
    it are how it came there.  A document that is torn, or holds what is no number, gives no
    figures; when it is the last one, the total is what the one before it says, and marked as
    a part.  NotAResultError when there are no figures at all.
    """
    text = _plain(content)
    documents = _json_runs(text)
    runs = documents or _terse_runs(text)
    found = [_result(run) for run in runs if run.snapshots]
    if not found:
        raise NotAResultError(_why_nothing(text, runs))
    return tuple(found)


def _plain(content: bytes) -> bytes:
    """UTF-8 without a byte order mark; PowerShell's `>` writes UTF-16."""
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return content.decode(name, "replace").encode()
    return content.removeprefix(codecs.BOM_UTF8)


def _json_runs(text: bytes) -> list[_Run]:
    """The runs of fio whose documents are in the text; none when it holds no document."""
    runs: list[_Run] = []
    notes: list[str] = []
    torn: list[str] = []
    for part in iter_pieces(text):
        if isinstance(part, Note):
            notes.append(part.text)
            continue
        try:
            snapshots = _snapshots(_tree(text, part))
        except NotAResultError as error:
            torn.append(str(error))
            continue
        for snapshot in snapshots:
            if not runs or not continues(runs[-1].snapshots[-1], snapshot):
                if runs:
                    # What stands between two runs may speak of either.
                    _end(runs[-1], notes, torn)
                runs.append(_Run())
            runs[-1].snapshots.append(snapshot)
        _take(runs[-1], notes, torn)
        notes, torn = [], []
    if not runs and torn:
        return [_Run(notes=notes, remarks=torn)]
    if runs:
        _end(runs[-1], notes, torn)
    return runs


def _end(run: _Run, notes: Sequence[str], torn: Sequence[str]) -> None:
    """Take in what comes behind a run's last good document."""
    run.is_cut_off = bool(torn)
    _take(run, notes, torn)


def _take(run: _Run, notes: Sequence[str], torn: Sequence[str]) -> None:
    run.notes += [note for note in notes if note not in run.notes]
    run.remarks += [f"A document of it is left out: {each}." for each in torn]


def _tree(text: bytes, piece: Piece) -> Any:
    if piece.fault:
        raise NotAResultError(piece.fault)
    # A job's name may be of any bytes; they are its name all the same.
    raw = text[piece.start : piece.end].decode("utf-8", "replace").encode()
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise NotAResultError(_explain(raw, error)) from error


def _explain(raw: bytes, error: Exception) -> str:
    found = _NOT_FINITE.search(raw)
    if found is not None:
        name, value = (group.decode("utf-8", "replace") for group in found.groups())
        return f"its {name} is {value}, which is no number"
    if "truncated" in str(error):
        return "its end is missing"
    return f"it is no JSON ({error})"


def _snapshots(tree: Any) -> list[FioSnapshot]:
    """A document's snapshots: one, but in client/server mode one a status interval."""
    if not isinstance(tree, dict):
        raise NotAResultError("it is JSON, but no object")
    snapshot = read_document(tree)
    if "client_stats" not in tree or "jobs" in tree:
        return [snapshot]
    rounds = rounds_of(snapshot.jobs)
    return [
        replace(
            snapshot, jobs=jobs, timestamp_s=None if number < len(rounds) else snapshot.timestamp_s
        )
        for number, jobs in enumerate(rounds, start=1)
    ]


def _terse_runs(text: bytes) -> list[_Run]:
    lines = text.decode("utf-8", "replace").splitlines()
    notes = [line.strip() for line in lines if line.strip() and not is_terse(line)]
    run = _Run(notes=notes)
    read = []
    for line in filter(is_terse, lines):
        try:
            read.append((line[0], *read_line(line)))
        except NotAResultError as error:
            run.remarks.append(str(error))
    if run.remarks or not read:
        # A line that is left out could be a fio job whose I/O is then missing from every sum.
        return [run] if run.remarks else []
    form, version = f"terse v{read[0][0]}", read[0][1]
    try:
        rounds = rounds_of([job for _, _, job in read])
    except NotAResultError as error:
        return [replace(run, remarks=[str(error)])]
    run.snapshots = [
        FioSnapshot(version=version, form=form, timestamp_s=None, jobs=jobs) for jobs in rounds
    ]
    return [run]


def _result(run: _Run) -> FioResult:
    remarks = list(run.remarks)
    lost = lost_servers(run.notes)
    if lost:
        remarks.append(f"Servers whose figures are missing: {', '.join(lost)}.")
    total = run.snapshots[-1]
    jobs = tuple(
        judge_end(job, run.notes, lost=lost, is_cut_off=run.is_cut_off) for job in total.jobs
    )
    return FioResult(
        total=replace(total, jobs=jobs),
        earlier=tuple(run.snapshots[:-1]),
        notes=tuple(run.notes),
        remarks=tuple(remarks),
    )


def _is_about_an_option(said: Sequence[str]) -> bool:
    """Whether it is fio's complaint about an option, for which it prints text instead of JSON."""
    failure = explain_failure(
        exit_status=1,
        signal=None,
        stopped_by_us=False,
        timed_out=False,
        documents=0,
        total_ios=0,
        errors=(),
        last_lines=said,
    )
    return failure is not None and failure.kind is FailureKind.BAD_OPTION


def _why_nothing(text: bytes, runs: Sequence[_Run]) -> str:
    remarks = [each for run in runs for each in run.remarks]
    if remarks:
        return remarks[0]
    if not text.strip():
        return "it is empty"
    said = [note for part in iter_pieces(text) if isinstance(part, Note) for note in [part.text]]
    lines = "; ".join(said[:_LONGEST_SAID])
    if _is_about_an_option(said):
        return f"fio refused an option and measured nothing; it said: {lines}"
    return f"it holds no result of fio; it says: {lines}"
