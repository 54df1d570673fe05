"""Whether a run's place in a baseline is pinned.  This file never changes.

While any place of a key is pinned, the pinned ones alone count, and they never age out.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No place was pinned before there was such a word."""
    op.add_column(
        "baseline", sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false())
    )
