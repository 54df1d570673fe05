"""The use cases for numbers from elsewhere: files and standard input, no store.

Apart from `service`, whose store takes longer to load than ten thousand cases take to judge.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from storperf.errors import UsageError
from storperf.model.change import Change
from storperf.model.decision import Case, Decision
from storperf.model.metric import METRICS
from storperf.model.series import Series
from storperf.model.steady_series import SteadySeries
from storperf.plain.cases import parse_cases
from storperf.plain.series import parse_history, parse_time_series
from storperf.plain.values import UNNAMED, parse_pairs, parse_values
from storperf.stats.changes import find_changes
from storperf.stats.judge_cases import judge_cases
from storperf.stats.multiple import without_chance
from storperf.stats.steady_series import judge_series

STDIN = "-"
Parsed = TypeVar("Parsed")


def read_numbers(source: str, parse: Callable[[Iterable[str], str], Parsed]) -> Parsed:
    """What `parse` makes of a file, or of standard input for `-`; UsageError when unreadable."""
    try:
        if source == STDIN:
            return parse(sys.stdin, "standard input")
        with open(source, encoding="utf-8", newline="") as file:  # noqa: PTH123 - as it was typed
            return parse(file, source)
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{source} is no text in UTF-8 ({error.reason})") from error


def judge_table(source: str, *, lower_is_better: bool, together: bool) -> list[Decision]:
    """A decision for each case of a table; `together` when they are the cells of one run."""
    cases = read_numbers(source, parse_cases)
    decisions = judge_cases([_directed(case, lower_is_better=lower_is_better) for case in cases])
    return without_chance(decisions) if together else decisions


def judge_files(  # noqa: PLR0913 - the options of the command
    *,
    baseline: str | None,
    candidate: str | None,
    pairs: str | None,
    prior_spread: float | None,
    lower_is_better: bool,
    primary: str | None,
) -> list[Decision]:
    """A decision for each metric of the files; the primary one is the first unless named.

    Raises UsageError for files that cannot be read, two that are both standard input, and a
    primary metric that no file has.
    """
    sources = (baseline, candidate, pairs)
    if sources.count(STDIN) > 1:
        raise UsageError("only one of the files can be standard input (-)")
    base, cand = (
        {} if source is None else read_numbers(source, parse_values)
        for source in (baseline, candidate)
    )
    paired = {} if pairs is None else read_numbers(pairs, parse_pairs)
    if list(paired) == [UNNAMED] and (measured := [*base, *cand]):
        # Pairs of no name are those of the metric that decides.
        paired = {measured[0] if primary is None else primary: paired[UNNAMED]}
    metrics = list(dict.fromkeys((*base, *cand, *paired)))
    if primary is not None and primary not in metrics:
        known = ", ".join(metric or "one without a name" for metric in metrics)
        raise UsageError(f"no file has the metric {primary!r}; there are: {known}")
    cases = [
        Case(
            name=metric,
            baseline=_of(base, metric),
            candidates=_of(cand, metric),
            pairs=_of(paired, metric),
            prior_spread=prior_spread,
            higher_is_better=_higher_is_better(metric, lower_is_better=lower_is_better),
        )
        for metric in metrics
    ]
    return without_chance(judge_cases(cases), metrics[0] if primary is None else primary)


def changes_of(source: str) -> list[tuple[Series, tuple[Change, ...]]]:
    """Each series of a table with its changes of level."""
    found = read_numbers(source, parse_history)
    return [(series, find_changes(np.array(series.values))) for series in found]


def steadiness_of(source: str) -> list[tuple[Series, SteadySeries]]:
    """Each series of a table over time with its judgement."""
    judged = []
    for series in read_numbers(source, parse_time_series):
        times_s = np.array([float(label) for label in series.labels])
        judged.append((series, judge_series(times_s, np.array(series.values))))
    return judged


Value = TypeVar("Value")


def _of(values: Mapping[str, Sequence[Value]], metric: str) -> tuple[Value, ...]:
    return tuple(values.get(metric, ()))


def _higher_is_better(metric: str, *, lower_is_better: bool) -> bool:
    """As the metric's name says where it is one of ours, else as the user says of all."""
    known = METRICS.get(metric) if metric != UNNAMED else None
    return not lower_is_better if known is None else known.higher_is_better


def _directed(case: Case, *, lower_is_better: bool) -> Case:
    return replace(case, higher_is_better=False) if lower_is_better else case
