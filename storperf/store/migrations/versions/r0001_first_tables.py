"""The first tables.  Nothing here is imported from schema.py: this file never changes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table of the first form."""
    _create_runs()
    _create_steps()
    _create_trials()
    _create_summaries()
    _create_logs()
    _create_baseline()


def _run(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["run_id"], ["runs.id"], name=f"fk_{table}_runs", ondelete="CASCADE"
    )


def _number() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column("number", kind, autoincrement=True, nullable=False)


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("job_name", sa.Text, nullable=False),
        sa.Column("lab", sa.Text, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("job_text", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("phase", sa.Text),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("ended_s", sa.Double),
        sa.Column("exit_code", sa.Integer),
        sa.Column("verdict", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("manager", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("verdict_document", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_created_s", "runs", ["created_s"])


def _create_steps() -> None:
    op.create_table(
        "steps",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("workload", sa.Text, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("block_size_bytes", sa.BigInteger, nullable=False),
        sa.Column("queue_depth", sa.BigInteger, nullable=False),
        sa.Column("numjobs", sa.BigInteger, nullable=False),
        sa.Column("agents", sa.BigInteger, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("measuring", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "key", name="pk_steps"),
        _run("steps"),
    )


def _create_trials() -> None:
    op.create_table(
        "trials",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("step_key", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("session", sa.Integer, nullable=False),
        sa.Column("repeat", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("end", sa.Text),
        sa.Column("end_reason", sa.Text),
        sa.Column("steadiness", sa.Text),
        sa.Column("steady_figures", sa.Text, nullable=False),
        sa.Column("flags", sa.Text, nullable=False),
        sa.Column("started_s", sa.Double),
        sa.Column("ended_s", sa.Double),
        sa.Column("facts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "id", "attempt", name="pk_trials"),
        _run("trials"),
        sa.ForeignKeyConstraint(
            ["run_id", "step_key"],
            ["steps.run_id", "steps.key"],
            name="fk_trials_steps",
            ondelete="CASCADE",
        ),
    )


def _create_summaries() -> None:
    op.create_table(
        "summaries",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("trial", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("op", sa.Text, nullable=False),
        sa.Column("metric", sa.Text, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.PrimaryKeyConstraint(
            "run_id", "trial", "attempt", "agent", "op", "metric", name="pk_summaries"
        ),
        sa.ForeignKeyConstraint(
            ["run_id", "trial", "attempt"],
            ["trials.run_id", "trials.id", "trials.attempt"],
            name="fk_summaries_trials",
            ondelete="CASCADE",
        ),
    )


def _create_logs() -> None:
    op.create_table(
        "transitions",
        _number(),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("at_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_transitions"),
        _run("transitions"),
    )
    op.create_index("ix_transitions_run_id", "transitions", ["run_id"])
    op.create_table(
        "events",
        _number(),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("at_s", sa.Double, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_events"),
        _run("events"),
    )
    op.create_index("ix_events_run_id", "events", ["run_id"])
    op.create_table(
        "ledger",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("where", sa.Text, nullable=False),
        sa.Column("released", sa.Boolean, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "name", name="pk_ledger"),
        _run("ledger"),
    )


def _create_baseline() -> None:
    op.create_table(
        "baseline",
        _number(),
        sa.Column("lab", sa.Text, nullable=False),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("accepted", sa.Boolean, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at_s", sa.Double, nullable=False),
        sa.Column("measuring", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_baseline"),
        _run("baseline"),
    )
    op.create_index(
        "ix_baseline_lab_job_side_step_fingerprint",
        "baseline",
        ["lab", "job", "side", "step", "fingerprint"],
    )
    op.create_index("ix_baseline_run_id", "baseline", ["run_id"])
