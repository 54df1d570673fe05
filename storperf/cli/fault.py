"""Fault injection for tests: die by SIGKILL at a transition that is named from outside.

`STORPERF_DIE_AT=measure:stored` kills the manager once the phase measure is stored and
before anything of it is done; `:acted` once it is done.  `started`, `ended` and `stored`
name the states of the first trial that comes by.
"""

from __future__ import annotations

import os
import signal

from storperf.engine.events import Event, EventKind, Listener


def killer(at: str) -> Listener:
    """A listener that kills this process at the transition `name:moment`."""
    name, _, moment = at.partition(":")

    def listen(event: Event) -> None:
        is_there = (event.facts.get("name"), event.facts.get("moment")) == (name, moment)
        if event.kind is EventKind.TRANSITION and is_there:
            os.kill(os.getpid(), signal.SIGKILL)

    return listen
