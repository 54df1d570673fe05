"""Histories of nightly runs: triggers, their confirmation, and the list of changes."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from verdict_trials import Family, Generator, World, cases, trials

from storperf.stats.changes import find_changes
from storperf.stats.confirm import Call, decide
from storperf.stats.table import Floats
from storperf.stats.trigger import loss_trigger

START = 60
_WATCHED = 60
_WITHIN = 30
_NEAR = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What 100 runs' worth of watching comes to, or how soon a loss was found."""

    runs: int
    triggers: int
    fails: int
    delays: tuple[int, ...] = ()
    histories: int = 0

    @property
    def found(self) -> int:
        """Histories in which the loss was found within 30 runs."""
        return len(self.delays)


def histories(rng: Generator, family: Family, count: int, runs: int, loss: float) -> Floats:
    """`count` histories of `runs` values; from run 60 on all are worse by `loss`."""
    made = trials(rng, family, count, World(runs=runs))
    logs = made.baseline.copy()
    logs[:, START:] += np.log1p(-loss)
    return 1000 * np.exp(logs)


def watch(rng: Generator, family: Family, count: int, loss: float) -> Watched:
    """A trigger after each run from 60 on, each confirmed by interleaved pairs.

    Without a loss 60 runs of each history are watched; with one, until it is found,
    30 runs at most.
    """
    span = _WITHIN if loss else _WATCHED
    found = [
        (number, end, rows)
        for number, rows in enumerate(histories(rng, family, count, START + span, loss))
        for end in range(START + 1, START + span + 1)
        if loss_trigger(rows[:end], higher_is_better=True) is not None
    ]
    fails = _confirmed(rng, family, len(found), loss)
    first: dict[int, int] = {}
    for (number, end, _), is_fail in zip(found, fails, strict=True):
        if is_fail:
            first.setdefault(number, end - START)
    return Watched(
        runs=count * span,
        triggers=len(found),
        fails=int(np.sum(fails)),
        delays=tuple(first.values()) if loss else (),
        histories=count,
    )


def _confirmed(rng: Generator, family: Family, count: int, loss: float) -> list[bool]:
    """Whether pairs of old and new build, of a session of their own, call the new one worse."""
    if not count:
        return []
    world = World(runs=0, loss=loss)
    suspected = replace(cases(family, trials(rng, family, count, world), world), is_suspected=True)
    found = decide(suspected)
    return [call == Call.WORSE for call in found.call.tolist()]


def reported(rng: Generator, family: Family, count: int, loss: float) -> Watched:
    """The list of changes, made anew after each run from 60 on; a new entry is a report."""
    span = _WITHIN if loss else _WATCHED
    told, delays = 0, []
    for rows in histories(rng, family, count, START + span, loss):
        seen = [each.index for each in find_changes(rows[:START])]
        delay = None
        for end in range(START + 1, START + span + 1):
            for each in find_changes(rows[:end]):
                if all(abs(each.index - place) > _NEAR for place in seen):
                    seen.append(each.index)
                    told += 1
                if delay is None and loss and abs(each.index - START) <= _NEAR:
                    delay = end - START
        delays += [] if delay is None else [delay]
    return Watched(runs=count * span, triggers=told, fails=0, delays=tuple(delays), histories=count)


def speed_ms(rng: Generator, runs: int, repeats: int) -> list[float]:
    """How long the changes of one history take a core, whatever else the machine does."""
    family = Family(
        name="flat",
        session=0.0,
        run=0.02,
        second=0.0,
        second_phi=0.0,
        hits=(),
        total=0.02,
    )
    (rows,) = histories(rng, family, 1, runs, 0.05)
    took = []
    for _ in range(repeats):
        begun_s = time.process_time()
        find_changes(rows)
        took.append((time.process_time() - begun_s) * 1000)
    return took
