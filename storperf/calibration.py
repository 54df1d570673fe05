"""The use case of calibration: A/A runs of a job, and how much its lab scatters by them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from storperf import service
from storperf.engine.cancel import Cancel
from storperf.engine.events import Listener
from storperf.engine.ownership import is_owned
from storperf.errors import Conflict, ExitCode, UnknownName, UsageError, worst
from storperf.model.calibration import Calibration
from storperf.model.ending import ConfirmWhen
from storperf.model.job import CANDIDATE, Job
from storperf.model.run import Run, RunState
from storperf.plan import plan_job
from storperf.run_results import load_result
from storperf.settings import Settings
from storperf.store.store import Store

FEWEST_RUNS = 2
MOST_RUNS = 100
# An interrupted calibration is gone on with for so long; later the lab may be another one.
_SAME_LAB_S = 7 * 86_400.0
_SEED = 7
_CUT_SHORT = (ExitCode.CANCELLED, ExitCode.BUG, ExitCode.USAGE, ExitCode.INFRASTRUCTURE)

# Given the number of a run, shows how it goes on while it is entered.
Following = Callable[[int], AbstractContextManager[Sequence[Listener]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """What came of a calibration, and the exit code; `why` says what cut it short."""

    calibration: Calibration
    exit_code: ExitCode
    why: str | None


def calibrate(  # noqa: PLR0913 - what a caller may say, by keyword
    settings: Settings,
    job: Job,
    *,
    runs: int,
    accept: bool,
    anew: bool,
    following: Following,
    cancel: Cancel,
) -> Calibrated:
    """Run a job so often, and keep how much its figures scatter as what the lab is known for.

    A calibration that was interrupted within the last week is gone on with, unless `anew`.  What
    was measured is kept however it ends.  No run enters the baseline unless `accept`.
    """
    if not FEWEST_RUNS <= runs <= MOST_RUNS:
        raise UsageError(
            f"--runs {runs}: a spread needs {FEWEST_RUNS} runs at least, and a prior nine of a "
            f"single step; {MOST_RUNS} at most"
        )
    begun = () if anew else _begun(settings, job, runs)
    name = _name_of(begun[0]) if begun else f"cal-{service.new_run_id(time.time())}"
    codes, why = [], None
    for number in range(1, runs + 1):
        run = begun[number - 1] if number <= len(begun) else None
        if run is not None and run.state is not RunState.RUNNING:
            continue
        facts = {"name": name, "number": number, "runs": runs, "accept": accept}
        with following(number) as listeners:
            if run is not None:
                ended = service.resume(settings, run.id, listeners=listeners, cancel=cancel).run
            else:
                ended = _measure(settings, job, facts, listeners, cancel)
        code = ExitCode(ended.exit_code or 0)
        if code in _CUT_SHORT:
            codes.append(code)
            why = f"run {number} of {runs} ended with exit code {int(code)}"
            break
    found = _conclude(settings, job, name, runs)
    if found.rehearsal is None or not _is_enough(found):
        codes.append(ExitCode.INCONCLUSIVE)
    return Calibrated(
        calibration=found, exit_code=worst(codes) if codes else ExitCode.PASS, why=why
    )


def shown(settings: Settings, job: Job) -> Calibration:
    """The newest calibration of a job; UnknownName when it was never calibrated."""
    newest = _newest(settings, job)
    if not newest:
        raise UnknownName(f"{job.name} was never calibrated in lab {job.lab}")
    return _conclude(settings, job, _name_of(newest[0]), _facts_of(newest[0])["runs"])


def _measure(
    settings: Settings,
    job: Job,
    facts: Mapping[str, object],
    listeners: Sequence[Listener],
    cancel: Cancel,
) -> Run:
    return service.run(
        settings,
        job,
        title=f"calibration, {facts['number']} of {facts['runs']}",
        confirm=ConfirmWhen.NEVER,
        listeners=listeners,
        cancel=cancel,
        calibration=facts,
    ).run


def _begun(settings: Settings, job: Job, runs: int) -> tuple[Run, ...]:
    """The runs of an interrupted calibration of the same steps, oldest first."""
    found = _newest(settings, job)
    whole = [run for run in found if run.state is RunState.COMPLETED]
    is_open = any(run.state is RunState.RUNNING for run in found)
    if not found or (len(whole) >= int(_facts_of(found[0])["runs"]) and not is_open):
        return ()
    with service.open_store(settings) as store:
        now = {step.key: step.fingerprint for step in plan_job(job).steps}
        then = {step.key: step.fingerprint for step in store.plan(found[0].id).steps}
        busy = [run.id for run in found if _is_running(store, run)]
    if busy:
        raise Conflict(f"run {busy[0]} of this calibration is being measured; wait, or cancel it")
    if now != then or found[-1].created_s < time.time() - _SAME_LAB_S:
        return ()
    kept = [run for run in found if run.state in (RunState.COMPLETED, RunState.RUNNING)]
    return tuple(kept[:runs])


def _is_running(store: Store, run: Run) -> bool:
    return run.state is RunState.RUNNING and is_owned(store.artefacts(run.id))


def _newest(settings: Settings, job: Job) -> list[Run]:
    """The runs of a job's newest calibration, oldest first."""
    with service.open_store(settings) as store:
        runs = store.find_runs(job=job.name, lab=job.lab, limit=None)
    of_any = [run for run in reversed(runs) if "name" in _facts_of(run)]
    return [run for run in of_any if _name_of(run) == _name_of(of_any[-1])]


