"""The use case of a comparison: which runs a person's words name, and one set judged by another."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from storperf.errors import UnknownName, UsageError
from storperf.model.comparison import RunComparison, RunSet
from storperf.model.result import RunResult
from storperf.model.run import Run, RunState
from storperf.reports.environments import environment_differences
from storperf.run_results import load_result
from storperf.service import open_store
from storperf.settings import Settings
from storperf.store.store import Store

_TERMS = ("job", "lab", "title", "from", "until", "last")
_CONDITION = re.compile(rf"({'|'.join(_TERMS)})=(.*)", re.DOTALL)
EpochOf = Callable[[str, str | None, float], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Conditions:
    """What all runs of a set have in common; `title` is a pattern as of file names."""

    job: str | None
    lab: str | None
    title: str | None
    from_s: float | None
    until_s: float | None
    last: int | None


def compare(
    settings: Settings, reference_words: str, candidate_words: str, epoch_of: EpochOf
) -> RunComparison:
    """The runs that the second words name judged against those of the first.

    Words are runs (id, the beginning of one, `last`, a title), with commas between them; or
    conditions `job=`, `lab=`, `title=`, `from=`, `until=`, `last=`, which choose among the
    completed runs.  `epoch_of` reads times.  UnknownName or UsageError when words name no run,
    and when both sets have no measured step in common.
    """
    with open_store(settings) as store:
        return compare_in(store, reference_words, candidate_words, epoch_of)


def compare_in(
    store: Store,
    reference_words: str,
    candidate_words: str,
    epoch_of: EpochOf,
    most_runs: int | None = None,
) -> RunComparison:
    """The same in an open store; UsageError as well where words name more than `most_runs`."""
    # numpy and scipy are heavy: most commands do without.
    from storperf.stats.set_comparison import compare_sets

    reference, candidate = (
        _results(store, words, epoch_of, most_runs) for words in (reference_words, candidate_words)
    )
    checks = compare_sets(reference, candidate)
    if not checks:
        raise UsageError(f"{reference_words} and {candidate_words} have no measured step in common")
    return RunComparison(
        reference=RunSet(words=reference_words, runs=tuple(each.run for each in reference)),
        candidate=RunSet(words=candidate_words, runs=tuple(each.run for each in candidate)),
        checks=checks,
        environment=environment_differences(reference, candidate),
    )


def _results(
    store: Store, words: str, epoch_of: EpochOf, most_runs: int | None
) -> tuple[RunResult, ...]:
    runs = sorted(_named(store, words, epoch_of), key=lambda run: (run.created_s, run.id))
    if most_runs is not None and len(runs) > most_runs:
        raise UsageError(
            f"{words} names {len(runs)} runs, and at most {most_runs} of a side are compared here; "
            f"say last={most_runs}, or compare them with `storperf compare` on the server"
        )
    return tuple(load_result(store, run.id) for run in runs)


def _named(store: Store, words: str, epoch_of: EpochOf) -> list[Run]:
    parts = words.split(",")
    if _CONDITION.fullmatch(parts[0].strip()):
        return _chosen(store, words, _conditions(words, epoch_of))
    try:
        # A title may have commas in it.
        return [store.resolve(words)]
    except UnknownName:
        if len(parts) == 1:
            raise
    found = {run.id: run for run in (store.resolve(part.strip()) for part in parts)}
    return list(found.values())


def _conditions(words: str, epoch_of: EpochOf) -> _Conditions:
    terms: dict[str, str] = {}
    for part in words.split(","):
        match = _CONDITION.fullmatch(part.strip())
        if match is None:
            raise UsageError(
                f"{part.strip()!r} of {words!r} is no condition; say "
                + ", ".join(f"{term}=..." for term in _TERMS)
            )
        name, value = match.groups()
        if name in terms:
            raise UsageError(f"{words!r} says {name}= twice")
        terms[name] = value
    last = terms.get("last")
    if last is not None and not (last.isdecimal() and int(last) > 0):
        raise UsageError(f"last={last} is no number of runs")
    now_s = time.time()
    return _Conditions(
        job=terms.get("job"),
        lab=terms.get("lab"),
        title=terms.get("title"),
        from_s=epoch_of("from=", terms.get("from"), now_s),
        until_s=epoch_of("until=", terms.get("until"), now_s),
        last=None if last is None else int(last),
    )


def _chosen(store: Store, words: str, asked: _Conditions) -> list[Run]:
    runs = store.find_runs(
        job=asked.job,
        lab=asked.lab,
        state=RunState.COMPLETED,
        from_s=asked.from_s,
        until_s=asked.until_s,
        # Of a job's thousands of runs the last few are read; patterns are no words of SQL.
        limit=asked.last if asked.title is None else None,
    )
    found = [
        run for run in runs if asked.title is None or fnmatchcase(run.title or "", asked.title)
    ]
    if not found:
        jobs = ", ".join(f"{job} ({lab})" for job, lab in store.known_jobs()) or "no job at all"
        raise UnknownName(f"no completed run is of {words}; there are runs of {jobs}")
    return found[: asked.last]
