"""Entries of a queue, made up for tests."""

from __future__ import annotations

from storperf.model.queued import QueueEntry

TEXT = """
name: nightly
target: {directory: scratch, size: 16M}
workloads: [rr]
"""


def entry(run_id, *resources, submitted_s=0.0, priority=0, **fields):
    """An entry that waits."""
    return QueueEntry(
        run_id=run_id,
        job_name="nightly",
        lab="local",
        title=None,
        job_text=TEXT,
        resources=resources,
        priority=priority,
        submitted_by="somebody",
        submitted_s=submitted_s,
        **fields,
    )
