"""The use cases around a cloud before a run, beside those of service.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from storperf.deadline import Deadline
from storperf.errors import UsageError
from storperf.heat.fitness import cloud_findings
from storperf.heat.needs import needs_of
from storperf.model.finding import Examination
from storperf.model.image import UploadedImage
from storperf.providers.glance_image import upload_image
from storperf.providers.heat_sending import load_files, marks, wish
from storperf.providers.heat_survey import survey
from storperf.providers.openstack_session import open_cloud
from storperf.service import load_job
from storperf.settings import Settings

# Some twenty requests; a cloud that is busy answers each within a second or two.
_SURVEY_S = 60.0
# A person waits; what is away for so long is a finding.
_PATIENCE_S = 10.0
_UPLOAD_S = 3600.0


def check(settings: Settings, job_file: Path, cloud_name: str | None = None) -> Examination:
    """Whether a job's stack can be made in its cloud; nothing is made."""
    job = load_job(job_file, settings)
    if job.provider.kind != "heat":
        raise UsageError(
            f"{job_file} has the provider {job.provider.kind}; only `kind: heat` needs a cloud"
        )
    stack = wish(job)
    cloud = open_cloud(settings, cloud_name or stack.cloud, patience_s=_PATIENCE_S)
    facts = survey(cloud, stack, Deadline.after(_SURVEY_S))
    hot_version = str(load_files(stack)[0]["heat_template_version"])
    findings = tuple(cloud_findings(facts, stack, needs_of(job, stack), hot_version))
    return Examination(job=job.name, targets=(), findings=findings, facts=facts)


def upload(  # noqa: PLR0913 - an option each
    settings: Settings,
    path: Path,
    name: str,
    cloud_name: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
    *,
    lifetime_s: float | None = None,
) -> UploadedImage:
    """An agent image in the cloud's Glance; the one that is there when it is the same.

    After `lifetime_s` everybody's cleanup may delete it; None is never.
    """
    cloud = open_cloud(settings, cloud_name)
    said = marks("", time.time() + (lifetime_s or 0.0)).metadata
    kept = ("storperf_owner",) if lifetime_s is None else ("storperf_owner", "storperf_expires")
    told = {key: said[key] for key in kept}
    return upload_image(cloud, path, name, Deadline.after(_UPLOAD_S), tell, marks=told)
