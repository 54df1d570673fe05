"""The use cases of baselines: what runs are judged against, and by whose word."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from storperf.errors import Conflict, ExitCode, UnknownName, UsageError
from storperf.hardware import hardware_of
from storperf.imports.baseline_file import (
    BaselineFile,
    BaselineFileError,
    FilePlace,
    FileRun,
    FileTrial,
    FileValue,
    parse_baseline,
    render_baseline,
)
from storperf.imports.imported import IMPORTED
from storperf.model.baseline import BaselineEntry, BaselineKey
from storperf.model.job import Plan, PlannedTrial
from storperf.model.run import Flag, Run, RunState, Summary, Trial, TrialEnd, TrialState
from storperf.plan import baseline_entry, baseline_keys
from storperf.run_results import job_of, load_result
from storperf.service import open_store
from storperf.settings import Settings
from storperf.stats.gates import latest_attempts
from storperf.stats.loads import loads_of
from storperf.store.store import Store
from storperf.version import package_version

KIND = "baseline file"
_ALL = "all"
_MOST_FILE_BYTES = 256 << 20
_SHORTEST_KEY = 16


def entries(settings: Settings, lab: str, job: str) -> tuple[BaselineEntry, ...]:
    """What each run's place in the job's baseline is, newest first."""
    with open_store(settings) as store:
        return store.baseline_entries(lab, job)


def accept(settings: Settings, run_text: str, *, who: str, why: str) -> tuple[BaselineEntry, ...]:
    """Put a run into its baseline by a person's word; only a run that measured every step."""
    with open_store(settings) as store:
        entries = acceptable(store, run_text, who=who, why=why)
        store.enter_baseline(entries)
        return entries


def acceptable(store: Store, run_text: str, *, who: str, why: str) -> tuple[BaselineEntry, ...]:
    """The places that a run can have; Conflict when it is no whole measurement."""
    found = store.resolve(run_text)
    if found.state is not RunState.COMPLETED:
        raise Conflict(f"run {found.id} is {found.state}; only a completed run can be a baseline")
    trials = store.trials(found.id)
    partial = sorted({t.step_key for t in trials if Flag.PARTIAL in t.flags})
    if partial:
        raise Conflict(
            f"run {found.id} measured only a part of {', '.join(partial)}; the sums of some "
            "agents are no baseline for those of all"
        )
    measured = {(t.step_key, t.side) for t in trials if t.steadiness}
    at_s = time.time()
    plan = store.plan(found.id)
    loads = loads_of(latest_attempts(trials).values())
    return tuple(
        baseline_entry(
            key,
            step,
            run=found.id,
            who=who,
            why=why,
            at_s=at_s,
            hosts=loads.get((key.step, key.side), {}),
            hardware=hardware_of(found.facts),
        )
        for key, step in baseline_keys(job_of(found, plan), plan)
        if (key.step, key.side) in measured
    )


def pin(
    settings: Settings, run_text: str, *, who: str, why: str, pinned: bool
) -> tuple[BaselineEntry, ...]:
    """Let a run's places alone count, or no more; UsageError when it has none."""
    with open_store(settings) as store:
        found = store.resolve(run_text)
        own = [
            entry
            for entry in store.baseline_entries(found.lab, found.job_name)
            if entry.run == found.id and entry.accepted
        ]
        if not own:
            raise UsageError(
                f"run {found.id} is in no baseline; `storperf baseline set {found.id}` accepts it"
            )
        at_s = time.time()
        entries = tuple(replace(entry, pinned=pinned, who=who, why=why, at_s=at_s) for entry in own)
        store.enter_baseline(entries)
        return entries


def clear(  # noqa: PLR0913 - what is cleared, by whom and why
    settings: Settings, lab: str, job: str, step: str | None, *, who: str, why: str
) -> int:
    """Take every run out of a job's baseline; the runs stay.  How many places were cleared."""
    with open_store(settings) as store:
        return store.clear_baseline(lab, job, step, who=who, why=why, at_s=time.time())


