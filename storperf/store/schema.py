"""The tables, and how values that SQL does not know are kept in them.

A change here goes with a new file in migrations/versions and a new HEAD;
tests/unit/store/test_migrations.py compares the three.
"""

from __future__ import annotations

import json
import re
from typing import Any

import sqlalchemy as sa

HEAD = "0007"

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

# Constraint names are spelled out so that a migration can name what it drops.
metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


class Json(sa.types.TypeDecorator[Any]):
    """Plain values as JSON text, keys sorted; NaN and infinity are refused with ValueError."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:  # noqa: ARG002
        """Escapes everything beyond ASCII: lone surrogates of odd file names survive."""
        return json.dumps(value, allow_nan=False, sort_keys=True, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        """The value that was kept, lists where tuples were."""
        return None if value is None else json.loads(value)


class Words(sa.types.TypeDecorator[str]):
    """Text that a person or a program wrote; what UTF-8 or SQL cannot hold becomes U+FFFD."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """Replaces NUL (PostgreSQL refuses it) and lone surrogates (SQLite refuses them)."""
        if value is None:
            return None
        return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)

    @property
    def python_type(self) -> type[str]:
        """What a value of such a column is."""
        return str


def _run_id(*, key: bool = False) -> sa.Column[Any]:
    return sa.Column(
        "run_id",
        sa.Text,
        sa.ForeignKey("runs.id", ondelete="CASCADE"),
        primary_key=key,
        nullable=False,
    )


def _number() -> sa.Column[Any]:
    # SQLite counts by itself only in a column whose type is exactly INTEGER.
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column("number", kind, primary_key=True, autoincrement=True)


runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("job_name", Words, nullable=False),
    sa.Column("lab", Words, nullable=False),
    sa.Column("title", Words),
    sa.Column("job_text", Words, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("phase", sa.Text),
    sa.Column("created_s", sa.Double, nullable=False),
    sa.Column("ended_s", sa.Double),
    sa.Column("exit_code", sa.Integer),
    sa.Column("verdict", sa.Text),
    sa.Column("reason", Words),
    sa.Column("manager", Json, nullable=False),
    sa.Column("facts", Json, nullable=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("verdict_document", Json),
    sa.Column("imported_from", sa.Text),
    sa.Index(None, "created_s"),
    # Lists by page: without them a condition that few runs fit reads every row of 10,000 runs.
    sa.Index(None, "job_name", "created_s"),
    sa.Index(None, "lab", "created_s"),
    sa.Index(None, "ended_s", "created_s", "id"),
    sa.Index(None, "state", "created_s"),
    sa.Index(None, "verdict", "created_s"),
    # Of runs of ours there may be any number without one: NULL equals nothing.
    sa.Index(None, "imported_from", unique=True),
)

steps = sa.Table(
    "steps",
    metadata,
    _run_id(key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("workload", Words, nullable=False),
    sa.Column("options", Json, nullable=False),
    sa.Column("block_size_bytes", sa.BigInteger, nullable=False),
    sa.Column("queue_depth", sa.BigInteger, nullable=False),
    sa.Column("numjobs", sa.BigInteger, nullable=False),
    sa.Column("agents", sa.BigInteger, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("measuring", Json, nullable=False),
)

trials = sa.Table(
    "trials",
    metadata,
    _run_id(key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("step_key", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("session", sa.Integer, nullable=False),
    sa.Column("repeat", sa.Integer, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("end", sa.Text),
    sa.Column("end_reason", Words),
    sa.Column("steadiness", sa.Text),
    sa.Column("steady_figures", Json, nullable=False),
    sa.Column("flags", Json, nullable=False),
    sa.Column("started_s", sa.Double),
    sa.Column("ended_s", sa.Double),
    sa.Column("facts", Json, nullable=False),
    sa.ForeignKeyConstraint(
        ["run_id", "step_key"], ["steps.run_id", "steps.key"], ondelete="CASCADE"
    ),
)

summaries = sa.Table(
    "summaries",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("trial", sa.Text, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("agent", sa.Text, primary_key=True),
    sa.Column("op", sa.Text, primary_key=True),
    sa.Column("metric", sa.Text, primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
    sa.Column("low", sa.Double),
    sa.Column("high", sa.Double),
    sa.ForeignKeyConstraint(
        ["run_id", "trial", "attempt"],
        ["trials.run_id", "trials.id", "trials.attempt"],
        ondelete="CASCADE",
    ),
)

transitions = sa.Table(
    "transitions",
    metadata,
    _number(),
    _run_id(),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("at_s", sa.Double, nullable=False),
    sa.Index(None, "run_id"),
)

events = sa.Table(
    "events",
    metadata,
    _number(),
    _run_id(),
    sa.Column("at_s", sa.Double, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("text", Words, nullable=False),
    sa.Column("facts", Json, nullable=False),
    sa.Index(None, "run_id"),
)

ledger = sa.Table(
    "ledger",
    metadata,
    _run_id(key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("where", Words, nullable=False),
    sa.Column("released", sa.Boolean, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
)

# Only ever added to: of several rows on one run's place the one with the highest number holds.
baseline = sa.Table(
    "baseline",
    metadata,
    _number(),
    sa.Column("lab", Words, nullable=False),
    sa.Column("job", Words, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    _run_id(),
    sa.Column("accepted", sa.Boolean, nullable=False),
    sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("who", Words, nullable=False),
    sa.Column("why", Words, nullable=False),
    sa.Column("at_s", sa.Double, nullable=False),
    sa.Column("measuring", Json, nullable=False),
    sa.Column("hosts", Json),
    # With the last two the newest word on each run is found without reading the rows.
    sa.Index(None, "lab", "job", "side", "step", "fingerprint", "run_id", "number"),
    sa.Index(None, "run_id"),
)

# Only ever added to, as the baseline is; without a run it takes the earlier ones back.
anchors = sa.Table(
    "anchors",
    metadata,
    _number(),
    sa.Column("lab", Words, nullable=False),
    sa.Column("job", Words, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE")),
    sa.Column("confirmed_by", sa.Text),
    sa.Column("who", Words, nullable=False),
    sa.Column("why", Words, nullable=False),
    sa.Column("at_s", sa.Double, nullable=False),
    sa.Index(None, "lab", "job", "side", "step", "fingerprint"),
)

# Only ever added to: of several rows on one job's figure the one with the highest number holds.
calibrations = sa.Table(
    "calibrations",
    metadata,
    _number(),
    sa.Column("lab", Words, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("op", sa.Text, nullable=False),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("job", Words, nullable=False),
    sa.Column("calibration", sa.Text, nullable=False),
    sa.Column("runs", Json, nullable=False),
    sa.Column("figures", sa.Integer, nullable=False),
    sa.Column("squares", sa.Double, nullable=False),
    sa.Column("df", sa.Integer, nullable=False),
    sa.Column("at_s", sa.Double, nullable=False),
    sa.Index(None, "lab"),
)

# A run that was asked for, under its id, before and after it is one of `runs`.
queue = sa.Table(
    "queue",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("job_name", Words, nullable=False),
    sa.Column("lab", Words, nullable=False),
    sa.Column("title", Words),
    sa.Column("job_text", Words, nullable=False),
    sa.Column("resources", Json, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("submitted_by", Words, nullable=False),
    sa.Column("submitted_s", sa.Double, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("not_before_s", sa.Double),
    sa.Column("started_s", sa.Double),
    sa.Column("ended_s", sa.Double),
    sa.Column("exit_code", sa.Integer),
    sa.Column("reason", Words),
    sa.Column("facts", Json, nullable=False),
    sa.Column("once", sa.Text),
    sa.Index(None, "state"),
    sa.Index(None, "ended_s", "run_id"),
    # Of two requests with one key one makes the entry; NULL equals nothing.
    sa.Index(None, "once", unique=True),
)

schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("job_text", Words, nullable=False),
    sa.Column("rule", Json, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("made_by", Words, nullable=False),
    sa.Column("made_s", sa.Double, nullable=False),
    sa.Column("is_enabled", sa.Boolean, nullable=False),
    sa.Column("next_s", sa.Double),
    sa.Column("last_run", sa.Text),
    sa.Column("facts", Json, nullable=False),
)

# Only ever added to: the highest version of a name is the one that is meant.
stored_jobs = sa.Table(
    "stored_jobs",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("text", Words, nullable=False),
    sa.Column("stored_by", Words, nullable=False),
    sa.Column("stored_s", sa.Double, nullable=False),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("created_s", sa.Double, nullable=False),
    sa.Column("expires_s", sa.Double),
    sa.Column("revoked_s", sa.Double),
    sa.Index(None, "digest", unique=True),
)

audit = sa.Table(
    "audit",
    metadata,
    _number(),
    sa.Column("at_s", sa.Double, nullable=False),
    sa.Column("who", Words, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("what", Words, nullable=False),
    sa.Column("outcome", Words, nullable=False),
    sa.Index(None, "at_s"),
)

# A host's key as an admin vouched for it, for requests that cannot bring one.
host_pins = sa.Table(
    "host_pins",
    metadata,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("key_line", sa.Text, nullable=False),
    sa.Column("pinned_by", Words, nullable=False),
    sa.Column("pinned_s", sa.Double, nullable=False),
)

# What the compatible API calls a configuration: the stack of that name, and how far it is.
configurations = sa.Table(
    "configurations",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("parameters", Json, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", Words),
    sa.Column("changed_s", sa.Double, nullable=False),
    sa.Column("facts", Json, nullable=False),
)
