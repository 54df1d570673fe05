"""How much the A/A runs of a job scatter, and what that says of other jobs in the lab."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

import numpy as np

from storperf.model.calibration import CalibratedFigure, CalibratedSpread
from storperf.model.job import CANDIDATE, Step
from storperf.model.result import RunResult
from storperf.model.run import RunState
from storperf.model.verdict import WHOLE_RUN, CheckKind
from storperf.stats.comparison import judged_places, usable_value
from storperf.stats.gates import latest_attempts
from storperf.stats.prior import LabSpread, Spread, spread_of
from storperf.stats.repeats import Place, run_values
from storperf.stats.wording import count

# What decides, besides direction and metric, how much a step scatters from run to run: where the
# I/O goes, by which way, in which pattern, and how long a trial lasts.
_KIND_FIELDS = ("target_kind", "direct", "runtime_s")


def step_kind(step: Step) -> str:
    """The steps that lend each other their spread, as a short text.

    Block size, queue depth, fio jobs and agents are no part of it: a spread differs less between
    them than between labs, and a prior that stands for one step alone would be of no use where
    one is needed, for a step without runs.  The length of a trial is: a minute averages what
    five seconds do not.
    """
    measuring = dict(step.measuring)
    target, direct, runtime = (measuring.get(name, "?") for name in _KIND_FIELDS)
    pattern = "random" if step.workload.is_random else "sequential"
    return f"{target} {'direct' if direct == 'true' else 'buffered'} {pattern} {runtime}s"


def calibrated_values(results: Sequence[RunResult]) -> dict[Place, list[float | None]]:
    """The judged figures of each run, None where it has none that passed the gates."""
    steps = {step.key: step for result in results for step in result.plan.steps}
    places = judged_places(
        [(step, CANDIDATE) for step in steps.values() if not step.workload.is_warm_up]
    )
    found: dict[Place, list[float | None]] = {place: [] for place in places}
    for result in results:
        values, gated = _values(result), _gated(result)
        for place in places:
            value = values.get(place)
            is_usable = place[0] not in gated and WHOLE_RUN not in gated
            found[place].append(value if is_usable else None)
    return found


def _values(result: RunResult) -> dict[Place, float | None]:
    found = run_values(list(latest_attempts(result.trials).values()), result.summaries)
    return {place: usable_value(place[3], each.value) for place, each in found.items()}


def _gated(result: RunResult) -> set[str]:
    """The steps that are no measurement; the whole run where nobody judged it."""
    if result.verdict is None or result.run.state is not RunState.COMPLETED:
        return {WHOLE_RUN}
    return {check.step for check in result.verdict.checks if check.kind is CheckKind.GATE}


def calibrated_figures(
    steps: Sequence[Step], values: Mapping[Place, Sequence[float | None]]
) -> tuple[CalibratedFigure, ...]:
    """Each figure with its middle and its spread; those without any value are left out."""
    by_key = {step.key: step for step in steps}
    return tuple(
        _figure(place, step_kind(by_key[place[0]]), known)
        for place, found in values.items()
        if (known := [each for each in found if each is not None])
    )


def _figure(place: Place, kind: str, values: Sequence[float]) -> CalibratedFigure:
    step, _, op, metric = place
    spread = spread_of(values)
    return CalibratedFigure(
        step=step,
        op=op,
        metric=metric,
        kind=kind,
        values=tuple(values),
        centre=float(np.exp(np.median(np.log(values)))),
        sigma=(spread.squares / spread.df) ** 0.5 if spread.df else None,
    )


def calibrated_spreads(  # noqa: PLR0913 - provenance, by keyword
    figures: Sequence[CalibratedFigure],
    *,
    lab: str,
    job: str,
    name: str,
    runs: Sequence[str],
    at_s: float,
) -> tuple[CalibratedSpread, ...]:
    """The figures of a kind put together: squared deviations and degrees of freedom add up."""

    def kind(figure: CalibratedFigure) -> tuple[str, str, str]:
        return figure.kind, figure.op, figure.metric

    found = []
    for (step_kind_, op, metric), group in groupby(sorted(figures, key=kind), key=kind):
        spreads = [spread_of(figure.values) for figure in group]
        total = sum(spreads, Spread(squares=0.0, df=0))
        if total.df:
            found.append(
                CalibratedSpread(
                    lab=lab,
                    kind=step_kind_,
                    op=op,
                    metric=metric,
                    job=job,
                    calibration=name,
                    runs=tuple(runs),
                    figures=len(spreads),
                    squares=total.squares,
                    df=total.df,
                    at_s=at_s,
                )
            )
    return tuple(found)


def lab_spreads(
    steps: Sequence[tuple[Step, str]], known: Sequence[CalibratedSpread]
) -> dict[Place, LabSpread]:
    """What the calibrations of a lab say of each judged figure of these steps and sides."""
    found = {}
    for step, side in steps:
        kind = step_kind(step)
        for place in judged_places([(step, side)]):
            own = [e for e in known if (e.kind, e.op, e.metric) == (kind, place[2], place[3])]
            if own:
                found[place] = LabSpread(spread=_total(own), source=_source(own))
    return found


def _total(spreads: Sequence[CalibratedSpread]) -> Spread:
    return Spread(
        squares=sum(each.squares for each in spreads), df=sum(each.df for each in spreads)
    )


def _source(spreads: Sequence[CalibratedSpread]) -> str:
    return f"this lab's calibration ({'; '.join(_told(spreads))})"


def _told(spreads: Sequence[CalibratedSpread]) -> Iterator[str]:
    for each in spreads:
        when = datetime.fromtimestamp(each.at_s, UTC).strftime("%Y-%m-%d")
        yield f"{each.job}, {when}, {count(len(each.runs), 'run')}"
