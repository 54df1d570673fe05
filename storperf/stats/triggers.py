"""What the history of a run's primary figures says, though the run itself may look like others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from storperf.model.baseline import BaselineValue
from storperf.model.job import CANDIDATE, Step
from storperf.model.metric import METRICS
from storperf.stats.comparison import Baseline, History, Suspected, usable_value
from storperf.stats.repeats import Place, RunValue
from storperf.stats.trigger import FEWEST_RUNS, Trigger, loss_trigger
from storperf.stats.wording import count, figure_name, percent


def suspected_levels(
    usable: Sequence[tuple[Step, str]], values: Mapping[Place, RunValue], history: History
) -> dict[Place, Suspected]:
    """The primary figures of the candidate whose history raises a trigger with this run.

    `history` holds the accepted runs before it, 34 at least for a trigger; the more figures are
    watched, the more a trigger takes.  A trigger is no verdict: it asks for fresh trials.
    """
    watched: dict[Place, tuple[list[BaselineValue], float]] = {}
    for step, side in usable:
        for op in step.workload.ops if side == CANDIDATE else ():
            place = (step.key, side, op.value, step.workload.judged_metric)
            earlier = _of(place, history)
            found = values.get(place)
            value = None if found is None else usable_value(place[3], found.value)
            if value is not None and len(earlier) + 1 >= FEWEST_RUNS:
                watched[place] = (earlier, value)
    raised = {
        place: (_trigger(place, earlier, value, len(watched)), earlier)
        for place, (earlier, value) in watched.items()
    }
    return {
        place: _suspected(place, trigger, earlier)
        for place, (trigger, earlier) in raised.items()
        if trigger is not None and trigger.first < len(earlier)
    }


def _of(place: Place, history: History) -> list[BaselineValue]:
    """A figure's values in the accepted runs, oldest first, those without a logarithm left out."""
    step, side, op, metric = place
    own = [
        value
        for value in history.get((step, side), ())
        if (value.op, value.metric) == (op, metric)
        and usable_value(metric, value.value) is not None
    ]
    return sorted(own, key=lambda value: value.ended_s)


def _trigger(
    place: Place, earlier: Sequence[BaselineValue], value: float, watched: int
) -> Trigger | None:
    series = np.array([*(each.value for each in earlier), value])
    better = METRICS[place[3]].higher_is_better
    return loss_trigger(series, higher_is_better=better, watched=watched)


def _suspected(place: Place, trigger: Trigger, earlier: Sequence[BaselineValue]) -> Suspected:
    _, _, op, metric = place
    before = earlier[: trigger.first]
    first = earlier[trigger.first].run
    runs = len(earlier) + 1 - trigger.first
    worse = "lower" if METRICS[metric].higher_is_better else "higher"
    return Suspected(
        first_run=first,
        before=Baseline(
            values=tuple(value.value for value in before),
            runs=tuple(dict.fromkeys(value.run for value in before)),
        ),
        sentence=(
            f"{figure_name(op, metric)} of the last {count(runs, 'run')} is"
            f" {percent(trigger.shift)} {worse} than before run {first}: a sum of"
            f" {_digits(trigger.sum)} standard deviations, where {_digits(trigger.limit)} raise"
            " the trigger. A change of level until fresh trials say no."
        ),
    )


def _digits(number: float) -> str:
    return f"{math.floor(number * 10) / 10:.1f}"
