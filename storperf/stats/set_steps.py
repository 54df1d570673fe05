"""What each run of a set has to say of a step, and whether it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from storperf.model.job import Step
from storperf.model.result import RunResult
from storperf.model.run import Steadiness, Trial, TrialEnd
from storperf.stats.gates import BLOCKING_FLAGS, latest_attempts
from storperf.stats.repeats import Place, RunValue, run_values

_NO_MEASUREMENT = (None, TrialEnd.FAILED, TrialEnd.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOfRun:
    """One run's figures of a step and side; `doubts` say why they are no whole, steady ones."""

    id: str
    step: Step
    values: Mapping[Place, RunValue]
    doubts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStep:
    """A step and side in all runs of a set that measured it, oldest first."""

    runs: tuple[StepOfRun, ...]

    @property
    def step(self) -> Step:
        """The step as the newest run had it."""
        return self.runs[-1].step

    @property
    def counting(self) -> tuple[StepOfRun, ...]:
        """The runs whose figures may be judged."""
        return tuple(run for run in self.runs if not run.doubts)

    @property
    def not_counting(self) -> tuple[StepOfRun, ...]:
        """The others."""
        return tuple(run for run in self.runs if run.doubts)

    def of(self, fingerprint: str) -> SetStep:
        """The same, runs of other fingerprints in doubt for that."""
        return SetStep(
            runs=tuple(
                run
                if run.doubts or run.step.fingerprint == fingerprint
                else replace(run, doubts="they measured something else (another fingerprint)")
                for run in self.runs
            )
        )

    def most_shared_with(self, other: SetStep) -> str | None:
        """The fingerprint of which both have counting runs, the most in the smaller of both."""
        ours, theirs = _by_fingerprint(self), _by_fingerprint(other)
        shared = [each for each in ours if each in theirs]
        return max(
            shared,
            key=lambda each: (min(ours[each], theirs[each]), ours[each] + theirs[each]),
            default=None,
        )

    def any_value(self, place: Place) -> float | None:
        """The newest run's value, counting or not."""
        values = (run.values.get(place) for run in reversed(self.runs))
        return next((value.value for value in values if value is not None), None)


def steps_of(results: Sequence[RunResult]) -> dict[tuple[str, str], SetStep]:
    """The steps and sides that the runs of a set were to measure, as the newest plans order them.

    A run in which every trial of one failed has it too, in doubt: else a failure would leave
    no trace.
    """
    found: dict[tuple[str, str], list[StepOfRun]] = {}
    for result in sorted(results, key=lambda each: each.run.created_s):
        values = _values(result)
        planned = {(trial.step_key, trial.side) for trial in result.plan.trials}
        measured = {place[:2] for place in values}
        for step in result.plan.steps:
            for side in result.job.sides:
                key = (step.key, side.name)
                if key in measured or (key in planned and not step.workload.is_warm_up):
                    found.setdefault(key, []).append(
                        StepOfRun(
                            id=result.run.id,
                            step=step,
                            values={
                                place: value for place, value in values.items() if place[:2] == key
                            },
                            doubts=_doubts(key, result, values),
                        )
                    )
    return {key: SetStep(runs=tuple(runs)) for key, runs in found.items()}


def _by_fingerprint(of: SetStep) -> dict[str, int]:
    found: dict[str, int] = {}
    for run in of.counting:
        found[run.step.fingerprint] = found.get(run.step.fingerprint, 0) + 1
    return found


def _values(result: RunResult) -> dict[Place, RunValue]:
    latest = latest_attempts(result.trials).values()
    return run_values([t for t in latest if t.end not in _NO_MEASUREMENT], result.summaries)


def _doubts(key: tuple[str, str], result: RunResult, values: Mapping[Place, RunValue]) -> str:
    """Why a run's figures of a step are not of a steady, whole measurement; empty when they are."""
    told = []
    trials = latest_attempts(result.trials).values()
    own = [trial for trial in trials if (trial.step_key, trial.side) == key]
    if not any(place[:2] == key for place in values):
        # One repeat that failed beside measured ones says nothing of those.
        reasons = [trial.end_reason for trial in own if trial.end_reason]
        return "; ".join(dict.fromkeys(reasons)) or "no trial of it was measured"
    for trial in own:
        blocking = [BLOCKING_FLAGS[flag][1] for flag in trial.flags if flag in BLOCKING_FLAGS]
        if blocking:
            told.append(trial.end_reason or "; ".join(blocking))
        if trial.steadiness is Steadiness.NOT_STEADY:
            told.append(f"it did not hold still{_drifts(trial)}")
    return "; ".join(dict.fromkeys(told))


def _drifts(trial: Trial) -> str:
    """What the trial's figures say of it, those of a window that held still left out."""
    said = [each.sentence.rstrip(".") for each in trial.steady_figures if not each.snia_steady]
    return f" ({'; '.join(said)})" if any(said) else ""
