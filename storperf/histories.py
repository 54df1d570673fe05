"""A job's runs over time, out of an open store."""

from __future__ import annotations

from storperf.model.history import JobHistory
from storperf.run_results import load_result
from storperf.store.store import Store


def history_of(store: Store, job: str, lab: str | None, limit: int) -> JobHistory:
    """The newest runs of a job in one lab, and its judged figures over them.

    UnknownName when it has no run, UsageError when it has run in several labs.
    """
    # numpy and scipy are heavy: most commands do without.
    from storperf.reports.history import job_history, next_bands, runs_of_job

    runs = runs_of_job(store, job, lab, limit)
    results = [load_result(store, run.id) for run in runs]
    anchors = store.anchors(runs[0].lab, runs[0].job_name)
    return job_history(results, next_bands(store, results[0]), anchors)