def _facts_of(run: Run) -> Mapping[str, int]:
    facts = run.facts.get("calibration")
    return facts if isinstance(facts, dict) else {}


def _name_of(run: Run) -> str:
    return str(_facts_of(run)["name"])


def _conclude(settings: Settings, job: Job, name: str, wanted: int) -> Calibration:
    """What all runs of a calibration say so far; kept in the store."""
    # numpy and scipy are heavy: not before there is something to sum up.
    from storperf.stats import calibration as stats
    from storperf.stats.rehearsal import rehearse, residuals

    with service.open_store(settings) as store:
        runs = [run for run in _newest(settings, job) if _name_of(run) == name]
        results = [load_result(store, run.id) for run in runs]
        plan = plan_job(job)
        values = stats.calibrated_values(results)
        figures = stats.calibrated_figures(plan.steps, values)
        usable = min((sum(v is not None for v in found) for found in values.values()), default=0)
        spreads = stats.calibrated_spreads(
            figures,
            lab=job.lab,
            job=job.name,
            name=name,
            runs=[run.id for run in runs],
            at_s=max((run.ended_s or run.created_s for run in runs), default=0.0),
        )
        if [each for each in store.spreads(job.lab) if each.calibration == name] != list(spreads):
            store.add_spreads(spreads)
        steps = [(step, CANDIDATE) for step in plan.steps if not step.workload.is_warm_up]
        lab = stats.lab_spreads(steps, store.spreads(job.lab))
    left = residuals(values)
    return Calibration(
        name=name,
        job=job.name,
        lab=job.lab,
        wanted=wanted,
        runs=tuple(run.id for run in runs),
        usable=usable,
        figures=figures,
        spreads=spreads,
        rehearsal=None if left is None else rehearse(job, plan.steps, left, lab, seed=_SEED),
        confirm=_confirm_words(job),
    )


def _confirm_words(job: Job) -> str:
    if job.confirmation.when is ConfirmWhen.NEVER:
        return "no confirmation"
    return "pairs with the reference" if job.has_reference else "fresh trials of the step"


def _is_enough(found: Calibration) -> bool:
    # numpy is heavy: most commands do without.
    from storperf.stats.prior import FEWEST_POOLED_DF

    return bool(found.spreads) and min(each.df for each in found.spreads) >= FEWEST_POOLED_DF
