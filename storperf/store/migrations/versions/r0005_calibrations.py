"""How much a lab's runs scatter, and what hosts did in accepted runs.  This file never changes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was calibrated before, and of earlier entries nothing is known of their hosts."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "calibrations",
        sa.Column("number", number, autoincrement=True, nullable=False),
        sa.Column("lab", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("op", sa.Text, nullable=False),
        sa.Column("metric", sa.Text, nullable=False),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("calibration", sa.Text, nullable=False),
        sa.Column("runs", sa.Text, nullable=False),
        sa.Column("figures", sa.Integer, nullable=False),
        sa.Column("squares", sa.Double, nullable=False),
        sa.Column("df", sa.Integer, nullable=False),
        sa.Column("at_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_calibrations"),
    )
    op.create_index("ix_calibrations_lab", "calibrations", ["lab"])
    op.add_column("baseline", sa.Column("hosts", sa.Text))
