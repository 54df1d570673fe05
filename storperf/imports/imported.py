"""A result of another program as a run of ours: steps, one trial each, and what was said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from storperf.model.ending import Ending, SteadyRule
from storperf.model.interval import Interval
from storperf.model.job import (
    CANDIDATE,
    Job,
    Matrix,
    Origin,
    Plan,
    PlannedTrial,
    Precondition,
    Provider,
    Side,
    Step,
)
from storperf.model.run import (
    Flag,
    Run,
    Steadiness,
    SteadyFigures,
    Summary,
    Trial,
    TrialEnd,
    TrialState,
)

# What the fact of an imported run is called, under which its origin is kept.
IMPORTED = "imported"
# The name of the provider of runs that nobody here provided anything for.
PROVIDER = "imported"
_BASELINE_RUNS = 30
_DEFAULT_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedTrial:
    """What a result says of one step; summaries only where it is a measurement.

    `intervals` are empty when the result has totals alone.
    """

    step: Step
    end: TrialEnd
    steadiness: Steadiness
    end_reason: str | None = None
    failure_kind: str | None = None
    steady_figures: tuple[SteadyFigures, ...] = ()
    flags: tuple[Flag, ...] = ()
    summaries: tuple[Summary, ...] = ()
    intervals: tuple[Interval, ...] = ()
    window_s: tuple[float, float] | None = None
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRun:
    """One result.  Times are epoch seconds, None when the result has none.

    `kind` is `fio` or `storperf`; `name` what its job is called unless somebody says otherwise;
    `text` what is known of the job file; `notes` what was said around it and what is odd;
    `understood` every figure as plain values, for those who check what was read.
    """

    kind: str
    program: str
    name: str
    begun_s: float | None
    ended_s: float | None
    runtime_s: float
    interval_s: float | None
    until_steady: bool
    text: str
    trials: tuple[ImportedTrial, ...]
    notes: tuple[str, ...] = ()
    environment: dict[str, dict[str, object]] = field(default_factory=dict)
    understood: dict[str, Any] = field(default_factory=dict)

    @property
    def faults(self) -> tuple[str, ...]:
        """Why steps of it are no measurement, a sentence each."""
        return tuple(
            f"{trial.step.workload.name}: {trial.end_reason}"
            for trial in self.trials
            if trial.end is TrialEnd.FAILED
        )

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is only a part of a measurement, and why, a sentence each."""
        return tuple(
            f"{trial.step.workload.name}: only a part of a measurement: {trial.end_reason}"
            for trial in self.trials
            if Flag.PARTIAL in trial.flags
        )

    @property
    def is_a_measurement(self) -> bool:
        """Whether at least one step of it was measured."""
        return any(trial.end is not TrialEnd.FAILED for trial in self.trials)


def trial_id(number: int) -> str:
    """The name of the imported run's trial of that number, from 1 on."""
    return f"t{number:03}"


def plan_of(imported: ImportedRun) -> Plan:
    """The steps and trials that a run of ours would have had planned."""
    steps = tuple(trial.step for trial in imported.trials)
    trials = tuple(
        PlannedTrial(id=trial_id(number), step_key=step.key, side=CANDIDATE, session=1, repeat=1)
        for number, step in enumerate(steps, start=1)
    )
    return Plan(steps=steps, trials=trials)


def trials_of(imported: ImportedRun) -> tuple[Trial, ...]:
    """The trials as they are stored; their times are known only where there is one alone."""
    is_alone = len(imported.trials) == 1
    return tuple(
        Trial(
            id=trial_id(number),
            step_key=each.step.key,
            side=CANDIDATE,
            session=1,
            repeat=1,
            attempt=1,
            state=TrialState.STORED,
            end=each.end,
            end_reason=each.end_reason,
            steadiness=each.steadiness,
            steady_figures=each.steady_figures,
            flags=each.flags,
            started_s=imported.begun_s if is_alone else None,
            ended_s=imported.ended_s if is_alone else None,
            facts={
                **each.facts,
                "window_s": each.window_s,
                **({"failure_kind": each.failure_kind} if each.failure_kind else {}),
            },
        )
        for number, each in enumerate(imported.trials, start=1)
    )


def job_facts(imported: ImportedRun) -> dict[str, object]:
    """What `job_of_imported` needs beside the run's plan."""
    return {
        "kind": imported.kind,
        "program": imported.program,
        "runtime_s": imported.runtime_s,
        "interval_s": imported.interval_s,
        "until_steady": imported.until_steady,
    }


def job_of_imported(run: Run, plan: Plan) -> Job:
    """The job that an imported run would have been made of; it cannot be carried out.

    Nothing is known of its targets, and its text is no job file of ours.
    """
    found = run.facts[IMPORTED]
    facts = found if isinstance(found, dict) else {}
    steps = plan.steps
    interval_s = facts.get("interval_s") or _DEFAULT_INTERVAL_S
    rule = SteadyRule(round_s=float(interval_s)) if facts.get("until_steady") else None
    return Job(
        name=run.job_name,
        lab=run.lab,
        origin=Origin.UNTRUSTED,
        provider=Provider(kind=PROVIDER),
        sides=(Side(name=CANDIDATE, targets=()),),
        workloads=tuple(step.workload for step in steps),
        matrix=Matrix(
            block_sizes_bytes=_each(step.block_size_bytes for step in steps),
            queue_depths=_each(step.queue_depth for step in steps),
            numjobs=_each(step.numjobs for step in steps),
            agents=_each(step.agents for step in steps),
        ),
        ending=Ending(runtime_s=float(facts.get("runtime_s") or 0.0), until_steady=rule),
        interval_s=float(interval_s),
        repeats=1,
        ioengine=_said(steps, "ioengine"),
        direct=_said(steps, "direct") == "1",
        precondition=Precondition(fill=False),
        limits=(),
        baseline_runs=_BASELINE_RUNS,
        graphite=None,
        text=run.job_text,
    )


def _each(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(values))


def _said(steps: Sequence[Step], option: str) -> str:
    return next((found for step in steps if (found := step.workload.option(option))), "not known")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutcome:
    """What became of one result in one file; `part` counts from 1 where a file holds several.

    `state`: `imported` as run `run`; `understood` in a dry run; `known`, there already as `run`;
    `refused` for `reason`.  Of a refused result that could be read `imported` says what.
    """

    file: str
    part: int
    state: str
    run: str | None = None
    reason: str | None = None
    imported: ImportedRun | None = None
