"""Which result of another program a run was imported from.  This file never changes.

The result's digest, unique: a result that is imported twice would be counted twice in a baseline.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Runs of ours have none."""
    op.add_column("runs", sa.Column("imported_from", sa.Text))
    op.create_index("ix_runs_imported_from", "runs", ["imported_from"], unique=True)
