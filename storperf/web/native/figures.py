"""Figures over several runs: a job's history, one set of runs against another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from storperf import comparing
from storperf.errors import UsageError
from storperf.histories import RUNS_SHOWN
from storperf.model.comparison import RunComparison
from storperf.model.history import JobHistory
from storperf.units import parse_moment_s
from storperf.web.callers import Reader
from storperf.web.native.parameters import WORD, JobName, Limit, MaybeLab
from storperf.web.native.reply import reply
from storperf.web.served import ServedBy

router = APIRouter(tags=["figures"])

# A comparison reads every one of them, 10 to 15 ms each, while others wait.
_MOST_COMPARED = 100

RunSetWords = Annotated[
    str,
    Query(
        pattern=WORD,
        max_length=2000,
        description="A run, several with commas between them, or conditions as `job=a,last=5`; "
        f"{_MOST_COMPARED} runs at most.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryDocument:
    """A job's runs in one lab and its judged figures over them."""

    schema: Literal["storperf-history/1"] = "storperf-history/1"
    history: JobHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonDocument:
    """One set of runs judged against another."""

    schema: Literal["storperf-comparison/2"] = "storperf-comparison/2"
    comparison: RunComparison


@router.get("/history", response_model=HistoryDocument)
def history(
    _caller: Reader, by: ServedBy, job: JobName, lab: MaybeLab = None, limit: Limit = RUNS_SHOWN
) -> Response:
    """Show a job's newest runs and its judged figures over them."""
    return reply(HistoryDocument(history=by.histories.of_job(job, lab, limit)))


@router.get("/comparisons", response_model=ComparisonDocument)
def compare(
    _caller: Reader, by: ServedBy, reference: RunSetWords, candidate: RunSetWords
) -> Response:
    """Judge the runs of `candidate` against those of `reference`."""
    found = comparing.compare_in(by.store, reference, candidate, _epoch_of, _MOST_COMPARED)
    return reply(ComparisonDocument(comparison=found))


def _epoch_of(name: str, text: str | None, now_s: float) -> float | None:
    if text is None:
        return None
    try:
        return parse_moment_s(text, now_s)
    except ValueError as error:
        raise UsageError(f"{name}{error}") from error
