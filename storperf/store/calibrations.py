"""How much a lab's runs scatter, as its calibrations measured it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from storperf.model.calibration import CalibratedSpread
from storperf.store import schema
from storperf.store.database import Database

_SPREADS = schema.calibrations
_OF_A_FIGURE = ("lab", "job", "kind", "op", "metric")


class CalibrationRows:
    """The part of Store that knows calibrations."""

    _database: Database

    def add_spreads(self, spreads: Sequence[CalibratedSpread]) -> None:
        """Keep what a calibration found; of one job's several, the last one counts."""
        rows = [{name: getattr(each, name) for name in each.__slots__} for each in spreads]
        with self._database.write() as connection:
            if rows:
                connection.execute(sa.insert(_SPREADS), rows)

    def spreads(self, lab: str) -> tuple[CalibratedSpread, ...]:
        """What counts in a lab now: of each job the newest of each figure, oldest first."""
        newest = (
            sa.select(sa.func.max(_SPREADS.c.number))
            .where(_SPREADS.c.lab == lab)
            .group_by(*(_SPREADS.c[name] for name in _OF_A_FIGURE))
        )
        columns = [_SPREADS.c[name] for name in CalibratedSpread.__slots__]
        found = sa.select(*columns).where(_SPREADS.c.number.in_(newest)).order_by(_SPREADS.c.number)
        with self._database.read() as connection:
            rows = connection.execute(found).mappings()
            return tuple(CalibratedSpread(**{**row, "runs": tuple(row["runs"])}) for row in rows)
