"""What the service keeps: its queue, schedules, job files, tokens, audit.  Never changes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No service ran before: all of it starts empty.  Its lists of runs need indexes."""
    for columns in (["job_name", "lab", "created_s"], ["state", "created_s"]):
        op.create_index(f"ix_runs_{'_'.join(columns)}", "runs", columns)
    op.create_index("ix_runs_verdict_created_s", "runs", ["verdict", "created_s"])
    _queue()
    _jobs()
    _access()
    op.create_table(
        "configurations",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("changed_s", sa.Double, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_configurations"),
    )


def _queue() -> None:
    op.create_table(
        "queue",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("job_name", sa.Text, nullable=False),
        sa.Column("lab", sa.Text, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("job_text", sa.Text, nullable=False),
        sa.Column("resources", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("submitted_by", sa.Text, nullable=False),
        sa.Column("submitted_s", sa.Double, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("not_before_s", sa.Double),
        sa.Column("started_s", sa.Double),
        sa.Column("ended_s", sa.Double),
        sa.Column("exit_code", sa.Integer),
        sa.Column("reason", sa.Text),
        sa.Column("facts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_queue"),
    )
    op.create_index("ix_queue_state", "queue", ["state"])


def _jobs() -> None:
    op.create_table(
        "schedules",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("job_text", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_s", sa.Double, nullable=False),
        sa.Column("is_enabled", sa.Boolean, nullable=False),
        sa.Column("next_s", sa.Double),
        sa.Column("last_run", sa.Text),
        sa.Column("facts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_schedules"),
    )
    op.create_table(
        "stored_jobs",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("stored_by", sa.Text, nullable=False),
        sa.Column("stored_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name="pk_stored_jobs"),
    )


def _access() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("expires_s", sa.Double),
        sa.Column("revoked_s", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
    )
    op.create_index("ix_tokens_digest", "tokens", ["digest"], unique=True)
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "audit",
        sa.Column("number", number, autoincrement=True, nullable=False),
        sa.Column("at_s", sa.Double, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )
    op.create_index("ix_audit_at_s", "audit", ["at_s"])
    op.create_table(
        "host_pins",
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("key_line", sa.Text, nullable=False),
        sa.Column("pinned_by", sa.Text, nullable=False),
        sa.Column("pinned_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("host", name="pk_host_pins"),
    )
