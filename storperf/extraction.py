"""Earlier runs out of a Graphite into the store, judged and entered into their baseline."""

from __future__ import annotations

import hashlib
import re
import time
from calendar import timegm
from collections.abc import Callable
from dataclasses import dataclass

from storperf.engine.cancel import Cancel
from storperf.engine.context import RunContext
from storperf.engine.events import Announcer
from storperf.engine.judgement import accept, judge
from storperf.errors import ExitCode, UnknownName, UsageError
from storperf.imports.earlier import (
    KIND,
    EarlierRun,
    Extraction,
    ExtractOutcome,
    FigureSource,
)
from storperf.imports.extracted import extract_run
from storperf.imports.imported import IMPORTED
from storperf.model.job import Job, Plan
from storperf.model.run import Run, RunState
from storperf.model.verdict import Verdict
from storperf.plan import plan_job
from storperf.providers.provider import Provider
from storperf.reports.papers import write_papers
from storperf.run_results import load_result
from storperf.sinks.earlier_runs import RunFound, find_runs, read_run
from storperf.sinks.graphite_web import GraphiteWeb
from storperf.stats.table import SensorTable
from storperf.store.intervals import write_intervals
from storperf.store.store import Store

_RUN_ID = re.compile(r"(\d{8}-\d{6})(-[0-9a-f]+)?")
_ID_LENGTH = 8
_MOST_RUNS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Extractor:
    """Takes runs of one job out of one Graphite; `who` asks for it."""

    store: Store
    provider: Provider
    web: GraphiteWeb
    job: Job
    epoch: Callable[[], float]
    manager: Callable[[], dict[str, object]]
    who: str

    def extract(
        self, run: str | None, from_s: float | None, until_s: float | None
    ) -> tuple[ExtractOutcome, ...]:
        """The run of that id, or all that were started in that time.

        UsageError for a job that cannot be extracted, UnknownName when there is no run.
        """
        job = self.job
        if job.rounds is not None or job.search is not None:
            raise UsageError(
                f"job {job.name} has {'rounds' if job.rounds else 'a search'}: which of its trials "
                "are the measurement cannot be told from a Graphite"
            )
        if run is not None:
            from_s = until_s = started_by_id(run)
        now_s = self.epoch()
        found = find_runs(
            self.web,
            lab=job.lab,
            job=job.name,
            from_s=from_s or 0.0,
            until_s=now_s if until_s is None else until_s,
            now_s=now_s,
        )
        if not found:
            when = f"run {run}" if run is not None else "no run in that time"
            raise UnknownName(
                f"{self.web.address} has no points of {when} "
                f"(job {job.name}, lab {job.lab}): they are thinned away, or were never sent there"
            )
        plan = plan_job(job)
        return tuple(self._add(each, plan, run) for each in found)

    def _add(self, found: RunFound, plan: Plan, wanted: str | None) -> ExtractOutcome:
        name = wanted if wanted and _RUN_ID.fullmatch(wanted) and wanted.count("-") > 1 else None
        run_id = name or self._run_id(found.started_s)
        digest = f"{KIND}:{self._place()}/{found.started_s}"
        twin = self._twin(found.started_s, digest)
        if twin is not None:
            return ExtractOutcome(
                started_s=found.started_s,
                state="known",
                run=twin.id,
                enters_baseline=False,
                sentence=f"it is in the store already; `storperf baseline set {twin.id}` takes it",
            )
        earlier = read_run(self.web, found, self.job, plan)
        made = extract_run(earlier, self.job, plan)
        if not made.trials:
            return ExtractOutcome(
                started_s=found.started_s,
                state="refused",
                run=None,
                enters_baseline=False,
                sentence="no step of it can be judged any more",
                refused=made.refused,
            )
        verdict = self._store(run_id, digest, earlier, made)
        return ExtractOutcome(
            started_s=found.started_s,
            state="extracted",
            run=run_id,
            enters_baseline=verdict.enters_baseline,
            sentence=verdict.sentence,
            figures=made.figures,
            refused=made.refused,
        )

    def _twin(self, started_s: int, digest: str) -> Run | None:
        """The same run in the store: extracted before, or measured by this very manager."""
        runs = self.store.find_runs(job=self.job.name, lab=self.job.lab, limit=_MOST_RUNS)
        same = (run for run in runs if int(run.created_s) == started_s)
        return self.store.find_imported(digest) or next(same, None)

    def _store(self, run_id: str, digest: str, earlier: EarlierRun, made: Extraction) -> Verdict:
        store, job = self.store, self.job
        ends = [trial.ended_s for trial in made.trials if trial.ended_s is not None]
        ended_s = float(earlier.ended_s or max(ends, default=earlier.started_s))
        store.create_run(self._run(run_id, digest, earlier, made), made.plan)
        for trial in made.trials:
            table = made.tables.get(trial.id)
            if table is not None:
                meta = {"run": run_id, "trial": trial.id, "attempt": trial.attempt}
                meta |= {"step": trial.step_key, "side": trial.side}
                path = store.intervals_path(run_id, trial.id, trial.attempt)
                write_intervals(path, table, SensorTable.from_samples(()), meta=meta)
            own = [each for each in made.summaries if each.trial == trial.id]
            store.store_trial(run_id, trial, own)
        for note in made.refused:
            store.add_event(run_id, ended_s, "note", note)
        context = RunContext(
            run_id=run_id,
            job=job,
            plan=made.plan,
            store=store,
            provider=self.provider,
            cancel=Cancel(),
            announce=Announcer(run_id, ()),
            epoch=self.epoch,
            faults=list(_faults(earlier)),
        )
        judge(context)
        accept(context, who=self.who, whence=f"extracted from Graphite at {self.web.address}, ")
        verdict = context.verdict
        if verdict is None:
            raise AssertionError("judge gives a verdict")
        store.end_run(
            run_id,
            state=RunState.COMPLETED,
            exit_code=verdict.exit_code,
            verdict=verdict.outcome.value,
            reason=verdict.reason.value,
            ended_s=ended_s,
        )
        write_papers(load_result(store, run_id), store.artefacts(run_id))
        return verdict

    def _run(self, run_id: str, digest: str, earlier: EarlierRun, made: Extraction) -> Run:
        job = self.job
        sources = {figure.source for figure in made.figures}
        return Run(
            id=run_id,
            job_name=job.name,
            lab=job.lab,
            title=None,
            job_text=job.text,
            state=RunState.RUNNING,
            phase=None,
            created_s=float(earlier.started_s),
            manager=self.manager(),
            facts={
                IMPORTED: {
                    "kind": KIND,
                    "program": self.web.address,
                    "runtime_s": job.ending.runtime_s,
                    "interval_s": job.interval_s,
                    "until_steady": job.ending.until_steady is not None,
                    "digest": digest,
                    "sources": [source.value for source in FigureSource if source in sources],
                    "at_s": self.epoch(),
                }
            },
            imported_from=digest,
        )

    def _place(self) -> str:
        return f"{self.job.lab}/{self.job.name}"

    def _run_id(self, started_s: int) -> str:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(started_s))
        return f"{stamp}-{hashlib.sha256(self._place().encode()).hexdigest()[:_ID_LENGTH]}"


def started_by_id(run: str) -> float:
    """When the run of an id was started; UsageError for what is no id of ours."""
    found = _RUN_ID.fullmatch(run)
    if found is None:
        raise UsageError(
            f"{run!r} is no run's id; one looks like 20261122-101112-ab12. Without it give "
            "--from and --until"
        )
    try:
        return float(timegm(time.strptime(found[1], "%Y%m%d-%H%M%S")))
    except ValueError as error:
        raise UsageError(f"{run!r} is no run's id: {error}") from error


def _faults(earlier: EarlierRun) -> list[tuple[ExitCode, str]]:
    """Why a run is none to be judged by, in its own words."""
    if earlier.was_clean is not False:
        return []
    code = "" if earlier.exit_code is None else f", and ended with exit code {earlier.exit_code}"
    words = f"The run itself did not enter its baseline{code}."
    return [(ExitCode.INFRASTRUCTURE, words)]
