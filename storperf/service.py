"""The use cases, one function each.  CLI and web know only this module.

Every function takes Settings (or an open Store) and plain values, and gives back values
of the model; what goes wrong is a StorperfError.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from storperf.agent.steady_clock import SteadyClock
from storperf.doctor.wanted import wanted_by_directory, wanted_by_job
from storperf.engine.cancel import Cancel
from storperf.engine.context import RunContext
from storperf.engine.events import Announcer, Listener
from storperf.engine.examination import examine_local
from storperf.engine.job_files import read_job_file
from storperf.engine.live_feed import FEED_FILE, LiveFeed
from storperf.engine.ownership import is_owned, owning
from storperf.engine.profiles import Library
from storperf.engine.run_job import run_job
from storperf.engine.telemetry import sending
from storperf.errors import Conflict, StoreError, UsageError
from storperf.graphite.server import EmbeddedGraphite
from storperf.histories import Histories
from storperf.imports.imported import ImportOutcome
from storperf.jobfile.parse import NO_VARIABLES
from storperf.model.ending import ConfirmWhen
from storperf.model.finding import Examination
from storperf.model.history import JobHistory
from storperf.model.job import Job, Origin, Plan
from storperf.model.result import RunResult
from storperf.model.run import Phase, PruneReport, Run, RunState
from storperf.plan import plan_job
from storperf.providers.local import LocalProvider
from storperf.providers.observed import ObservedHosts
from storperf.providers.registry import PROVIDERS
from storperf.reports.papers import write_papers
from storperf.run_results import job_of, load_result
from storperf.settings import Settings
from storperf.store.store import Store
from storperf.version import package_version


def open_store(settings: Settings) -> Store:
    """The manager's store, made when it is not there yet."""
    return Store.open(settings.results, settings.database)


def load_job(
    path: Path,
    settings: Settings,
    origin: Origin = Origin.TRUSTED,
    variables: Mapping[str, str] = NO_VARIABLES,
) -> Job:
    """The job in a file; relative target paths start at the settings' directory.

    `variables` win over the file's own.
    """
    library = Library(settings.workloads)
    return read_job_file(path, settings.directory, origin, library, variables)


# --- the machine -----------------------------------------------------------------------------


def doctor(
    settings: Settings, job_file: Path | None, target: Path | None, *, openstack: bool = False
) -> Examination:
    """Whether this machine is fit for a job, or to measure in a directory at all.

    `target` replaces the job's targets; without both it is the working directory.  With `openstack`
    the credentials of an OpenStack cloud are looked for and tried.
    """
    place = None if target is None else str(settings.directory / target)
    if job_file is None:
        wanted = wanted_by_directory(place or str(settings.directory))
    else:
        wanted = wanted_by_job(load_job(job_file, settings), place)
    return examine_local(wanted, settings, openstack=openstack)


# --- running ---------------------------------------------------------------------------------


def run(  # noqa: PLR0913 - what a caller may say, by keyword
    settings: Settings,
    job: Job,
    *,
    title: str | None = None,
    confirm: ConfirmWhen | None = None,
    graphite: bool = True,
    listeners: Sequence[Listener] = (),
    cancel: Cancel | None = None,
    calibration: Mapping[str, object] | None = None,
    run_id: str | None = None,
) -> RunResult:
    """Carry a job out, from its first agent to its verdict.

    `confirm` takes the place of the job's own `confirm.when`.  Intervals go to the job's
    Graphite, else to the embedded one if it is up; nowhere without `graphite`.  `calibration`
    says to which calibration the run belongs; such a run enters no baseline unless it says so.
    `run_id` is the id that the queue gave it; Conflict when there is such a run.
    """
    if confirm is ConfirmWhen.ALWAYS and not job.has_reference:
        raise UsageError("pairs need a second target; name it in the job file as `reference`")
    address = (job.graphite or embedded_graphite(settings).address()) if graphite else None
    plan = plan_job(job)
    with open_store(settings) as store:
        created_s = time.time()
        run_id = run_id or new_run_id(created_s)
        started = Run(
            id=run_id,
            job_name=job.name,
            lab=job.lab,
            title=title,
            job_text=job.text,
            state=RunState.RUNNING,
            phase=None,
            created_s=created_s,
            manager=this_manager(),
            facts={
                "origin": job.origin.value,
                "directory": str(settings.directory),
                "confirm": confirm,
                "graphite": None if address is None else asdict(address),
                **({} if calibration is None else {"calibration": dict(calibration)}),
            },
        )
        store.create_run(started, plan)
        return _carry_out(settings, store, started, job, plan, listeners, cancel, None)


