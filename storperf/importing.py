"""Results of other programs into the store: read every file, then store and judge run by run."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from storperf.engine.cancel import Cancel
from storperf.engine.context import RunContext
from storperf.engine.events import Announcer
from storperf.engine.judgement import accept, judge
from storperf.errors import ExitCode
from storperf.imports.figures import NotAResultError
from storperf.imports.imported import (
    IMPORTED,
    ImportedRun,
    ImportedTrial,
    ImportOutcome,
    job_facts,
    job_of_imported,
    plan_of,
    trials_of,
)
from storperf.imports.reading import read_results
from storperf.model.run import Run, RunState, Trial
from storperf.model.verdict import Verdict
from storperf.providers.provider import Provider
from storperf.reports.papers import write_papers
from storperf.run_results import load_result
from storperf.stats.table import IntervalTable, SensorTable
from storperf.store.intervals import write_intervals
from storperf.store.raw import keep_raw
from storperf.store.store import Store

RAW_FILE = "imported.gz"
# Many results may have one second: fio tells no finer time in old ones.
_ID_LENGTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A result that was read, and where: `digest` names its content, `modified_s` its file."""

    path: Path
    part: int
    digest: str
    modified_s: float
    imported: ImportedRun

    @property
    def ended_s(self) -> float:
        """When it was measured: by the result itself, else when its file was last written."""
        return self.modified_s if self.imported.ended_s is None else self.imported.ended_s

    @property
    def begun_s(self) -> float:
        """The same of its begin; without one its longest fio job's runtime before the end."""
        begun_s = self.imported.begun_s
        if begun_s is None:
            begun_s = self.ended_s - self.imported.runtime_s
        return max(0.0, begun_s)

    @property
    def run_id(self) -> str:
        """The run's name: sorts by time as those of our own do, and is always the same."""
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(self.begun_s))
        return f"{stamp}-{hashlib.sha256(self.digest.encode()).hexdigest()[:_ID_LENGTH]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Stores what was found as runs of `job` in `lab`; without a job under each one's own name."""

    store: Store
    provider: Provider
    job: str | None
    lab: str
    epoch: Callable[[], float]
    manager: dict[str, object]

    def add(self, found: Found) -> ImportOutcome:
        """Store and judge one result; one that is there already stays as it is."""
        name = self.job or found.imported.name
        twin = self.store.find_imported(found.digest)
        if twin is not None and twin.ended_s is not None:
            return _known(found, twin, name, self.lab)
        if twin is not None:
            # Its import was cut off: what there is of it goes.
            self._end(twin.id, RunState.FAILED, None, found.ended_s)
            self.store.delete_run(twin.id)
        run = self._run(found, name)
        self.store.create_run(run, plan_of(found.imported))
        self._fill(run, found)
        return _outcome(found, "imported", run=run.id)

    def _run(self, found: Found, name: str) -> Run:
        imported = found.imported
        own = "result" if imported.ended_s is not None else "file"
        facts: dict[str, object] = {
            IMPORTED: {
                **job_facts(imported),
                "file": found.path.name,
                "part": found.part,
                "digest": found.digest,
                "time_from": own,
                "at_s": self.epoch(),
            },
            **{f"environment.{name}": facts for name, facts in imported.environment.items()},
        }
        return Run(
            id=found.run_id,
            job_name=name,
            lab=self.lab,
            title=None,
            job_text=imported.text,
            state=RunState.RUNNING,
            phase=None,
            created_s=found.begun_s,
            manager=self.manager,
            facts=facts,
            imported_from=found.digest,
        )

    def _fill(self, run: Run, found: Found) -> None:
        imported = found.imported
        keep_raw(found.path, self.store.raw_folder(run.id) / RAW_FILE)
        for trial, own in zip(trials_of(imported), imported.trials, strict=True):
            self._write_intervals(run.id, trial, own)
            self.store.store_trial(run.id, trial, own.summaries)
        for note in imported.notes:
            self.store.add_event(run.id, found.ended_s, "note", note)
        context = RunContext(
            run_id=run.id,
            job=job_of_imported(run, plan_of(imported)),
            plan=plan_of(imported),
            store=self.store,
            provider=self.provider,
            cancel=Cancel(),
            announce=Announcer(run.id, ()),
            epoch=self.epoch,
        )
        judge(context)
        accept(context)
        self._end(run.id, RunState.COMPLETED, context.verdict, found.ended_s)
        write_papers(load_result(self.store, run.id), self.store.artefacts(run.id))

    def _write_intervals(self, run_id: str, trial: Trial, own: ImportedTrial) -> None:
        if not own.intervals:
            return
        table = IntervalTable.from_intervals(
            replace(each, trial=trial.id) for each in own.intervals
        )
        meta = {
            "run": run_id,
            "trial": trial.id,
            "attempt": trial.attempt,
            "step": trial.step_key,
            "side": trial.side,
        }
        path = self.store.intervals_path(run_id, trial.id, trial.attempt)
        write_intervals(path, table, SensorTable.from_samples(()), meta=meta)

    def _end(self, run_id: str, state: RunState, verdict: Verdict | None, ended_s: float) -> None:
        self.store.end_run(
            run_id,
            state=state,
            exit_code=ExitCode.INFRASTRUCTURE if verdict is None else verdict.exit_code,
            verdict=None if verdict is None else verdict.outcome.value,
            reason=None if verdict is None else verdict.reason.value,
            ended_s=ended_s,
        )


def read_files(paths: Sequence[Path]) -> tuple[list[Found], list[ImportOutcome]]:
    """What is in the files, oldest first, and what had to be refused, in the order of the files.

    Every file is looked at; a result in which nothing was measured is refused with its reasons.
    """
    found: list[Found] = []
    refused: list[ImportOutcome] = []
    for path in dict.fromkeys(paths):
        try:
            content = path.read_bytes()
            modified_s = path.stat().st_mtime
            runs = read_results(content)
        except (OSError, NotAResultError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            refused.append(_refused(path, 1, reason or str(error)))
            continue
        whole = hashlib.sha256(content).hexdigest()
        for part, imported in enumerate(runs, start=1):
            if not imported.is_a_measurement:
                refused.append(_refused(path, part, "; ".join(imported.faults), imported))
                continue
            digest = f"sha256:{whole}" + (f"#{part}" if len(runs) > 1 else "")
            found.append(
                Found(path=path, part=part, digest=digest, modified_s=modified_s, imported=imported)
            )
    return sorted(found, key=lambda each: each.ended_s), refused


def understood(found: Found) -> ImportOutcome:
    """What a dry run says of a result."""
    return _outcome(found, "understood")


def _known(found: Found, twin: Run, job: str, lab: str) -> ImportOutcome:
    """There already; under another name that is a refusal, for it is not where it is wanted."""
    if (twin.job_name, twin.lab) == (job, lab):
        return _outcome(found, "known", run=twin.id)
    reason = f"it is there already, as run {twin.id} of job {twin.job_name} in lab {twin.lab}"
    return _outcome(found, "refused", run=twin.id, reason=reason)


def _outcome(
    found: Found, state: str, *, run: str | None = None, reason: str | None = None
) -> ImportOutcome:
    return ImportOutcome(
        file=str(found.path),
        part=found.part,
        state=state,
        run=run,
        reason=reason,
        imported=found.imported,
    )


def _refused(
    path: Path, part: int, reason: str, imported: ImportedRun | None = None
) -> ImportOutcome:
    return ImportOutcome(
        file=str(path), part=part, state="refused", reason=reason, imported=imported
    )
