"""Lists by page over many runs, and a key of its own for what is asked once.  Never changes."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Indexes for each order of a list; the keys of requests move into their column."""
    op.drop_index("ix_runs_job_name_lab_created_s", "runs")
    for columns in (["job_name"], ["lab"]):
        op.create_index(f"ix_runs_{columns[0]}_created_s", "runs", [*columns, "created_s"])
    op.create_index("ix_runs_ended_s_created_s_id", "runs", ["ended_s", "created_s", "id"])
    key = ["lab", "job", "side", "step", "fingerprint"]
    op.drop_index(f"ix_baseline_{'_'.join(key)}", "baseline")
    longer = [*key, "run_id", "number"]
    op.create_index(f"ix_baseline_{'_'.join(longer)}", "baseline", longer)
    op.add_column("queue", sa.Column("once", sa.Text))
    _move_keys()
    op.create_index("ix_queue_ended_s_run_id", "queue", ["ended_s", "run_id"])
    op.create_index("ix_queue_once", "queue", ["once"], unique=True)


def _move_keys() -> None:
    queue = sa.table("queue", *(sa.column(name) for name in ("run_id", "facts", "once")))
    connection = op.get_bind()
    asked = sa.select(queue.c.run_id, queue.c.facts).where(queue.c.facts.contains('"once":'))
    for run_id, text in connection.execute(asked.order_by(queue.c.run_id)).all():
        facts = json.loads(text)
        key = facts.pop("once", None)
        # Of twins, which PostgreSQL let in, the first has the key.
        twin = connection.scalar(sa.select(queue.c.run_id).where(queue.c.once == key))
        kept = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        connection.execute(
            sa.update(queue)
            .where(queue.c.run_id == run_id)
            .values(facts=kept, once=key if twin is None else None)
        )
