"""Where baselines begin anew.  This file never changes.

An anchor is a confirmed change of level: accepted runs before its run count no more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every baseline reached back to its first run before."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "anchors",
        sa.Column("number", number, autoincrement=True, nullable=False),
        sa.Column("lab", sa.Text, nullable=False),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("confirmed_by", sa.Text),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_anchors"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name="fk_anchors_runs", ondelete="CASCADE"
        ),
    )
    op.create_index(
        "ix_anchors_lab_job_side_step_fingerprint",
        "anchors",
        ["lab", "job", "side", "step", "fingerprint"],
    )
