"""What the tables show: one row a step, side and direction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storperf.errors import worst
from storperf.model.job import REFERENCE
from storperf.model.metric import METRICS
from storperf.model.result import RunResult
from storperf.model.verdict import Check, CheckKind, Reason
from storperf.stats.gates import latest_attempts
from storperf.stats.repeats import RunValue, run_values
from storperf.stats.wording import quantity, signed

NOTHING = "-"
NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """Figures of one direction of a step, ready to be shown; NOTHING where there is none.

    With several repeats a figure is their geometric mean, as the verdict takes it.
    `values` are the same figures as numbers, without those that are not known; `compared` is
    the check that baseline and change are of.
    """

    step: str
    side: str
    op: str
    judged: str
    trials: int
    figures: dict[str, str]
    values: dict[str, RunValue]
    baseline: str
    change: str
    reason: Reason | None
    compared: Check | None = None

    @property
    def is_yardstick(self) -> bool:
        """Whether it is only what the candidate was measured beside."""
        return self.reason is None and self.side == REFERENCE

    @property
    def verdict(self) -> str:
        """The outcome in words; NOT_JUDGED where no check was made."""
        if self.is_yardstick:
            return REFERENCE
        return NOT_JUDGED if self.reason is None else self.reason.outcome.value


def step_rows(result: RunResult) -> tuple[StepRow, ...]:
    """A row for every planned step, side and direction, measured or not."""
    values = run_values(tuple(latest_attempts(result.trials).values()), result.summaries)
    checks = () if result.verdict is None else result.verdict.checks
    sides = dict.fromkeys((trial.step_key, trial.side) for trial in result.plan.trials)
    rows = []
    for key, side in sides:
        workload = result.plan.step(key).workload
        for op in workload.ops:
            found = {name: values.get((key, side, op.value, name)) for name in METRICS}
            own = [c for c in checks if (c.step, c.side) == (key, side) and c.op in (None, op)]
            compared = _compared(own, workload.judged_metric)
            rows.append(
                StepRow(
                    step=key,
                    side=side,
                    op=op.value,
                    judged=workload.judged_metric,
                    trials=max((each.trials for each in found.values() if each), default=0),
                    figures={
                        name: shown(name, None if each is None else each.value)
                        for name, each in found.items()
                    },
                    values={name: each for name, each in found.items() if each is not None},
                    baseline=_baseline(compared),
                    change=_change(compared),
                    reason=winning_reason(own),
                    compared=compared,
                )
            )
    return tuple(rows)


def winning_reason(checks: Iterable[Check]) -> Reason | None:
    """Of the reasons of some checks the first with the exit code that wins; None of none."""
    return winner([check.reason for check in checks])


def winner(reasons: Sequence[Reason]) -> Reason | None:
    """The first reason with the exit code that wins; None of none."""
    if not reasons:
        return None
    code = worst([reason.exit_code for reason in reasons])
    return next(reason for reason in reasons if reason.exit_code is code)


def _compared(checks: list[Check], metric: str) -> Check | None:
    """The check whose change is shown: that of pairs, which are the closer comparison, first."""
    for kind in (CheckKind.PAIRS, CheckKind.BASELINE):
        found = (c for c in checks if c.kind is kind and c.metric == metric)
        check = next((each for each in found if each.baseline_value is not None), None)
        if check is not None:
            return check
    return None


def shown(metric: str | None, value: float | None) -> str:
    """A figure in words, NOTHING when there is none."""
    if metric is None or value is None:
        return NOTHING
    return quantity(METRICS[metric], value)


def _baseline(check: Check | None) -> str:
    return NOTHING if check is None else shown(check.metric, check.baseline_value)


def _change(check: Check | None) -> str:
    return NOTHING if check is None or check.change is None else signed(check.change)
