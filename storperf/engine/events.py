"""What happens in a run, told to whoever listens: the terminal, JSON lines, a test.

Listeners are called in the engine's thread, in order, and must not raise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Moment(StrEnum):
    """A transition is told twice: stored but not acted on, and acted on."""

    STORED = "stored"
    ACTED = "acted"


class EventKind(StrEnum):
    """Every `*_started` has exactly one `*_ended`."""

    RUN_STARTED = "run_started"
    RUN_ENDED = "run_ended"
    TRANSITION = "transition"
    TRIAL_STARTED = "trial_started"
    TRIAL_ENDED = "trial_ended"
    INTERVAL = "interval"
    PROGRESS = "progress"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened.  `facts` are plain JSON values."""

    kind: EventKind
    run: str
    facts: dict[str, object]


Listener = Callable[[Event], None]


class Announcer:
    """Hands each event to every listener."""

    def __init__(self, run: str, listeners: Sequence[Listener]) -> None:
        self._run = run
        self._listeners = tuple(listeners)

    def tell(self, kind: EventKind, **facts: object) -> None:
        """Tell all listeners."""
        event = Event(kind=kind, run=self._run, facts=facts)
        for listener in self._listeners:
            listener(event)

    def transition(self, name: str, moment: Moment, trial: str | None = None) -> None:
        """Tell that a phase or a trial's state was stored, or acted on."""
        self.tell(EventKind.TRANSITION, name=name, moment=moment.value, trial=trial)

    def note(self, text: str) -> None:
        """Tell a person something that needs no answer."""
        self.tell(EventKind.NOTE, text=text)
