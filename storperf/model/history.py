"""All runs of a job, figure by figure."""

from __future__ import annotations

from dataclasses import dataclass

from storperf.model.baseline import Anchor
from storperf.model.run import Run
from storperf.model.verdict import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What the next run's value of a figure would be held against.

    `centre` is the baseline's, `suspicious` the value from which on it would be called so; both
    in the metric's unit.  `runs` are the accepted runs behind it, oldest first.
    """

    centre: float
    suspicious: float
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """A run's value of a figure, with the interval of its mean where that is defined.

    `reason` is that of the checks on this figure, None when there were none.  A value under
    another fingerprint than the newest run's `is_comparable` to it no more.
    """

    run: str
    created_s: float
    value: float
    low: float | None
    high: float | None
    reason: Reason | None
    is_comparable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChange:
    """Where a figure changed its level: `run` is the first of the new one.

    `before` and `after` are the levels in the metric's unit, the change is a share of the old
    one with its 95 % interval.  A report, not an alarm: see stats/changes.py.
    """

    run: str
    created_s: float
    before: float
    after: float
    change: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySeries:
    """One judged figure of one step and side over all runs, oldest first.

    `changes` are those among the comparable runs, oldest first.
    """

    step: str
    side: str
    op: str
    metric: str
    unit: str
    points: tuple[HistoryPoint, ...]
    band: Band | None
    changes: tuple[LevelChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHistory:
    """A job's runs in one lab, newest first, and its judged figures in the newest plan's order.

    `anchors` are the confirmed changes of level that its baselines began anew with, newest first,
    and who took one back.
    """

    job: str
    lab: str
    runs: tuple[Run, ...]
    series: tuple[HistorySeries, ...]
    anchors: tuple[Anchor, ...] = ()