def resume(
    settings: Settings,
    run_text: str,
    *,
    listeners: Sequence[Listener] = (),
    cancel: Cancel | None = None,
) -> RunResult:
    """Go on with a run whose manager died; Conflict when it has ended or is managed."""
    with open_store(settings) as store:
        found = store.resolve(run_text)
        if found.state is not RunState.RUNNING:
            raise Conflict(f"run {found.id} has ended ({found.state}); there is nothing to resume")
        plan = store.plan(found.id)
        if found.imported_from is not None:
            raise Conflict(f"run {found.id} is an import that was cut off; import its file again")
        job = job_of(found, plan)
        return _carry_out(settings, store, found, job, plan, listeners, cancel, found.phase)


def _carry_out(  # noqa: PLR0913, PLR0917 - what run and resume have in common
    settings: Settings,
    store: Store,
    started: Run,
    job: Job,
    plan: Plan,
    listeners: Sequence[Listener],
    cancel: Cancel | None,
    resume_at: Phase | None,
) -> RunResult:
    epoch = SteadyClock(time.monotonic, time.time).epoch_s
    feed = LiveFeed(store.artefacts(started.id) / FEED_FILE, job.interval_s, epoch)
    heard_by = (*listeners, feed.listen)
    context = RunContext(
        run_id=started.id,
        job=job,
        plan=plan,
        store=store,
        provider=PROVIDERS[job.provider.kind](settings),
        cancel=cancel or Cancel(),
        announce=Announcer(started.id, heard_by),
        epoch=epoch,
        confirm_when=ConfirmWhen(str(started.facts.get("confirm") or job.confirmation.when)),
        observed=ObservedHosts(settings),
    )
    with (
        owning(started.id, store.artefacts(started.id)),
        feed,
        sending(context, started, settings.spools, heard_by),
    ):
        store.set_manager(started.id, this_manager())
        run_job(context, report, resume_at)
        report(context)
        result = load_result(store, started.id)
        try:
            _write_html(store, result, None)
        except StoreError as error:
            # The run has ended with its verdict; the page can be made again at any time.
            context.announce.note(f"no report as a page: {error.message}")
        return result


def report(context: RunContext) -> None:
    """Write the run's papers into its folder, from what is stored."""
    write_papers(
        load_result(context.store, context.run_id), context.store.artefacts(context.run_id)
    )


def html_report(settings: Settings, run_text: str, output: Path | None = None) -> Path:
    """Make a run's page again from what is stored, whatever its state; gives where it stands.

    Without `output` that is `report.html` in the run's folder.
    """
    with open_store(settings) as store:
        return _write_html(store, load_result(store, store.resolve(run_text).id), output)


def _write_html(store: Store, result: RunResult, output: Path | None) -> Path:
    # numpy and jinja2 are heavy: most commands do without.
    from storperf.reports.html_file import REPORT_FILE, write_report

    path = output or store.artefacts(result.run.id) / REPORT_FILE
    write_report(store, result, path, made_s=time.time())
    return path


def report_address(settings: Settings, run_id: str) -> str | None:
    """The address of the page that the run left; None when there is none."""
    path = settings.results / "runs" / run_id / "report.html"
    return path.resolve().as_uri() if path.is_file() else None


