"""Progress on stderr: a bar with ETA on a terminal, a line a trial elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from storperf.engine.events import Event, EventKind, Listener
from storperf.model.job import Job
from storperf.units import render_count, render_duration, render_rate, render_size

# What a fill is expected to write per second until it has shown what it can.
_ASSUMED_FILL_BYTES_PER_S = 200e6


class RunProgress:
    """Turns events into a fraction, an ETA and a sentence."""

    def __init__(self, job: Job, trials: int) -> None:
        self._runtime_s = job.ending.runtime_s
        self._trials = trials
        self._stored = 0
        self._trial_start_s: float | None = None
        self._fill_bytes = 0
        self._filled_bytes = 0
        self._fill_start_s = 0.0
        self.sentence = "getting agents"

    def take(self, event: Event, now_s: float) -> None:
        """Learn from an event."""
        facts = event.facts
        if event.kind is EventKind.TRIAL_STARTED and facts["what"] == "fill":
            self._fill_bytes = int(str(facts["size_bytes"]))
            self._fill_start_s = now_s
            self.sentence = f"filling {render_size(self._fill_bytes)}"
        elif event.kind is EventKind.TRIAL_STARTED:
            self._trial_start_s = now_s
            self.sentence = str(facts["step"])
        elif event.kind is EventKind.PROGRESS and "done_bytes" in facts:
            self._filled_bytes = int(str(facts["done_bytes"]))
        elif event.kind is EventKind.PROGRESS:
            self._stored += 1
        elif event.kind is EventKind.TRIAL_ENDED and facts["what"] == "measure":
            self._trial_start_s = None
            self._stored += 1
        elif event.kind is EventKind.INTERVAL:
            iops, rate = float(str(facts["iops"])), float(str(facts["bandwidth"]))
            figures = f"{facts['op']} {render_count(iops)} IOPS, {render_rate(rate)}"
            self.sentence = f"{facts['step']}  {figures}"

    def left_s(self, now_s: float) -> float:
        """Seconds that filling and measuring will still take."""
        trials_left = self._trials - self._stored
        done_s = 0.0 if self._trial_start_s is None else now_s - self._trial_start_s
        measuring_s = trials_left * self._runtime_s - min(done_s, self._runtime_s)
        bytes_left = max(0, self._fill_bytes - self._filled_bytes) if not self._stored else 0
        fill_bytes_per_s = _ASSUMED_FILL_BYTES_PER_S
        if self._filled_bytes and now_s > self._fill_start_s:
            fill_bytes_per_s = self._filled_bytes / (now_s - self._fill_start_s)
        return max(0.0, measuring_s) + bytes_left / fill_bytes_per_s

    def done(self, now_s: float) -> float:
        """The share of the measuring that is done."""
        total_s = self._trials * self._runtime_s
        left = min(total_s, self.left_s(now_s))
        return 1 - left / total_s if total_s else 1.0


@contextmanager
def shown_progress(console: Console, job: Job, trials: int) -> Iterator[Listener]:
    """A listener that shows a run on the console while inside."""
    state = RunProgress(job, trials)
    if console.is_terminal:
        with _bar(console) as progress:
            task = progress.add_task("", total=1.0)
            yield _bar_listener(state, progress, task)
    else:
        yield _line_listener(state, console)


def _bar(console: Console) -> Progress:
    return Progress(
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("ETA {task.fields[eta]}"),
        TextColumn("{task.description}", table_column=None),
        console=console,
        transient=True,
    )


def _bar_listener(state: RunProgress, progress: Progress, task: TaskID) -> Listener:
    progress.update(task, eta="...")

    def listen(event: Event) -> None:
        now_s = time.monotonic()
        state.take(event, now_s)
        if event.kind is EventKind.NOTE:
            progress.console.print(f"[yellow]note:[/] {escape(str(event.facts['text']))}")
        progress.update(
            task,
            completed=state.done(now_s),
            eta=render_duration(round(state.left_s(now_s))),
            description=escape(state.sentence),
        )

    return listen


def _line_listener(state: RunProgress, console: Console) -> Listener:
    def listen(event: Event) -> None:
        now_s = time.monotonic()
        state.take(event, now_s)
        facts = event.facts
        left = f"about {render_duration(round(state.left_s(now_s)))} left"
        if event.kind is EventKind.RUN_STARTED:
            console.print(f"run {event.run}: {facts['trials']} trials, {left}", markup=False)
        elif event.kind is EventKind.TRIAL_STARTED:
            name = "filling the target" if facts["what"] == "fill" else str(facts["step"])
            console.print(f"  {name}: started, {left}", markup=False)
        elif event.kind is EventKind.TRIAL_ENDED and facts["what"] == "measure":
            words = [str(facts[key]) for key in ("end", "steadiness", "end_reason") if facts[key]]
            console.print(f"  {facts['step']}: {', '.join(words)}", markup=False)
        elif event.kind is EventKind.NOTE:
            console.print(f"note: {facts['text']}", markup=False)

    return listen
