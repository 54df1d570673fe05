"""What the live view knows of a run: a frozen state, and how an event changes it.

The engine's thread makes a new state from each event; the thread that draws takes the newest.
No lock is needed, and a terminal that does not move holds nothing up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise

from storperf.engine.events import Event, EventKind
from storperf.model.ending import SteadyRule
from storperf.model.job import Job, Plan, Step

# What a fill is expected to write per second until it has shown what it can.
_ASSUMED_FILL_BYTES_PER_S = 200e6
_LEAST_HISTORY = 600
# Steady so far: SNIA's limits on the fifths of the last half minute, at least ten intervals.
# The verdict has a rule of its own; this one only says what the eye would say.
_OWN_RULE = SteadyRule(round_s=6.0)
_LEAST_INTERVALS = 10
_PHASES = {
    "provision": "getting agents",
    "prepare": "preparing targets",
    "precondition": "preconditioning",
    "measure": "measuring",
    "collect": "collecting raw output",
    "judge": "judging",
    "report": "writing the report",
    "teardown": "cleaning up",
}

# What else is done before measuring, and lasts a certain time at the longest.
ASIDE = {"precondition": "writing at random until steady", "settle": "letting it settle"}

Slice = Mapping[str, float]


class Mark(StrEnum):
    """Where a step is in its life."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStep:
    """One step.  `slices` are sums over agents and targets by direction, the newest last.

    `streams` is how many agents, targets and directions report each interval.
    """

    key: str
    metric: str
    streams: int
    mark: Mark = Mark.WAITING
    slices: tuple[Slice, ...] = ()
    p99_ns: float | None = None
    means: tuple[float, ...] = ()
    word: str = ""

    @property
    def totals(self) -> tuple[float, ...]:
        """The judged figure of each interval, all directions together."""
        return tuple(sum(by_op.values()) for by_op in self.slices)

    @property
    def figure(self) -> float | None:
        """The mean of the trials that ended, else the newest interval; None before any."""
        if self.mark is not Mark.RUNNING and self.means:
            return sum(self.means) / len(self.means)
        return self.totals[-1] if self.slices else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRun:
    """The whole run; times are monotonic seconds.

    `aside` is what else goes on before measuring, at the longest until `aside_end_s`.
    """

    job: str
    steps: tuple[LiveStep, ...]
    trials: int
    runtime_s: float
    interval_s: float
    steady: SteadyRule | None = None
    run: str = ""
    phase: str = "getting agents"
    current: int = 0
    stored: int = 0
    trial_start_s: float | None = None
    took_s: tuple[float, ...] = ()
    fill_bytes: int = 0
    filled_bytes: int = 0
    fill_start_s: float | None = None
    aside: str = ""
    aside_end_s: float | None = None
    pending: Mapping[tuple[str, str, str], tuple[float, float | None]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def trial_left_s(self, now_s: float) -> float:
        """Seconds until the present trial is over; 0 when none runs."""
        if self.trial_start_s is None:
            return 0.0
        return max(0.0, self._trial_s - max(0.0, now_s - self.trial_start_s))

    def left_s(self, now_s: float) -> float:
        """Seconds that preconditioning and measuring will still take."""
        is_running = self.trial_start_s is not None
        later = max(0, self.trials - self.stored - is_running)
        return later * self._trial_s + self.trial_left_s(now_s) + self._before_left_s(now_s)

    def done(self, now_s: float) -> float:
        """The share of the measuring that is done."""
        total_s = self.trials * self._trial_s
        measuring_s = self.left_s(now_s) - self._before_left_s(now_s)
        return min(1.0, max(0.0, 1 - measuring_s / total_s)) if total_s > 0 else 1.0

    @property
    def _trial_s(self) -> float:
        """What a trial takes: as long as those before it."""
        return sum(self.took_s) / len(self.took_s) if self.took_s else self.runtime_s

    def _before_left_s(self, now_s: float) -> float:
        aside_s = 0.0 if self.aside_end_s is None else max(0.0, self.aside_end_s - now_s)
        return self._fill_left_s(now_s) + aside_s

    def _fill_left_s(self, now_s: float) -> float:
        if self.fill_start_s is None:
            return 0.0
        bytes_left = max(0, self.fill_bytes - self.filled_bytes)
        gone_s = now_s - self.fill_start_s
        is_known = self.filled_bytes > 0 and gone_s > 0
        return bytes_left / (self.filled_bytes / gone_s if is_known else _ASSUMED_FILL_BYTES_PER_S)


def live_run(job: Job, plan: Plan, trials: int) -> LiveRun:
    """A run of so many trials before its first event."""
    targets = max(len(side.targets) for side in job.sides)
    return LiveRun(
        job=job.name,
        steps=tuple(_live_step(step, targets) for step in plan.steps),
        trials=trials,
        runtime_s=job.ending.runtime_s,
        interval_s=job.interval_s,
        steady=job.ending.until_steady,
    )


def _live_step(step: Step, targets: int) -> LiveStep:
    return LiveStep(
        key=step.key,
        metric=step.workload.judged_metric,
        streams=step.agents * targets * len(step.workload.ops),
    )


# --- events --------------------------------------------------------------------------------


def advance(state: LiveRun, event: Event, now_s: float) -> LiveRun:
    """The state after an event; an event that says nothing about it leaves it as it is."""
    facts = event.facts
    match event.kind:
        case EventKind.INTERVAL:
            after = _after_interval(state, facts)
        case EventKind.TRIAL_STARTED:
            after = _after_start(state, facts, now_s)
        case EventKind.TRIAL_ENDED:
            after = _after_end(state, facts, now_s)
        case EventKind.PROGRESS if "done_bytes" in facts:
            after = replace(state, filled_bytes=_number(facts["done_bytes"]))
        case EventKind.PROGRESS:
            after = replace(state, stored=state.stored + 1)
        case EventKind.TRANSITION:
            after = replace(state, phase=_PHASES.get(str(facts["name"]), state.phase))
        case EventKind.NOTE:
            after = replace(state, notes=(*state.notes, str(facts["text"])))
        case EventKind.RUN_STARTED:
            after = replace(state, run=event.run, trials=_number(facts["trials"]))
        case _:
            after = state
    return after


def _number(value: object) -> int:
    return int(str(value))


def _place(state: LiveRun, key: str) -> int | None:
    return next((place for place, step in enumerate(state.steps) if step.key == key), None)


def _with_step(state: LiveRun, place: int, step: LiveStep) -> LiveRun:
    return replace(state, steps=(*state.steps[:place], step, *state.steps[place + 1 :]))


def _after_start(state: LiveRun, facts: dict[str, object], now_s: float) -> LiveRun:
    if facts["what"] == "fill":
        size_bytes = state.fill_bytes + _number(facts["size_bytes"])
        return replace(state, fill_bytes=size_bytes, fill_start_s=now_s)
    if facts["what"] in ASIDE:
        end_s = now_s + float(str(facts["runtime_s"]))
        return replace(state, aside=ASIDE[str(facts["what"])], aside_end_s=end_s)
    state = replace(
        state,
        trial_start_s=now_s,
        fill_start_s=None,
        aside="",
        aside_end_s=None,
        pending={},
        trials=max(state.trials, state.stored + 1),  # confirming trials come unplanned
    )
    place = _place(state, str(facts["step"]))
    if place is None:
        return state
    step = replace(state.steps[place], mark=Mark.RUNNING, slices=(), p99_ns=None, word="")
    return replace(_with_step(state, place, step), current=place)


def _after_end(state: LiveRun, facts: dict[str, object], now_s: float) -> LiveRun:
    if facts["what"] == "fill":
        return replace(state, fill_start_s=None, filled_bytes=state.fill_bytes)
    if facts["what"] in ASIDE:
        return replace(state, aside="", aside_end_s=None)
    took_s = state.took_s
    if state.trial_start_s is not None and facts["end"] not in {"failed", "cancelled"}:
        took_s = (*took_s, max(0.0, now_s - state.trial_start_s))
    state = replace(state, trial_start_s=None, stored=state.stored + 1, took_s=took_s, pending={})
    place = _place(state, str(facts["step"]))
    if place is None:
        return state
    step = state.steps[place]
    means = facts.get("means")
    if isinstance(means, Mapping) and means:
        step = replace(step, means=(*step.means, sum(float(value) for value in means.values())))
    is_measured = facts["end"] not in {"failed", "cancelled"}
    word = str((facts.get("steadiness") if is_measured else facts["end"]) or "").replace("_", " ")
    mark = Mark.DONE if is_measured else Mark.FAILED
    return _with_step(state, place, replace(step, mark=mark, word=word))


def _after_interval(state: LiveRun, facts: dict[str, object]) -> LiveRun:
    """Gather what the streams say of a slice; it counts once all have, or one speaks again."""
    place = _place(state, str(facts["step"]))
    if place is None:
        return state
    stream = (str(facts["agent"]), str(facts.get("target", 0)), str(facts["op"]))
    step = state.steps[place]
    if stream in state.pending:
        state, step = _closed(state, place)
    p99 = facts.get("clat_p99_ns")
    heard = (float(str(facts[step.metric])), None if p99 is None else float(str(p99)))
    state = replace(state, pending={**state.pending, stream: heard})
    if len(state.pending) >= step.streams:
        state, _ = _closed(state, place)
    return state


def _closed(state: LiveRun, place: int) -> tuple[LiveRun, LiveStep]:
    """The pending slice becomes one of the step's; its p99 is the largest of any stream's.

    No share of the I/Os of all streams together is slower than that.
    """
    by_op: dict[str, float] = {}
    for (_, _, op), (value, _) in state.pending.items():
        by_op[op] = by_op.get(op, 0.0) + value
    p99s = [p99 for _, p99 in state.pending.values() if p99 is not None]
    step = state.steps[place]
    kept = max(_LEAST_HISTORY, _window_intervals(state.interval_s, state.steady))
    step = replace(
        step,
        slices=(*step.slices, by_op)[-kept:],
        p99_ns=max(p99s) if p99s else None,
    )
    return replace(_with_step(state, place, step), pending={}), step


# --- steady so far -------------------------------------------------------------------------


def steady_word(step: LiveStep, interval_s: float, rule: SteadyRule | None) -> str:
    """`not yet` while there is too little, then `steady so far` or `not steady`.

    The window is the rule's own where the job has one, else the last half minute; it is cut
    into as many parts as the rule has rounds, and SNIA's two limits are asked of their means.
    """
    count = _window_intervals(interval_s, rule)
    if len(step.slices) < (count if rule else _LEAST_INTERVALS):
        return "not yet"
    chosen = rule or _OWN_RULE
    window = step.slices[-count:]
    ops = {op for by_op in window for op in by_op}
    is_steady = all(
        _holds_still([by_op.get(op, 0.0) for by_op in window], chosen) for op in sorted(ops)
    )
    return "steady so far" if is_steady else "not steady"


def _window_intervals(interval_s: float, rule: SteadyRule | None) -> int:
    chosen = rule or _OWN_RULE
    return max(_LEAST_INTERVALS, round(chosen.round_s * chosen.rounds / max(interval_s, 1e-3)))


def _holds_still(values: Sequence[float], rule: SteadyRule) -> bool:
    parts = min(rule.rounds, len(values))
    edges = [part * len(values) // parts for part in range(parts + 1)]
    means = [math.fsum(values[low:high]) / (high - low) for low, high in pairwise(edges)]
    average = math.fsum(means) / parts
    if not average > 0 or parts < 2:
        return False
    middle = (parts - 1) / 2
    spread = sum((place - middle) ** 2 for place in range(parts))
    slope = math.fsum((place - middle) * mean for place, mean in enumerate(means)) / spread
    excursion = abs(slope) * (parts - 1)
    is_narrow = max(means) - min(means) <= rule.range_limit * average
    return is_narrow and excursion <= rule.slope_limit * average