def cancel_run(settings: Settings, run_text: str, listeners: Sequence[Listener] = ()) -> Run:
    """End a run: its living manager is asked to; without one, it is torn down from here."""
    with open_store(settings) as store:
        found = store.resolve(run_text)
        if found.state is not RunState.RUNNING:
            raise Conflict(f"run {found.id} has ended already ({found.state})")
        store.request_cancel(found.id)
        if is_owned(store.artefacts(found.id)):
            return found
    return resume(settings, found.id, listeners=listeners).run


def new_run_id(created_s: float) -> str:
    """A run's name: sorts by time, is safe in paths and metric names."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(created_s))
    return f"{stamp}-{secrets.token_hex(2)}"


def this_manager() -> dict[str, object]:
    """Who carries a run out, as it is kept with it."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "storperf": package_version(),
        "since_s": time.time(),
    }


# --- importing -------------------------------------------------------------------------------


def import_results(
    settings: Settings, paths: Sequence[Path], *, job: str | None, lab: str, dry_run: bool
) -> tuple[ImportOutcome, ...]:
    """Results of fio and of the earlier StorPerf as runs of `job`, oldest first; then the refused.

    A clean one enters the job's baseline.  Every file is looked at: one that is refused keeps no
    other from being stored.  A dry run stores nothing and makes no store.
    """
    # numpy is heavy: most commands do without.
    from storperf import importing

    found, refused = importing.read_files(paths)
    if dry_run:
        return (*(importing.understood(each) for each in found), *refused)
    with open_store(settings) as store:
        importer = importing.Importer(
            store=store,
            provider=LocalProvider(settings),
            job=job,
            lab=lab,
            epoch=time.time,
            manager=this_manager(),
        )
        return (*(importer.add(each) for each in found), *refused)


# --- looking ---------------------------------------------------------------------------------


def list_runs(
    settings: Settings, *, job: str | None = None, lab: str | None = None, limit: int = 50
) -> tuple[Run, ...]:
    """Runs, newest first."""
    with open_store(settings) as store:
        return store.find_runs(job=job, lab=lab, limit=limit)


def show(settings: Settings, run_text: str) -> RunResult:
    """One run, by id, the beginning of one, or `last`."""
    with open_store(settings) as store:
        return load_result(store, store.resolve(run_text).id)


def raw_files(settings: Settings, run_text: str) -> tuple[Path, ...]:
    """The kept files of a run: raw fio output, intervals, journals, papers."""
    with open_store(settings) as store:
        folder = store.artefacts(store.resolve(run_text).id)
        return tuple(sorted(path for path in folder.rglob("*") if path.is_file()))


def history(
    settings: Settings, job: str, lab: str | None = None, *, limit: int = 100
) -> JobHistory:
    """The newest runs of a job in one lab, and its judged figures over them."""
    with open_store(settings) as store:
        return Histories(store).of_job(job, lab, limit)


def html_history(settings: Settings, found: JobHistory, output: Path | None = None) -> Path:
    """Make a job's history a page; without `output` it is in the results folder."""
    from storperf.reports.html_history import page_name, write_history

    path = output or settings.results / page_name(found)
    write_history(found, settings.results / "runs", path, made_s=time.time())
    return path


# --- keeping ---------------------------------------------------------------------------------


def prune(
    settings: Settings, *, older_than_s: float | None, max_bytes: int | None, dry_run: bool
) -> PruneReport:
    """Remove raw output, intervals and journals of old runs; summaries stay for ever."""
    with open_store(settings) as store:
        return store.prune(
            older_than_s=older_than_s, max_bytes=max_bytes, now_s=time.time(), dry_run=dry_run
        )


def embedded_graphite(settings: Settings) -> EmbeddedGraphite:
    """This manager's own Graphite: `up`, `state`, `down`, `install`."""
    return EmbeddedGraphite.of(settings)
