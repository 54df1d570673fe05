"""Runs that a request asks for: its job file is held to what a request may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storperf.engine.profiles import Library
from storperf.jobfile.parse import parse_job
from storperf.model.access import Caller
from storperf.model.job import Origin
from storperf.model.queued import QueueEntry
from storperf.queueing import asking
from storperf.web.served import Served


def submit_vetted(
    by: Served, caller: Caller, text: str, *, variables: Mapping[str, str], **more: Any
) -> QueueEntry:
    """Put a run into the queue; JobFileError when it asks for more than a request may."""
    library = Library(by.settings.workloads)
    job = parse_job(
        text, source="the job", origin=Origin.UNTRUSTED, library=library, variables=variables
    )
    entry = asking.submit(by.settings, by.store, job.text, submitted_by=caller.name, **more)
    by.wake_queue()
    return entry