# --- as a file -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one run of a file: `added` to the store, or `known` there already."""

    run: str
    state: str
    places: int


def export_file(settings: Settings, lab: str, job: str, key_file: Path | None) -> str:
    """A job's accepted runs of its present level as a text; UnknownName when there are none."""
    key = _key(key_file)
    with open_store(settings) as store:
        accepted: dict[str, list[BaselineEntry]] = {}
        for entry in store.baseline_entries(lab, job):
            if entry.accepted and (entry.pinned or not entry.is_past):
                accepted.setdefault(entry.run, []).append(entry)
        if not accepted:
            raise UnknownName(f"nothing is accepted for lab {lab}, job {job}")
        runs = [_file_run(store, run_id, places) for run_id, places in accepted.items()]
    file = BaselineFile(
        lab=lab,
        job=job,
        exported_s=time.time(),
        program=f"storperf {package_version()}",
        runs=tuple(sorted(runs, key=lambda run: run.ended_s)),
    )
    return render_baseline(file, key)


def import_file(
    settings: Settings, path: Path, key_file: Path | None, *, who: str
) -> tuple[Imported, ...]:
    """Take the runs of a file into the store and into their baseline.

    A run that is there already is only accepted again.  UsageError when the file cannot be read,
    is damaged, or does not bear the signature of the key.
    """
    return import_text(settings, _text(path), _key(key_file), who=who, source=path.name)


def import_text(
    settings: Settings, text: str, key: bytes | None, *, who: str, source: str
) -> tuple[Imported, ...]:
    """The same with what a file holds; `source` is where it came from, in words."""
    try:
        file = parse_baseline(text, key)
    except BaselineFileError as error:
        raise UsageError(f"{source} cannot be taken: {error}") from error
    with open_store(settings) as store:
        return tuple(_take(store, file, run, who=who, source=source) for run in file.runs)


def _file_run(store: Store, run_id: str, entries: Sequence[BaselineEntry]) -> FileRun:
    result = load_result(store, run_id)
    run, job = result.run, result.job
    kept = {(entry.key.step, entry.key.side) for entry in entries}
    trials = [
        trial
        for trial in latest_attempts(result.trials).values()
        if (trial.step_key, trial.side) in kept
        and trial.end not in (None, TrialEnd.FAILED, TrialEnd.CANCELLED)
    ]
    return FileRun(
        id=run.id,
        title=run.title,
        created_s=run.created_s,
        ended_s=run.ended_s or run.created_s,
        exit_code=ExitCode(run.exit_code or 0),
        verdict=run.verdict or "",
        reason=run.reason or "",
        runtime_s=job.ending.runtime_s,
        interval_s=job.interval_s,
        until_steady=job.ending.until_steady is not None,
        steps=tuple(step for step in result.plan.steps if any(key == step.key for key, _ in kept)),
        trials=tuple(_file_trial(trial, result.summaries) for trial in trials),
        places=tuple(_file_place(entry) for entry in entries),
    )


def _file_trial(trial: Trial, summaries: Sequence[Summary]) -> FileTrial:
    if trial.end is None or trial.steadiness is None:
        raise AssertionError(f"trial {trial.id} is accepted and has no end")
    return FileTrial(
        id=trial.id,
        step_key=trial.step_key,
        side=trial.side,
        session=trial.session,
        repeat=trial.repeat,
        end=trial.end,
        steadiness=trial.steadiness,
        flags=trial.flags,
        values=tuple(
            FileValue(
                op=each.op,
                metric=each.metric,
                value=each.value,
                low=each.low,
                high=each.high,
            )
            for each in summaries
            if (each.trial, each.agent) == (trial.id, _ALL)
        ),
    )


