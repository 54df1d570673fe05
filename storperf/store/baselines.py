"""Which runs a new run is judged against, who said so, and their values."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from storperf.errors import UnknownName
from storperf.model.baseline import BaselineEntry, BaselineKey, BaselineValue
from storperf.model.run import Flag, TrialEnd
from storperf.store import schema
from storperf.store.anchors import anchored_since_s
from storperf.store.database import Database
from storperf.store.runs import pairs, require_run
from storperf.store.trials import is_latest_attempt, overall_figures

_PLACES = schema.baseline
_RUNS = schema.runs
_TRIALS = schema.trials
_KEY = ("lab", "job", "side", "step", "fingerprint")
# What a trial that ended so left behind is not a measurement of the step.
_NO_MEASUREMENT = (TrialEnd.FAILED, TrialEnd.CANCELLED)
# A run's id, the key of a step and its side.
_StepOfRun = tuple[str, str, str]
# The session, direction and metric, the trial's position and the value.
_Figure = tuple[int, str, str, int, float]


class BaselineRows:
    """The part of Store that knows baselines."""

    _database: Database

    def baseline_values(
        self,
        key: BaselineKey,
        *,
        runs: int,
        before_run: str | None = None,
        since_s: float | None = None,
        metrics: Collection[str] | None = None,
    ) -> tuple[BaselineValue, ...]:
        """Values of the last `runs` accepted runs other than `before_run`, oldest run first.

        All their figures, or those of `metrics`.

        Runs that ended before `since_s` have aged out, and those before the run that the
        baseline is anchored to are of another level.  Where places are pinned, the runs of
        those count, and no others; they never age.
        Only figures over all agents, of the latest attempts.  The repeats of one session are
        averaged to one value, on the log scale (geometric mean) when all are positive.
        """
        found = self.baselines_values(
            [key], runs=runs, before_run=before_run, since_s=since_s, metrics=metrics
        )
        return found[key]

    def baselines_values(
        self,
        keys: Collection[BaselineKey],
        *,
        runs: int,
        before_run: str | None = None,
        since_s: float | None = None,
        metrics: Collection[str] | None = None,
    ) -> dict[BaselineKey, tuple[BaselineValue, ...]]:
        """The same of several keys, whose figures are read together."""
        with self._database.read() as connection:
            last = {key: _last(connection, key, runs, before_run, since_s) for key in keys}
            of_steps = _figures(connection, last, metrics)
        return {
            key: _session_means(
                sorted(
                    (ended_s, run, *figure)
                    for run, ended_s in ended.items()
                    for figure in of_steps.get((run, key.step, key.side), ())
                )
            )
            for key, ended in last.items()
        }

    def baseline_hosts(
        self, key: BaselineKey, *, entries: int, before_run: str
    ) -> dict[str, dict[str, float]]:
        """What the agents of the last runs with a place went through, by run, oldest first.

        Runs that were not accepted count too: what their hosts did is no news the next time.
        """
        newest = _holding(*_has(key)).where(_PLACES.c.run_id != before_run)
        newest = newest.order_by(_PLACES.c.number.desc()).limit(entries)
        with self._database.read() as connection:
            found = [_entry(row) for row in connection.execute(newest).mappings()]
        return {entry.run: dict(entry.hosts) for entry in reversed(found) if entry.hosts}

    def enter_baseline(self, entries: Sequence[BaselineEntry]) -> None:
        """Give runs their places; of several entries for one place the last one holds."""
        with self._database.write() as connection:
            for entry in entries:
                require_run(connection, entry.run)
            if entries:
                connection.execute(sa.insert(_PLACES), [_entry_row(entry) for entry in entries])

    def clear_baseline(  # noqa: PLR0913 - what is cleared, by whom, why and when
        self, lab: str, job: str, step: str | None = None, *, who: str, why: str, at_s: float
    ) -> int:
        """Take every accepted run out of the baseline; gives how many places were cleared.

        No run and no earlier entry is deleted.  UnknownName when the baseline was empty.
        """
        with self._database.write() as connection:
            places = [_PLACES.c.lab == lab, _PLACES.c.job == job]
            if step is not None:
                places.append(_PLACES.c.step == step)
            accepted = _holding(*places).where(_PLACES.c.accepted)
            rows = connection.execute(accepted).mappings().all()
            if not rows:
                of_step = "" if step is None else f", step {step}"
                raise UnknownName(f"nothing is accepted for lab {lab}, job {job}{of_step}")
            cleared = {"accepted": False, "pinned": False, "who": who, "why": why, "at_s": at_s}
            kept = [*_KEY, "run_id", "measuring", "hosts"]
            connection.execute(
                sa.insert(_PLACES),
                [{name: row[name] for name in kept} | cleared for row in rows],
            )
            return len(rows)

    def baseline_entries(self, lab: str, job: str) -> tuple[BaselineEntry, ...]:
        """What holds now for each place of the job, accepted or not, newest first."""
        places = _holding(_PLACES.c.lab == lab, _PLACES.c.job == job).subquery()
        ended = sa.func.coalesce(_RUNS.c.ended_s, places.c.at_s).label("ended_s")
        found = sa.select(places, ended).join(_RUNS, _RUNS.c.id == places.c.run_id)
        with self._database.read() as connection:
            rows = connection.execute(found.order_by(places.c.number.desc())).mappings().all()
            entries = [_entry(row) for row in rows]
            since = {key: anchored_since_s(connection, key) for key in {e.key for e in entries}}
        return tuple(
            replace(entry, is_past=bound is not None and row["ended_s"] < bound)
            for row, entry in zip(rows, entries, strict=True)
            for bound in (since[entry.key],)
        )

    def baseline_measuring(
        self, key: BaselineKey, runs: Collection[str]
    ) -> dict[str, tuple[tuple[str, str], ...]]:
        """The measuring fields that these runs' places were given with."""
        wanted = _holding(*_has(key)).where(_PLACES.c.run_id.in_(runs))
        with self._database.read() as connection:
            rows = connection.execute(wanted).all() if runs else ()
        return {row.run_id: pairs(row.measuring) for row in rows}

    def measuring_of_other_fingerprints(
        self, key: BaselineKey
    ) -> tuple[tuple[str, str], ...] | None:
        """The measuring fields of the newest accepted entry that only its fingerprint parts."""
        others = _holding(
            *(_PLACES.c[name] == getattr(key, name) for name in _KEY if name != "fingerprint"),
            _PLACES.c.fingerprint != key.fingerprint,
        )
        newest = others.where(_PLACES.c.accepted).order_by(_PLACES.c.number.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(newest).first()
        return None if row is None else pairs(row.measuring)


def _holding(*places: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The newest row of each run's place, of those places that all conditions hold for.

    Conditions are on the key alone: one on `accepted` would bring up an older word.
    """
    newest = (
        sa.select(sa.func.max(_PLACES.c.number))
        .where(*places)
        .group_by(*(_PLACES.c[name] for name in _KEY), _PLACES.c.run_id)
    )
    return sa.select(_PLACES).where(_PLACES.c.number.in_(newest))


def _has(key: BaselineKey) -> Iterable[sa.ColumnElement[bool]]:
    return [_PLACES.c[name] == getattr(key, name) for name in _KEY]


def _last(
    connection: sa.Connection,
    key: BaselineKey,
    runs: int,
    before_run: str | None,
    since_s: float | None,
) -> dict[str, float]:
    """When each of the last `runs` runs ended that count for a key, by run."""
    ended = sa.func.coalesce(_RUNS.c.ended_s, _PLACES.c.at_s)
    newest = (
        _holding(*_has(key))
        .with_only_columns(_PLACES.c.run_id, _PLACES.c.pinned, ended)
        .join(_RUNS, _RUNS.c.id == _PLACES.c.run_id)
        .where(_PLACES.c.accepted)
        .order_by(_PLACES.c.pinned.desc(), ended.desc(), _PLACES.c.run_id.desc())
        # `before_run` may be among them.
        .limit(runs + 1)
    )
    found = [tuple(row) for row in connection.execute(newest)]
    if found and found[0][1]:
        found = [row for row in found if row[1]]
    else:
        bounds = (since_s, anchored_since_s(connection, key, before_run))
        oldest_s = max((bound for bound in bounds if bound is not None), default=-math.inf)
        found = [row for row in found if row[2] >= oldest_s]
    return dict([(run, end_s) for run, _, end_s in found if run != before_run][:runs])


def _figures(
    connection: sa.Connection,
    last: Mapping[BaselineKey, Collection[str]],
    metrics: Collection[str] | None,
) -> dict[_StepOfRun, list[_Figure]]:
    """What was measured of the keys' steps and sides in their runs, and a few others."""
    asked = sa.select(
        *(
            _TRIALS.c[name]
            for name in ("run_id", "id", "attempt", "step_key", "side", "session", "position")
        )
    ).where(
        _TRIALS.c.run_id.in_({run for runs in last.values() for run in runs}),
        _TRIALS.c.step_key.in_({key.step for key in last}),
        _TRIALS.c.side.in_({key.side for key in last}),
        _TRIALS.c.end.not_in([end.value for end in _NO_MEASUREMENT]),
        sa.type_coerce(_TRIALS.c.flags, sa.Text).not_like(f'%"{Flag.BEFORE_WINDOW}"%'),
        is_latest_attempt(),
    )
    trials = {(row.run_id, row.id, row.attempt): row for row in connection.execute(asked)}
    found = defaultdict(list)
    for row in connection.execute(overall_figures(trials, metrics)) if trials else ():
        run, trial, attempt, _agent, op, metric, value, *_ = row
        of = trials.get((run, trial, attempt))
        if of is not None:
            figure = (of.session, op, metric, of.position, value)
            found[run, of.step_key, of.side].append(figure)
    return found


def _session_means(figures: Iterable[tuple[Any, ...]]) -> tuple[BaselineValue, ...]:
    """One value of each session; `figures` are sorted, a run's end and its id before each."""
    values = []
    for place, group in groupby(figures, key=itemgetter(slice(5))):
        ended_s, run, _session, op, metric = place
        mean = _mean([value for *_, value in group])
        values.append(BaselineValue(run=run, ended_s=ended_s, op=op, metric=metric, value=mean))
    return tuple(values)


def _mean(values: Sequence[float]) -> float:
    if len(values) == 1:
        return values[0]  # exp(log(x)) is not x to the last bit
    if all(value > 0 for value in values):
        return math.exp(math.fsum(math.log(value) for value in values) / len(values))
    return math.fsum(values) / len(values)


def _entry_row(entry: BaselineEntry) -> dict[str, object]:
    return {name: getattr(entry.key, name) for name in _KEY} | {
        "run_id": entry.run,
        "accepted": entry.accepted,
        "pinned": entry.pinned,
        "who": entry.who,
        "why": entry.why,
        "at_s": entry.at_s,
        "measuring": entry.measuring,
        "hosts": entry.hosts,
    }


def _entry(row: sa.RowMapping) -> BaselineEntry:
    return BaselineEntry(
        key=BaselineKey(**{name: row[name] for name in _KEY}),
        run=row["run_id"],
        accepted=row["accepted"],
        pinned=row["pinned"],
        who=row["who"],
        why=row["why"],
        at_s=row["at_s"],
        measuring=pairs(row["measuring"]),
        hosts=tuple((str(name), float(value)) for name, value in row["hosts"] or ()),
    )
