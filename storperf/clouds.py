"""The use cases around clouds, beside those of service.py: what would be made, what is left."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storperf import service
from storperf.deadline import Deadline
from storperf.engine.job_files import place_targets
from storperf.engine.ownership import is_owned
from storperf.errors import ExitCode, StorperfError, UnknownName, UsageError
from storperf.jobfile.parse import parse_job
from storperf.jobfile.rewriting import with_stack_keys
from storperf.model.job import Job
from storperf.model.leftover import Leftover, Whose
from storperf.model.run import Run, RunState
from storperf.providers.heat import find_kept
from storperf.providers.heat_leftovers import delete_leftover, find_leftovers
from storperf.providers.heat_sending import preview
from storperf.providers.heat_state import find_state
from storperf.providers.openstack_session import open_cloud
from storperf.settings import Settings
from storperf.store.store import Store

_DELETE_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleanup:
    """What was found, and what became of it.

    `ended` are runs without a manager that were torn down before; `faults` of those that could not.
    """

    found: tuple[Leftover, ...]
    ended: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """4 when something of ours could not be deleted."""
        failed = any(each.fault for each in self.found) or bool(self.faults)
        return ExitCode.INFRASTRUCTURE if failed else ExitCode.PASS


def template(settings: Settings, path: Path) -> dict[str, Any]:
    """What Heat would be sent for a job, with its parameters; private keys are `***`."""
    made = preview(_heat_job(settings, path))
    return {"template": made.body, "parameters": dict(made.parameters)}


def validate(settings: Settings, path: Path) -> dict[str, Any]:
    """The same, after the cloud's own Heat has found nothing wrong with it."""
    job = _heat_job(settings, path)
    shown = template(settings, path)
    cloud = open_cloud(settings, job.provider.stack.cloud if job.provider.stack else None)
    environment = {"parameters": shown["parameters"]}
    cloud.orchestration.check(
        "/validate", {"template": shown["template"], "environment": environment}
    )
    return shown


def cleanup(
    settings: Settings, cloud_name: str | None = None, *, dry_run: bool, kept: bool = False
) -> Cleanup:
    """Find what runs left in a cloud; delete what is ours or has expired, tell the rest.

    A run of this manager that nobody carries out any more is ended first.  Stacks that were to
    be kept stay, unless `kept`.
    """
    cloud = open_cloud(settings, cloud_name)
    ended, faults = ([], []) if dry_run else _end_runs(settings)
    with service.open_store(settings) as store:

        def judge(run_id: str) -> Whose | None:
            return _whose(store, run_id, kept=kept)

        found = find_leftovers(cloud, judge, time.time())
        if dry_run:
            return Cleanup(found=found)
        deadline = Deadline.after(_DELETE_S)
        done = tuple(
            delete_leftover(cloud, each, deadline) if each.whose.may_go else each for each in found
        )
        _release(store, done)
    return Cleanup(found=done, ended=tuple(ended), faults=tuple(faults))


def delete_kept(
    settings: Settings, name: str, cloud_name: str | None = None
) -> tuple[Leftover, ...]:
    """Delete the stack of that name, which a run of this manager kept, and all that is its own.

    Nothing else is touched; nothing is found when it is gone already.
    """
    state = find_kept(settings.results, name)
    if state is None:
        return ()

    def judge(run_id: str) -> Whose:
        return Whose.OURS if run_id == state.run_id else Whose.IN_USE

    cloud = open_cloud(settings, cloud_name)
    deadline = Deadline.after(_DELETE_S)
    found = find_leftovers(cloud, judge, time.time())
    done = tuple(delete_leftover(cloud, each, deadline) for each in found if each.whose.may_go)
    with service.open_store(settings) as store:
        _release(store, done)
    return done


def load_job_for(settings: Settings, path: Path, attach: str) -> Job:
    """The job of a file on a stack that an earlier run kept; what its run keeps says so."""
    job = _heat_job(settings, path)
    return _with(settings, job, path, {"attach": attach, "keep": True})


def keeping_stack(settings: Settings, job: Job, path: Path) -> Job:
    """A job whose stack stays at the end of its run; UsageError when it makes none."""
    _refuse_others(job, path)
    return _with(settings, job, path, {"keep": True})


def _with(settings: Settings, job: Job, path: Path, keys: Mapping[str, str | bool]) -> Job:
    text = with_stack_keys(job.text, keys)
    return place_targets(parse_job(text, source=str(path)), settings.directory)


def _heat_job(settings: Settings, path: Path) -> Job:
    job = service.load_job(path, settings)
    _refuse_others(job, path)
    return job


def _refuse_others(job: Job, path: Path) -> None:
    if job.provider.kind != "heat":
        raise UsageError(f"{path} asks for the provider {job.provider.kind}, which makes no stack")


def _end_runs(settings: Settings) -> tuple[list[str], list[str]]:
    """Tear down the runs with a stack whose manager died; those that were, and why not others."""
    ended: list[str] = []
    faults: list[str] = []
    for run in _stranded(settings):
        try:
            service.cancel_run(settings, run.id)
        except StorperfError as error:
            faults.append(f"run {run.id}: {error.message}")
        else:
            ended.append(run.id)
    return ended, faults


def _stranded(settings: Settings) -> list[Run]:
    with service.open_store(settings) as store:
        return [
            run
            for run in store.find_runs(limit=10_000)
            if run.state is RunState.RUNNING
            and not is_owned(store.artefacts(run.id))
            and any(each.kind == "stack" and not each.released for each in store.ledger(run.id))
        ]


def _whose(store: Store, run_id: str, *, kept: bool) -> Whose | None:
    try:
        run = store.get_run(run_id)
    except UnknownName:
        return None
    if is_owned(store.artefacts(run_id)):
        return Whose.IN_USE
    is_stranded = run.state is RunState.RUNNING
    has_keys = find_state(store.artefacts(run_id)) is not None
    is_kept = not is_stranded and has_keys and not run.facts.get("left_behind")
    return Whose.KEPT if is_kept and not kept else Whose.OURS


def _release(store: Store, done: tuple[Leftover, ...]) -> None:
    """Note in the ledgers of our runs what is gone, and forget the keys that opened it."""
    for each in done:
        if each.kind != "stack" or not each.is_deleted or each.run is None:
            continue
        try:
            entries = [e.name for e in store.ledger(each.run) if not e.released]
        except UnknownName:
            continue
        store.ledger_release(each.run, *entries)
        state = find_state(store.artefacts(each.run))
        if state is not None:
            state.forget()