def _file_place(entry: BaselineEntry) -> FilePlace:
    return FilePlace(
        step=entry.key.step,
        side=entry.key.side,
        fingerprint=entry.key.fingerprint,
        measuring=entry.measuring,
        who=entry.who,
        why=entry.why,
        at_s=entry.at_s,
        pinned=entry.pinned,
        hosts=entry.hosts,
    )


def _take(store: Store, file: BaselineFile, run: FileRun, *, who: str, source: str) -> Imported:
    """One run of a file; what it was made of decides whether it is the one that is there."""
    digest = f"{KIND}:{file.lab}/{file.job}/{run.id}"
    runs = store.find_runs(job=file.job, lab=file.lab, limit=None)
    twin = next((each for each in runs if run.id == each.id), None)
    if twin is not None and int(twin.created_s) != int(run.created_s):
        raise Conflict(f"there is another run {run.id} in the store; nothing of it is replaced")
    if twin is None:
        _store_run(store, file, run, digest)
    entries = [_entry(file, run, place, who, source) for place in run.places]
    store.enter_baseline(entries)
    return Imported(run=run.id, state="added" if twin is None else "known", places=len(entries))


def _store_run(store: Store, file: BaselineFile, run: FileRun, digest: str) -> None:
    planned = tuple(
        PlannedTrial(
            id=each.id,
            step_key=each.step_key,
            side=each.side,
            session=each.session,
            repeat=each.repeat,
        )
        for each in run.trials
    )
    facts: dict[str, object] = {
        "kind": KIND,
        "program": file.program,
        "runtime_s": run.runtime_s,
        "interval_s": run.interval_s,
        "until_steady": run.until_steady,
        "at_s": file.exported_s,
    }
    made = Run(
        id=run.id,
        job_name=file.job,
        lab=file.lab,
        title=run.title,
        job_text="",
        state=RunState.RUNNING,
        phase=None,
        created_s=run.created_s,
        facts={IMPORTED: facts},
        imported_from=digest,
    )
    store.create_run(made, Plan(steps=run.steps, trials=planned))
    for each in run.trials:
        store.store_trial(run.id, _trial(each), _summaries(each))
    store.end_run(
        run.id,
        state=RunState.COMPLETED,
        exit_code=run.exit_code,
        verdict=run.verdict or None,
        reason=run.reason or None,
        ended_s=run.ended_s,
    )


def _trial(trial: FileTrial) -> Trial:
    return Trial(
        id=trial.id,
        step_key=trial.step_key,
        side=trial.side,
        session=trial.session,
        repeat=trial.repeat,
        attempt=1,
        state=TrialState.STORED,
        end=trial.end,
        steadiness=trial.steadiness,
        flags=trial.flags,
    )


def _summaries(trial: FileTrial) -> list[Summary]:
    return [
        Summary(
            trial=trial.id,
            agent=_ALL,
            op=each.op,
            metric=each.metric,
            value=each.value,
            low=each.low,
            high=each.high,
        )
        for each in trial.values
    ]


def _entry(
    file: BaselineFile, run: FileRun, place: FilePlace, who: str, source: str
) -> BaselineEntry:
    return BaselineEntry(
        key=BaselineKey(
            lab=file.lab,
            job=file.job,
            side=place.side,
            step=place.step,
            fingerprint=place.fingerprint,
        ),
        run=run.id,
        accepted=True,
        who=who,
        why=f"from {source}; there by {place.who}: {place.why}",
        at_s=place.at_s,
        pinned=place.pinned,
        hosts=place.hosts,
        measuring=place.measuring,
    )


def _key(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"cannot read the key {path}: {error.strerror}") from error
    if len(key) < _SHORTEST_KEY:
        raise UsageError(f"{path} holds no key: at least {_SHORTEST_KEY} bytes are needed")
    return key


def _text(path: Path) -> str:
    try:
        with path.open("rb") as source:
            content = source.read(_MOST_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > _MOST_FILE_BYTES:
        raise UsageError(f"{path} is larger than 256 MiB; that is no baseline")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} cannot be taken: it is no text") from error
