"""Configurations of the compatible API: stacks and the like that outlive their requests."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from storperf.model.configuration import Configuration, ConfigurationState
from storperf.store import schema
from storperf.store.database import Database, upsert

_ROWS = schema.configurations


class ConfigurationRows:
    """The part of Store that knows configurations."""

    _database: Database

    def save_configuration(self, configuration: Configuration) -> None:
        """Keep a configuration; one of the same name is replaced."""
        row = {each.name: getattr(configuration, each.name) for each in fields(configuration)}
        row |= {
            "state": configuration.state.value,
            "parameters": dict(configuration.parameters),
            "facts": dict(configuration.facts),
        }
        with self._database.write() as connection:
            upsert(connection, _ROWS, [row])

    def configurations(self) -> tuple[Configuration, ...]:
        """All of them, the one that changed last first."""
        found = sa.select(_ROWS).order_by(_ROWS.c.changed_s.desc(), _ROWS.c.name)
        with self._database.read() as connection:
            return tuple(_configuration(row) for row in connection.execute(found).mappings())

    def delete_configuration(self, name: str) -> None:
        """Forget a configuration; one that is not there is forgotten already."""
        with self._database.write() as connection:
            connection.execute(sa.delete(_ROWS).where(_ROWS.c.name == name))


def _configuration(row: sa.RowMapping) -> Configuration:
    values: dict[str, Any] = dict(row)
    values["state"] = ConfigurationState(row["state"])
    return Configuration(**values)
