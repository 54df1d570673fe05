"""Commands that a server carries out: a run followed to its end, and what is known of runs."""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from storperf.cli.server import Server, ServerAway
from storperf.errors import ExitCode, StorperfError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from storperf.engine.events import Listener

# A server that is started anew is there again within seconds; a machine within minutes.
_PATIENCE_S = 600.0
_AGAIN_S = 1.0
_LOOK_S = 0.2

Told = tuple[int, str] | StorperfError | None


def run_there(
    server: Server,
    job_file: Path,
    *,
    wanted: Mapping[str, object],
    wait: bool,
    as_json: bool,
) -> None:
    """Have a job run by the server; with `wait` to its end, and with its exit code."""
    from storperf.cli.output import stderr_console

    try:
        text = job_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {job_file}: {error}") from error
    once = uuid.uuid4().hex
    document = {"text": text, **wanted}
    entry = _patiently(lambda: server.post("runs", document, once=once))["entry"]
    run = entry["run_id"]
    if not wait:
        _print_entry(entry, as_json=as_json)
        return
    stderr_console().print(f"run {run}: queued at {server.url}", markup=False)
    _follow(server, run, entry["job_text"])
    _print_end(server, run, as_json=as_json)


def _patiently(ask: Callable[[], Any]) -> Any:
    """An answer, asked for again while the server is away for a moment."""
    from storperf.engine.cancel import Cancel

    pause, until_s = Cancel(), time.monotonic() + _AGAIN_S * 10
    while True:
        try:
            return ask()
        except ServerAway:
            if time.monotonic() > until_s:
                raise
        pause.wait(_AGAIN_S)


def _follow(server: Server, run: str, job_text: str) -> None:
    """Show what happens until the run has ended; a signal asks the server to end it."""
    from storperf.cli.signals import cancelled_by_signals

    told: queue.SimpleQueue[Told] = queue.SimpleQueue()
    is_asked = False
    with cancelled_by_signals() as cancel:
        threading.Thread(target=_hear, args=(server, run, told), name="events", daemon=True).start()
        listen = _listener(job_text)
        while True:
            if cancel.is_requested and not is_asked:
                is_asked = True
                _patiently(lambda: server.post(f"runs/{run}/cancel"))
            try:
                record = told.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if record is None:
                return
            if isinstance(record, StorperfError):
                raise record
            listen(run, record[1])


def _hear(server: Server, run: str, told: queue.SimpleQueue[Told]) -> None:
    """Pass on what the server tells; when it goes away, go on behind the last record."""
    last, since_s = 0, time.monotonic()
    while True:
        try:
            for record in server.events(run, last):
                since_s = time.monotonic()
                last = last if record is None else record[0]
                told.put(record)
                if record is None:
                    return
        except ServerAway as error:
            if time.monotonic() - since_s > _PATIENCE_S:
                told.put(error)
                return
        except StorperfError as error:
            told.put(error)
            return
        # Not the command's own cancel: it waits for the end of the run, asked for or not.
        threading.Event().wait(_AGAIN_S)


def _listener(job_text: str) -> Callable[[str, str], None]:
    """Shows records of a feed as lines, as a run on this machine does where no terminal is."""
    from storperf.cli.output import stderr_console
    from storperf.cli.progress import line_progress
    from storperf.engine.events import Event, EventKind
    from storperf.jobfile.parse import parse_job
    from storperf.plan import plan_job

    job = parse_job(job_text, source="the job")
    show: Listener = line_progress(stderr_console(), job, len(plan_job(job).trials))

    def listen(run: str, text: str) -> None:
        facts = json.loads(text)
        kind = EventKind(facts.pop("kind"))
        # Slices of a feed are sums, which lines have no place for.
        if kind is not EventKind.INTERVAL:
            show(Event(kind=kind, run=run, facts=facts))

    return listen


def _print_end(server: Server, run: str, *, as_json: bool) -> None:
    from storperf.cli.output import tolerating_closed_stdout

    entry = _patiently(lambda: server.get(f"queue/{run}"))["entry"]
    if entry["state"] == "refused":
        raise UsageError(f"run {run} was refused: {entry['reason']}")
    if entry["state"] == "cancelled" and entry["started_s"] is None:
        raise typer.Exit(ExitCode.CANCELLED)
    result = _patiently(lambda: server.get(f"runs/{run}"))
    with tolerating_closed_stdout():
        show_there(server, run, as_json=as_json)
    sys.stderr.write(f"report: {server.url}/api/v3/runs/{run}/report\n")
    code = result["run"]["exit_code"]
    raise typer.Exit(ExitCode.BUG if code is None else code)


def show_there(server: Server, run: str, *, as_json: bool) -> None:
    """A run of the server on stdout, as `show` has it."""
    form = "json" if as_json else "table"
    sys.stdout.write(_patiently(lambda: server.text(f"runs/{run}/report", format=form)))


def export_there(server: Server, run: str, form: str) -> str:
    """A run of the server in another form."""
    return server.text(f"runs/{run}/report", format=form)


def list_there(
    server: Server, *, job: str | None, lab: str | None, limit: int, as_json: bool
) -> None:
    """The server's runs, newest first."""
    asked = {name: value for name, value in (("job", job), ("lab", lab)) if value is not None}
    page = server.get("runs", limit=min(limit, 500), **asked)
    if as_json:
        from storperf.cli.output import print_json

        print_json(page)
        return
    for run in page["runs"]:
        said = ": ".join(word for word in (run["verdict"], run["reason"]) if word)
        words = (run["id"], run["job_name"], run["lab"], run["state"], said or "-")
        sys.stdout.write("  ".join(words) + "\n")


def cancel_there(server: Server, run: str, *, as_json: bool) -> None:
    """End a run of the server."""
    asked = server.post(f"runs/{run}/cancel")
    if as_json:
        from storperf.cli.output import print_json

        print_json({"run": run, "state": asked["state"]})
    else:
        words = "asked to end" if asked["state"] == "running" else f"ended: {asked['state']}"
        sys.stdout.write(f"run {run}: {words}\n")


def _print_entry(entry: dict[str, Any], *, as_json: bool) -> None:
    from storperf.cli.output import print_json

    if as_json:
        print_json({"schema": "storperf-queue-entry/1", "entry": entry})
    else:
        sys.stdout.write(f"run {entry['run_id']}: queued\n")
