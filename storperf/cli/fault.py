"""Fault injection for tests: die, or wait for a signal, at a transition named from outside.

`STORPERF_DIE_AT=measure:stored` kills the manager by SIGKILL once the phase measure is
stored and before anything of it is done; `:acted` once it is done.  `started`, `ended` and
`stored` name the states of the first trial that comes by.  `STORPERF_HOLD_AT` takes the same
words: the manager says so on stderr and waits until it is asked to end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping

from storperf.engine.cancel import Cancel
from storperf.engine.events import Event, EventKind, Listener

_LONGEST_HOLD_S = 60.0


def faults(environment: Mapping[str, str], cancel: Cancel) -> list[Listener]:
    """The listeners that the environment asks for; none outside of tests."""

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def hold() -> None:
        sys.stderr.write(f"held at {environment['STORPERF_HOLD_AT']}\n")
        sys.stderr.flush()
        cancel.wait(_LONGEST_HOLD_S)

    acts = {"STORPERF_DIE_AT": die, "STORPERF_HOLD_AT": hold}
    return [_at(environment[name], act) for name, act in acts.items() if environment.get(name)]


def _at(transition: str, act: Callable[[], None]) -> Listener:
    name, _, moment = transition.partition(":")

    def listen(event: Event) -> None:
        is_there = (event.facts.get("name"), event.facts.get("moment")) == (name, moment)
        if event.kind is EventKind.TRANSITION and is_there:
            act()

    return listen
