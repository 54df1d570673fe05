"""One entry of the queue, carried out by a process of its own: the server's child."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from storperf import service
from storperf.engine.cancel import Cancel
from storperf.engine.events import Event, EventKind, Listener
from storperf.engine.job_files import place_targets
from storperf.errors import Conflict, ExitCode, UsageError
from storperf.model.ending import ConfirmWhen
from storperf.model.queued import EntryState, QueueEntry
from storperf.queueing.asking import parse_trusted
from storperf.queueing.entries import entry_of, find_run, is_cancelled_early, refuse, settle
from storperf.queueing.lent_secrets import LENT, forget
from storperf.settings import Settings
from storperf.store.store import Store


def carry_out(
    settings: Settings, run_id: str, listeners: Sequence[Listener], cancel: Cancel
) -> ExitCode:
    """Begin a run of the queue, or go on with it, and tell the queue how it ended."""
    with service.open_store(settings) as store:
        entry = entry_of(store, run_id)
        if entry.state is not EntryState.RUNNING:
            raise Conflict(f"run {run_id} is {entry.state}; the server starts what is queued")
        try:
            _run(settings, store, entry, listeners, cancel)
        except UsageError as error:
            if find_run(store, run_id) is None:
                refuse(store, run_id, error.message)
                forget(settings, str(entry.facts.get(LENT)))
            raise
        ended = settle(store, run_id)
        # A run that is killed needs its login again, when it is taken over.
        forget(settings, str(entry.facts.get(LENT)))
    code = None if ended is None else ended.exit_code
    return ExitCode.BUG if code is None else ExitCode(code)


def _run(
    settings: Settings,
    store: Store,
    entry: QueueEntry,
    listeners: Sequence[Listener],
    cancel: Cancel,
) -> None:
    def cancel_early(event: Event) -> None:
        # Asked for while there was no run yet that could be told.
        if event.kind is EventKind.RUN_STARTED and is_cancelled_early(store, entry.run_id):
            cancel.request("cancelled before it began")

    if find_run(store, entry.run_id) is not None:
        service.resume(settings, entry.run_id, listeners=listeners, cancel=cancel)
        return
    confirm = entry.facts.get("confirm")
    directory = Path(str(entry.facts.get("directory") or settings.directory))
    service.run(
        settings,
        place_targets(parse_trusted(settings, entry.job_text), directory),
        title=entry.title,
        confirm=None if confirm is None else ConfirmWhen(str(confirm)),
        graphite=entry.facts.get("graphite") is not False,
        listeners=[*listeners, cancel_early],
        cancel=cancel,
        run_id=entry.run_id,
    )
