"""How much the runs of a lab scatter although nothing changed, as it was measured there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedSpread:
    """The run-to-run spread of one figure of one kind of step in a lab.

    `squares` are the squared deviations of natural logarithms from the middle of their own step,
    summed over the steps of this kind, `df` the degrees of freedom behind them; `figures` is how
    many steps and directions were put together.  `calibration` names the A/A runs it is of,
    `runs` are their ids, oldest first; `at_s` is epoch seconds.
    """

    lab: str
    kind: str
    op: str
    metric: str
    job: str
    calibration: str
    runs: tuple[str, ...]
    figures: int
    squares: float
    df: int
    at_s: float

    @property
    def sigma(self) -> float:
        """The standard deviation of a run's logarithm."""
        return float((self.squares / self.df) ** 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often something happened in simulated nights, with its exact 95 % interval; shares."""

    count: int
    nights: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Of all nights."""
        return self.count / self.nights


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What nightly runs of an unchanged build would come to, by simulation.

    `baseline_runs` stand in each night's baseline.  `suspicious` nights measure something afresh
    (or stay inconclusive, without a confirmation), `undecided` ones are inconclusive after it,
    `failed` ones are false alarms.
    """

    baseline_runs: int
    suspicious: Rate
    undecided: Rate
    failed: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedFigure:
    """One figure of one step over the runs of a calibration, in the metric's unit."""

    step: str
    op: str
    metric: str
    kind: str
    values: tuple[float, ...]
    centre: float
    sigma: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What the A/A runs of a job say of its lab.

    `wanted` runs were asked for; `runs` were measured, `usable` is how many of them passed the
    gates in every step.  `rehearsal` is None while too little is known for one.
    """

    name: str
    job: str
    lab: str
    wanted: int
    runs: tuple[str, ...]
    usable: int
    figures: tuple[CalibratedFigure, ...]
    spreads: tuple[CalibratedSpread, ...]
    rehearsal: Rehearsal | None
    confirm: str
