"""What requests ask for, vetted before it reaches the queue."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from storperf.engine.profiles import Library
from storperf.errors import Conflict, UsageError
from storperf.jobfile.parse import NO_VARIABLES
from storperf.jobfile.places import HERE, Places, is_below
from storperf.jobfile.source import read_source
from storperf.jobfile.vetting import vet
from storperf.model.access import Caller
from storperf.model.queued import EntryState, QueueEntry
from storperf.queueing import asking
from storperf.web.served import Served


def vetted(
    served: Served,
    text: str,
    *,
    variables: Mapping[str, str] = NO_VARIABLES,
    places: Places | None = None,
) -> str:
    """The whole job file of a request, to be trusted; JobFileError when it asks for too much.

    `places` take the place of the configuration's.
    """
    chosen = served.configuration.places if places is None else places
    library = Library(served.settings.workloads)
    whole = vet(text, places=chosen, library=library, variables=variables)
    _refuse_links(whole, chosen.directories.get(HERE, ()))
    return whole


def submit_vetted(
    served: Served,
    caller: Caller,
    text: str,
    *,
    variables: Mapping[str, str] = NO_VARIABLES,
    places: Places | None = None,
    **more: Any,
) -> QueueEntry:
    """Put what a request asks for into the queue, in the caller's name.

    `more` is what `asking.submit` takes.  JobFileError when it asks for too much; Conflict when
    the queue is full.
    """
    whole = vetted(served, text, variables=variables, places=places)
    most = served.configuration.limits.queued_runs
    if served.store.queue_counts().get(EntryState.QUEUED, 0) >= most:
        raise Conflict(f"{most} runs are waiting already; cancel one, or come back later")
    entry = asking.submit(served.settings, served.store, whole, submitted_by=caller.name, **more)
    served.wake_queue()
    return entry


def _refuse_links(whole: str, allowed: tuple[str, ...]) -> None:
    """UsageError when a directory of the job leads elsewhere by a link on this machine."""
    top = read_source(whole).top
    provider = top.get("provider")
    if isinstance(provider, dict) and provider.get("kind", HERE) != HERE:
        return
    for key in ("target", "reference"):
        place = top.get(key)
        named = place.get("directory") if isinstance(place, dict) else None
        if not isinstance(named, str) or not any(is_below(named, each) for each in allowed):
            continue
        real = [os.path.realpath(each) for each in allowed]
        if not any(is_below(os.path.realpath(named), each) for each in real):
            raise UsageError(f"{key}.directory {named} leads to another place by a link")
