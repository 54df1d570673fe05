"""Which runs a new run is judged against, who said so, and their values."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
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
# When the run ended, its id, the session, direction and metric.
_Place = tuple[float, str, int, str, str]


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
        accepted = _holding(*_has(key)).where(_PLACES.c.accepted).subquery()
        ended = sa.func.coalesce(_RUNS.c.ended_s, accepted.c.at_s).label("ended_s")
        last = (
            sa.select(accepted.c.run_id, ended)
            .join(_RUNS, _RUNS.c.id == accepted.c.run_id)
            .order_by(ended.desc(), accepted.c.run_id.desc())
            .limit(runs)
        )
        if before_run is not None:
            last = last.where(accepted.c.run_id != before_run)
        with self._database.read() as connection:
            if connection.scalar(sa.select(sa.func.count()).where(accepted.c.pinned)):
                last = last.where(accepted.c.pinned)
            else:
                bounds = (since_s, anchored_since_s(connection, key, before_run))
                for bound in bounds:
                    last = last if bound is None else last.where(ended >= bound)
            return _session_means(_figures(connection, key, last, metrics))

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


def _figures(
    connection: sa.Connection,
    key: BaselineKey,
    last: sa.Select[Any],
    metrics: Collection[str] | None,
) -> list[tuple[_Place, int, float]]:
    """Each figure's place, its trial's position and its value, sorted by both."""
    ended = {row.run_id: row.ended_s for row in connection.execute(last)}
    asked = sa.select(
        *(_TRIALS.c[name] for name in ("run_id", "id", "attempt", "session", "position"))
    ).where(
        _TRIALS.c.run_id.in_(ended),
        _TRIALS.c.step_key == key.step,
        _TRIALS.c.side == key.side,
        _TRIALS.c.end.not_in([end.value for end in _NO_MEASUREMENT]),
        sa.type_coerce(_TRIALS.c.flags, sa.Text).not_like(f'%"{Flag.BEFORE_WINDOW}"%'),
        is_latest_attempt(),
    )
    trials = {(row.run_id, row.id, row.attempt): row for row in connection.execute(asked)}
    found = []
    for row in connection.execute(overall_figures(trials, metrics)) if trials else ():
        trial = trials.get((row.run_id, row.trial, row.attempt))
        if trial is not None:
            place = (ended[row.run_id], row.run_id, trial.session, row.op, row.metric)
            found.append((place, trial.position, row.value))
    return sorted(found)


def _session_means(
    figures: Iterable[tuple[_Place, int, float]],
) -> tuple[BaselineValue, ...]:
    values = []
    for place, group in groupby(figures, key=itemgetter(0)):
        ended_s, run, _session, op, metric = place
        mean = _mean([value for _, _, value in group])
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
