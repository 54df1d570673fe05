"""Where a baseline begins anew: the last confirmed change of level of each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from storperf.model.baseline import Anchor, BaselineKey
from storperf.store import schema
from storperf.store.database import Database
from storperf.store.runs import require_run

_ANCHORS = schema.anchors
_RUNS = schema.runs
_KEY = ("lab", "job", "side", "step", "fingerprint")


class AnchorRows:
    """The part of Store that knows anchors."""

    _database: Database

    def anchor_baseline(self, anchors: Sequence[Anchor]) -> None:
        """Let baselines begin anew; of several anchors for one key the last one holds.

        One without a run takes the earlier ones back.
        """
        with self._database.write() as connection:
            for run in {anchor.run for anchor in anchors if anchor.run is not None}:
                require_run(connection, run)
            if anchors:
                connection.execute(sa.insert(_ANCHORS), [_row(anchor) for anchor in anchors])

    def anchors(self, lab: str, job: str) -> tuple[Anchor, ...]:
        """Every anchor that a job's baselines ever had, newest first, those taken back too."""
        found = (
            sa.select(_ANCHORS)
            .where(_ANCHORS.c.lab == lab, _ANCHORS.c.job == job)
            .order_by(_ANCHORS.c.number.desc())
        )
        with self._database.read() as connection:
            return tuple(_anchor(row) for row in connection.execute(found).mappings())


def anchored_since_s(
    connection: sa.Connection, key: BaselineKey, before_run: str | None = None
) -> float | None:
    """When the first run ended that counts for a baseline; None when all count.

    What `before_run` confirmed itself holds for later runs alone: judged again it ends the same.
    """
    newest = (
        sa.select(_ANCHORS.c.run_id)
        .where(
            *(_ANCHORS.c[name] == getattr(key, name) for name in _KEY),
            _ANCHORS.c.confirmed_by.is_distinct_from(before_run or ""),
        )
        .order_by(_ANCHORS.c.number.desc())
        .limit(1)
    )
    run = connection.scalar(newest)
    if run is None:
        return None
    ended = sa.func.coalesce(_RUNS.c.ended_s, _RUNS.c.created_s)
    since_s: float | None = connection.scalar(sa.select(ended).where(_RUNS.c.id == run))
    return since_s


def _row(anchor: Anchor) -> dict[str, object]:
    return {name: getattr(anchor.key, name) for name in _KEY} | {
        "run_id": anchor.run,
        "confirmed_by": anchor.confirmed_by,
        "who": anchor.who,
        "why": anchor.why,
        "at_s": anchor.at_s,
    }


def _anchor(row: sa.RowMapping) -> Anchor:
    values: dict[str, Any] = {name: row[name] for name in ("confirmed_by", "who", "why", "at_s")}
    key = BaselineKey(**{name: row[name] for name in _KEY})
    return Anchor(key=key, run=row["run_id"], **values)
