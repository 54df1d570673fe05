"""A store with as many runs as a lab makes in years: copies of one real run, each with noise.

`many_runs.py RESULTS [RUNS [JOBS]]` multiplies the newest run of a results folder.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from storperf.store import schema
from storperf.store.store import Store

_DAY_S = 86_400.0
_AT_ONCE = 100
_NOISE = 0.02
_SEED = 9
# What a run has rows in, parents first; numbered tables count by themselves.
_TABLES = (
    schema.runs,
    schema.steps,
    schema.trials,
    schema.summaries,
    schema.transitions,
    schema.events,
    schema.baseline,
)
Rows = dict[str, list[dict[str, Any]]]


def multiply(results: Path, runs: int, jobs: int) -> list[str]:
    """Copy the newest run of a store under `jobs` names, `runs` in all, an hour apart.

    Gives the names.  Values get noise of 2 %; everything else is as the run left it.
    """
    Store.open(results).close()  # brings the tables up to date
    engine = sa.create_engine(f"sqlite:///{results / 'storperf.sqlite3'}")
    chance = np.random.default_rng(_SEED)
    names = [f"nightly-{number:02}" for number in range(jobs)]
    begun_s = time.time() - runs * _DAY_S / 24
    with engine.connect() as connection:
        original = _original(connection)
    for first in range(0, runs, _AT_ONCE):
        with engine.begin() as connection:
            copies = [
                _copy(original, number, names[number % jobs], begun_s + number * 3600.0, chance)
                for number in range(first, min(first + _AT_ONCE, runs))
            ]
            for table in _TABLES:
                rows = [row for copy in copies for row in copy[table.name]]
                if rows:
                    connection.execute(sa.insert(table), rows)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return names


def _original(connection: sa.Connection) -> Rows:
    runs = schema.runs
    newest = sa.select(runs.c.id).order_by(runs.c.created_s.desc()).limit(1)
    run_id = connection.execute(newest).scalar_one()
    found: Rows = {}
    for table in _TABLES:
        key = table.c.id if table is runs else table.c.run_id
        rows = connection.execute(sa.select(table).where(key == run_id)).mappings()
        found[table.name] = [
            {name: value for name, value in row.items() if name != "number"} for row in rows
        ]
    return found


def _copy(
    original: Rows, number: int, job: str, created_s: float, chance: np.random.Generator
) -> Rows:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(created_s))
    run_id = f"{stamp}-{number:04x}"
    (run,) = original["runs"]
    late_s = created_s - run["created_s"]
    level = 1 + _NOISE * float(chance.standard_normal())
    copied = {name: list(_rows_of(rows, run_id, late_s)) for name, rows in original.items()}
    (own,) = copied["runs"]
    own |= {
        "id": run_id,
        "job_name": job,
        "job_text": run["job_text"].replace(f"name: {run['job_name']}", f"name: {job}"),
        "title": None if number % 5 else f"build {number}",
        "verdict": ("pass", "pass", "pass", "inconclusive", "fail")[number % 5],
    }
    own.pop("run_id", None)
    for row in copied["summaries"]:
        row |= {name: row[name] and row[name] * level for name in ("value", "low", "high")}
    for row in copied["baseline"]:
        row["job"] = job
    return copied


def _rows_of(rows: list[dict[str, Any]], run_id: str, late_s: float) -> Iterator[dict[str, Any]]:
    times = ("created_s", "started_s", "ended_s", "at_s")
    for row in rows:
        moved = {name: row[name] + late_s for name in times if row.get(name) is not None}
        yield {**row, **moved, "run_id": run_id}


if __name__ == "__main__":
    counts = [int(text) for text in sys.argv[2:]]
    made = multiply(Path(sys.argv[1]), *(counts + [10_000, 20][len(counts) :]))
    print(f"{len(made)} jobs: {made[0]} to {made[-1]}")
