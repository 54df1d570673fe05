"""What the store keeps of a run, put together: its job, and everything known of it."""

from __future__ import annotations

from pathlib import Path

from storperf.engine.job_files import place_targets
from storperf.imports.imported import job_of_imported
from storperf.jobfile.parse import parse_job
from storperf.model.job import Job, Origin, Plan
from storperf.model.result import RunResult
from storperf.model.run import Run
from storperf.store.store import Store


def load_result(store: Store, run_id: str) -> RunResult:
    """Everything known of a run but its intervals."""
    found = store.get_run(run_id)
    environment = {
        name.removeprefix("environment."): facts
        for name, facts in found.facts.items()
        if name.startswith("environment.")
    }
    plan = store.plan(run_id)
    return RunResult(
        run=found,
        job=job_of(found, plan),
        plan=plan,
        trials=store.trials(run_id),
        summaries=store.summaries(run_id),
        verdict=store.verdict(run_id),
        environment=environment,
        sinks=sinks if isinstance(sinks := found.facts.get("sinks"), dict) else {},
    )


def job_of(found: Run, plan: Plan) -> Job:
    """The job that a run was made of, its targets placed as they were then."""
    if found.imported_from is not None:
        return job_of_imported(found, plan)
    origin = Origin(str(found.facts.get("origin", Origin.UNTRUSTED.value)))
    job = parse_job(found.job_text, source=f"the job of run {found.id}", origin=origin)
    return place_targets(job, Path(str(found.facts.get("directory", "/"))))
