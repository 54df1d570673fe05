"""At what time a run's points stand among the summaries of its job: no two runs share a minute."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from storperf.model.run import SUMMARY_TIME, Run
from storperf.store import schema
from storperf.store.database import Database
from storperf.store.runs import merge_facts, require_run

MINUTE_S = 60
# A run is put off by as many minutes as its job has runs in them: never by a day.
_LOOK_S = 86_400.0

_RUNS = schema.runs


class SummaryTimes:
    """The part of Store that knows which minute is whose."""

    _database: Database

    def take_summary_time(self, run: Run) -> float:
        """The run's time among summaries, epoch seconds; the same whenever it is asked for.

        It is the run's start, or the beginning of the next minute that no other run of the job in
        its lab has: Graphite keeps one value a minute.  An earlier run that never asked keeps the
        minute of its start.
        """
        with self._database.write() as connection:
            require_run(connection, run.id)
            # On PostgreSQL the lock lets one manager after the other choose.
            rows = connection.execute(
                sa.select(_RUNS.c.id, _RUNS.c.created_s, _RUNS.c.facts)
                .where(
                    _RUNS.c.job_name == run.job_name,
                    _RUNS.c.lab == run.lab,
                    _RUNS.c.created_s > run.created_s - _LOOK_S,
                )
                .order_by(_RUNS.c.created_s, _RUNS.c.id)
                .with_for_update()
            ).all()
            own = next(row.facts for row in rows if row.id == run.id)
            if SUMMARY_TIME in own:
                return float(own[SUMMARY_TIME])
            is_before = True
            taken = []
            for row in rows:
                is_before = is_before and row.id != run.id
                if SUMMARY_TIME in row.facts:
                    taken.append(float(row.facts[SUMMARY_TIME]))
                elif is_before:
                    taken.append(row.created_s)
            found_s = free_time(run.created_s, taken)
            merge_facts(connection, run.id, {SUMMARY_TIME: found_s})
        return found_s


def free_time(wanted_s: float, taken_s: Iterable[float]) -> float:
    """The time itself when no other one is in its minute, else the next free minute's beginning."""
    minutes = {int(each_s // MINUTE_S) for each_s in taken_s}
    minute = int(wanted_s // MINUTE_S)
    if minute not in minutes:
        return wanted_s
    while minute in minutes:
        minute += 1
    return float(minute * MINUTE_S)
