"""/api/v1.0 and /api/v2.0: what clients of the earlier StorPerf ask for, and get as they did.

"Job" is the old word for a run; nobody outside this package uses it like that.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request

from storperf.errors import UsageError
from storperf.queueing import lent_secrets
from storperf.web.callers import Reader, Runner
from storperf.web.compatible import configurations, logs, quotas, reports
from storperf.web.compatible.answers import SUNSET, OldJson, OldRoute
from storperf.web.compatible.asked import read_initialization, read_job
from storperf.web.compatible.bodies import read_body
from storperf.web.compatible.kept import get_job, kept_jobs
from storperf.web.compatible.spec import spec
from storperf.web.compatible.starting import Compatible, start_job

router = APIRouter(prefix="/api", route_class=OldRoute, include_in_schema=False)

Content = Annotated[Any, Body()]
_TYPES = ("metrics", "metadata", "status")
# All reports at once are read for each request: no more than a page of history shows.
_MOST_REPORTS = 100


def compatible(request: Request) -> Compatible:
    """What the compatible requests of this app share."""
    found: Compatible = request.app.state.compatible
    return found


By = Annotated[Compatible, Depends(compatible)]
Name = Annotated[str | None, Query(alias="stack_name")]


@router.get("/v1.0/configurations")
def show_configuration(_caller: Reader, by: By, name: Name = None) -> OldJson:
    """The configuration of a stack, the last one by default."""
    return OldJson(configurations.shown(by, name), headers=SUNSET)


@router.post("/v1.0/configurations")
def create_configuration(caller: Runner, by: By, content: Content = None) -> OldJson:
    """Make a stack; answers when it is there."""
    values = read_body(content, "No data specified")
    return OldJson(configurations.create(by, values, caller.name), headers=SUNSET)


@router.delete("/v1.0/configurations")
def delete_configuration(_caller: Runner, by: By, name: Name = None) -> OldJson:
    """End what runs and delete the stack."""
    return OldJson({"stack_id": configurations.delete(by, name)}, headers=SUNSET)


@router.get("/v1.0/quotas")
def show_quota(_caller: Reader, by: By) -> OldJson:
    """How many volumes may be made."""
    return OldJson({"quota": quotas.volume_quota(by)}, headers=SUNSET)


@router.get("/v1.0/jobs")
@router.get("/v2.0/jobs")
def show_jobs(request: Request, _caller: Reader, by: By) -> OldJson:
    """One job's metrics, metadata or status; without an id all of them."""
    lent_secrets.forget_ended(by.settings, by.store)
    asked = request.query_params
    run_id = asked.get("id") or asked.get("job_id")
    kind = asked.get("type") or ("metrics" if run_id else "")
    if kind and kind not in _TYPES:
        raise UsageError(f"ERROR: type must be one of {', '.join(_TYPES)}")
    return OldJson(_job(by, run_id, kind) if run_id else _jobs(by, kind))


def _job(by: Compatible, run_id: str, kind: str) -> dict[str, Any]:
    job = get_job(by.store, run_id)
    if kind == "metadata":
        return reports.metadata_of(by.store, job)
    return reports.progress_of(job) if kind == "status" else reports.metrics_of(job)


def _jobs(by: Compatible, kind: str) -> dict[str, Any]:
    ids = [entry.run_id for entry in kept_jobs(by.store)]
    if kind not in {"metadata", "status"}:
        return {"job_ids": ids}
    found = [get_job(by.store, run_id) for run_id in ids[-_MOST_REPORTS:]]
    if kind == "status":
        return {job.id: reports.progress_of(job) for job in found}
    told = [(job, reports.metadata_of(by.store, job)) for job in found]
    return {
        "results": [{**each["report"], "_id": job.id} for job, each in told if "report" in each]
    }


@router.post("/v1.0/jobs")
@router.post("/v2.0/jobs")
def create_job(caller: Runner, by: By, content: Content = None) -> OldJson:
    """Start a job; refused while another one is there."""
    asked = read_job(read_body(content, "Missing configuration data"))
    return OldJson({"job_id": start_job(by, asked, "job", caller.name)})


@router.delete("/v1.0/jobs")
@router.delete("/v2.0/jobs")
def end_job(_caller: Runner, by: By) -> OldJson:
    """End the job that is there; true when there is none."""
    return OldJson({"Slaves": configurations.end_jobs(by) or True})


@router.post("/v1.0/initializations")
def create_initialization(caller: Runner, by: By, content: Content = None) -> OldJson:
    """Start a job that writes its target once."""
    asked = read_initialization({} if content is None else read_body(content or {"": 0}, ""))
    return OldJson({"job_id": start_job(by, asked, "initialization", caller.name)})


@router.get("/v1.0/logs")
def show_logs(request: Request, _caller: Reader, by: By) -> OldJson:
    """The last lines of what happened; `lines` that is no number means all of them."""
    return OldJson({"logs": logs.last_lines(by.store, request.query_params.get("lines"))})


@router.get("/spec.json")
def show_spec(_caller: Reader) -> OldJson:
    """These routes as a Swagger 2.0 document, for the Swagger UI of old."""
    return OldJson(spec())
