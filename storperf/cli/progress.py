"""Progress on stderr: the live view on a terminal, a line a trial elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from storperf.cli.live import ASIDE, LiveRun, advance, live_run
from storperf.cli.live_picture import picture
from storperf.engine.events import Event, EventKind, Listener
from storperf.model.job import Job
from storperf.plan import plan_job
from storperf.reports.clean import line
from storperf.units import render_duration

_EVERY_S = 0.25
_LAST_FRAME_S = 1.0


@contextmanager
def shown_progress(console: Console, job: Job, trials: int) -> Iterator[Listener]:
    """A listener that shows a run on the console while inside."""
    state = live_run(job, plan_job(job), trials)
    if console.is_terminal and not console.is_dumb_terminal:
        with _LiveView(console, state) as view:
            yield view.listen
    else:
        yield _line_listener(state, console)


def line_progress(console: Console, job: Job, trials: int) -> Listener:
    """A listener that tells a run in lines, terminal or not."""
    return _line_listener(live_run(job, plan_job(job), trials), console)


class _LiveView:
    """Draws the newest state four times a second in a thread of its own.

    The engine's thread only puts a new state in place of the old one; a terminal that stands
    still (Ctrl-S, a slow line) holds up the drawing and nothing else.
    """

    def __init__(self, console: Console, state: LiveRun) -> None:
        self._console = console
        self._state = state
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="live view", daemon=True)

    def listen(self, event: Event) -> None:
        """Take an event; called by the engine."""
        self._state = advance(self._state, event, time.monotonic())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join(_LAST_FRAME_S)

    def _draw(self) -> None:
        # The last frame stays where the result goes elsewhere.
        has_own_result = sys.stdout.isatty()
        noted = 0
        with Live(
            console=self._console,
            auto_refresh=False,
            transient=has_own_result,
            redirect_stdout=False,
            vertical_overflow="crop",
        ) as live:
            is_last, drawn = False, Text()
            while not is_last:
                is_last = self._is_over.wait(_EVERY_S)
                state = self._state
                for note in state.notes[noted:]:
                    live.console.print(Text.assemble(("note:", "yellow"), f" {line(note)}"))
                noted = len(state.notes)
                frame = self._frame(state)
                if frame != drawn or frame.spans != drawn.spans:
                    live.update(frame, refresh=True)
                    drawn = frame

    def _frame(self, state: LiveRun) -> Text:
        size = self._console.size
        is_plain = not self._console.encoding.lower().startswith("utf")
        # The last line and the last column stay free: a terminal would scroll or wrap there.
        lines = picture(state, time.monotonic(), size.width - 1, size.height - 1, is_plain=is_plain)
        return Text("\n", no_wrap=True).join(lines)


def _line_listener(state: LiveRun, console: Console) -> Listener:
    def listen(event: Event) -> None:
        nonlocal state
        now_s = time.monotonic()
        state = advance(state, event, now_s)
        facts = event.facts
        left = f"about {render_duration(round(state.left_s(now_s)))} left"
        if event.kind is EventKind.RUN_STARTED:
            console.print(f"run {event.run}: {facts['trials']} trials, {left}", markup=False)
        elif event.kind is EventKind.TRIAL_STARTED:
            what = str(facts["what"])
            aside = {"fill": "filling the target", **ASIDE}
            name = aside[what] if what in aside else str(facts["step"])
            console.print(f"  {name}: started, {left}", markup=False)
        elif event.kind is EventKind.TRIAL_ENDED and facts["what"] == "measure":
            words = [str(facts[key]) for key in ("end", "steadiness", "end_reason") if facts[key]]
            console.print(f"  {facts['step']}: {', '.join(words)}", markup=False)
        elif event.kind is EventKind.NOTE:
            console.print(f"note: {facts['text']}", markup=False)

    return listen
