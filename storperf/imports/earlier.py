"""An earlier run as a Graphite still has it, and what could be made of it: values alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from storperf.model.job import Plan
from storperf.model.run import Summary, Trial
from storperf.stats.rebuilt import Streams
from storperf.stats.table import IntervalTable

KIND = "graphite"


class FigureSource(StrEnum):
    """Where a figure is from."""

    SECONDS = "seconds"
    SUMMARY = "summary"
    THINNED = "thinned"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTrial:
    """The seconds in which a step was measured; each second begins `resolution_s` of them."""

    step_key: str
    side: str
    repeat: int
    seconds: frozenset[int]
    resolution_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """What a Graphite has of a run.  Times are epoch seconds.

    `streams` goes by side, `own` by (step, side, direction, metric): the run's summary points.
    What its summary would say is None where that is gone.
    """

    started_s: int
    ended_s: int | None
    exit_code: int | None
    was_clean: bool | None
    trials: tuple[EarlierTrial, ...]
    streams: Mapping[str, Streams]
    own: Mapping[tuple[str, str, str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractedFigure:
    """A figure over all agents; `own` is what the run itself said, None when that is gone.

    `limit` is how far both may be apart (a share), by the grid of the points.
    """

    trial: str
    step: str
    side: str
    op: str
    metric: str
    value: float
    source: FigureSource
    own: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What could be made of an earlier run; `refused` says what could not, a sentence each."""

    plan: Plan
    trials: tuple[Trial, ...]
    summaries: tuple[Summary, ...]
    tables: Mapping[str, IntervalTable]
    figures: tuple[ExtractedFigure, ...]
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractOutcome:
    """What became of one earlier run.

    `state`: `extracted` into the run `run`; `known`, there already as `run`; `refused`.
    `enters_baseline`: it is judged by from now on; else `sentence` says why not.
    """

    started_s: int
    state: str
    run: str | None
    enters_baseline: bool
    sentence: str
    figures: tuple[ExtractedFigure, ...] = ()
    refused: tuple[str, ...] = ()
