"""A job is put into the queue: where it runs, what it says, and that no other one is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from storperf.errors import Conflict
from storperf.model.ending import ConfirmWhen
from storperf.model.queued import QueueEntry
from storperf.plan import plan_job
from storperf.queueing import asking, lent_secrets
from storperf.settings import Settings
from storperf.store.store import Store
from storperf.units import parse_size
from storperf.web.compatible import configured
from storperf.web.compatible.allowed import Allowed
from storperf.web.compatible.asked import DEFAULT_TARGET, Asked, FileSystemAsked, Login
from storperf.web.compatible.job_text import Place, job_text
from storperf.web.compatible.kept import (
    COMPATIBLE,
    latest_initialization,
    open_jobs,
    said_by,
)
from storperf.web.compatible.names import window_names
from storperf.web.compatible.stackless import place_on_hosts, vouched_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Compatible:
    """What the compatible requests of one server share.

    `starting` lets one request at a time look whether a job is there and put its own into the
    queue: the earlier StorPerf has one job at a time, and two requests may come at once.
    """

    settings: Settings
    store: Store
    allowed: Allowed
    starting: threading.Lock
    # Tells the queue that there is something new.
    wake: Callable[[], None]

    def cancel(self, run_id: str) -> None:
        """Take a job back or end it; Conflict when it has ended."""
        asking.cancel(self.settings, self.store, run_id)


def start_job(by: Compatible, asked: Asked, kind: str, who: str) -> str:
    """Put a job or an initialization into the queue and give its id.

    Conflict while another one waits or runs; UsageError when it could not be carried out.
    """
    with by.starting, ExitStack() as undo:
        refuse_second(by.store)
        lent_secrets.forget_ended(by.settings, by.store)
        lent = None
        if asked.login is None:
            place = configured.place_of(by.store, by.allowed, asked, _file_system)
        else:
            place, lent = _on_hosts(by, asked, asked.login, undo)
        entry = _submit(by, asked, kind, who, place, None if lent is None else lent.name)
        undo.pop_all()
    by.wake()
    return entry.run_id


def refuse_second(store: Store) -> None:
    """Conflict when a job of this API waits or runs."""
    for entry in open_jobs(store):
        raise Conflict(f"ERROR: Job {entry.run_id} is already running", run=entry.run_id)


def _on_hosts(
    by: Compatible, asked: Asked, login: Login, undo: ExitStack
) -> tuple[Place, lent_secrets.Lent]:
    keys = vouched_keys(by.store, by.allowed, login.addresses)
    lent = lent_secrets.lend(by.settings, private_key=login.private_key, password=login.password)
    undo.callback(lent_secrets.forget, by.settings, lent.name)
    target = asked.target or DEFAULT_TARGET
    place_key = "hosts " + " ".join(host.known_as for host in login.addresses)
    made = asked.file_system or _file_system(by.store, place_key, target)
    return place_on_hosts(by.settings, keys, login, lent, target, made), lent


def _file_system(store: Store, place: str, target: str) -> FileSystemAsked | None:
    """The file system that an initialization made for that directory: each run makes it anew."""
    said = said_by(latest_initialization(store, place, target)).get("file_system")
    if not isinstance(said, dict):
        return None
    return FileSystemAsked(
        type=str(said["type"]), options=tuple(said["options"]), device=str(said["device"])
    )


def _submit(  # noqa: PLR0913, PLR0917 - all that an entry is made of
    by: Compatible, asked: Asked, kind: str, who: str, place: Place, lent: str | None
) -> QueueEntry:
    target = asked.target or DEFAULT_TARGET
    before = latest_initialization(by.store, place.key, target)
    text = job_text(asked, place, is_filled=before is not None and place.is_device)
    plan = plan_job(asking.parse_trusted(by.settings, text))
    said: dict[str, Any] = {
        "kind": kind,
        "place": place.key,
        "target": target,
        "metadata": dict(asked.metadata),
        "told": {**_told(asked), **place.told, "target": target},
        "windows": window_names(plan, _written_sizes(asked)),
        "samples": asked.samples,
        "file_system": _said_file_system(asked.file_system),
    }
    facts: Mapping[str, object] = {COMPATIBLE: said, lent_secrets.LENT: lent}
    return asking.submit(
        by.settings,
        by.store,
        text,
        submitted_by=who,
        confirm=ConfirmWhen.NEVER,
        facts=facts,
    )


def _told(asked: Asked) -> dict[str, Any]:
    """The parameters that every answer about the job's metadata has."""
    return {
        "block_sizes": ",".join(asked.block_sizes),
        "queue_depths": ",".join(map(str, asked.queue_depths)),
        "deadline": None if asked.deadline_s is None else asked.deadline_s / 60,
        "steady_state_samples": asked.samples,
        "stack_name": asked.stack_name,
        "workload": ",".join(asked.workloads),
    }


def _written_sizes(asked: Asked) -> dict[int, str]:
    return {parse_size(text): text for text in asked.block_sizes}


def _said_file_system(asked: FileSystemAsked | None) -> dict[str, Any] | None:
    if asked is None:
        return None
    return {"type": asked.type, "options": list(asked.options), "device": asked.device}
