"""A run's steps as a table shows them, whether it goes on or has ended."""

from __future__ import annotations

from dataclasses import dataclass

from storperf.model.job import Step
from storperf.model.metric import METRICS
from storperf.model.result import RunResult
from storperf.model.run import Trial, TrialState
from storperf.stats.gates import latest_attempts
from storperf.stats.repeats import ALL
from storperf.stats.wording import quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """One step; the figures are sums or tails of its newest stored trial, as text with units."""

    key: str
    trials: int
    done: int
    word: str
    iops: str
    bandwidth: str
    p99: str


def step_lines(result: RunResult) -> tuple[StepLine, ...]:
    """The steps in the order of the plan."""
    latest = latest_attempts(result.trials).values()
    return tuple(
        _line(step, result, [each for each in latest if each.step_key == step.key])
        for step in result.plan.steps
    )


def _line(step: Step, result: RunResult, trials: list[Trial]) -> StepLine:
    stored = [trial for trial in trials if trial.state is TrialState.STORED]
    newest = stored[-1].id if stored else None
    return StepLine(
        key=step.key,
        trials=len(trials),
        done=len(stored),
        word=_word(trials, stored),
        iops=_shown(result, newest, "iops"),
        bandwidth=_shown(result, newest, "bandwidth"),
        p99=_shown(result, newest, "clat_p99"),
    )


def _word(trials: list[Trial], stored: list[Trial]) -> str:
    if any(trial.state is TrialState.STARTED for trial in trials):
        return "running"
    if len(stored) < len(trials):
        return "waiting"
    ends = dict.fromkeys(str(trial.end.value) for trial in stored if trial.end)
    return ", ".join(ends) or "-"


def _shown(result: RunResult, trial: str | None, metric: str) -> str:
    """Each direction's figure over all agents, `/` between them; `-` before there is one."""
    found = [
        quantity(METRICS[metric], each.value)
        for each in result.summaries
        if each.trial == trial and each.agent == ALL and each.metric == metric
    ]
    return " / ".join(found) or "-"
