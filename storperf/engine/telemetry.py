"""What a run tells Graphite while it goes on, and when it has ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storperf.engine.context import RunContext
from storperf.engine.events import Announcer, Event, EventKind, Listener
from storperf.engine.leftovers import flush_all_to
from storperf.engine.records import Record
from storperf.engine.run_points import RunPoints
from storperf.engine.trial_stream import TrialStream
from storperf.errors import ExitCode
from storperf.model.job import Graphite, Job, Plan, Step
from storperf.model.run import Run, Summary, Trial
from storperf.sinks.events import Happening, render_tag
from storperf.sinks.graphite import GraphiteSink
from storperf.sinks.links import run_link
from storperf.sinks.spool import Owner

log = logging.getLogger(__name__)

# What a run does for those before it, once its own points are there.
_LEFTOVERS_S = 10.0
_TOLD = (EventKind.RUN_STARTED, EventKind.TRIAL_STARTED, EventKind.TRIAL_ENDED)


class Telemetry:
    """One run's way to its sink; nothing here waits or raises for the sink's sake."""

    def __init__(  # noqa: PLR0913 - whose, of what, where to, and when
        self,
        run: Run,
        job: Job,
        plan: Plan,
        sink: GraphiteSink,
        *,
        epoch: Callable[[], float],
        note: Callable[[str], None],
        summary_time_s: float,
    ) -> None:
        self._run = run
        self._epoch = epoch
        self._note = note
        self._summary_time_s = summary_time_s
        self._job = job
        self._sink = sink
        self._points = RunPoints(run, job, summary_time_s)
        self._numbers = {trial.id: number for number, trial in enumerate(plan.trials, start=1)}
        self._stream: TrialStream | None = None
        self._facts: dict[str, object] | None = None

    # --- while it goes on --------------------------------------------------------------

    def begin_trial(self, trial: Trial, step: Step, streams: int) -> None:
        """Learn whose records come next, from how many targets of all agents together.

        A trial beyond the plan gets the next number.
        """
        number = self._numbers.setdefault(trial.id, len(self._numbers) + 1)
        self._stream = TrialStream(
            self._run, self._job, trial, step, number=number, streams=streams
        )

    def hear(self, agent: str, record: Record, offset_s: float) -> None:
        """Send what a host's record of the trial holds; its clock is `offset_s` ahead of ours."""
        if self._stream is not None:
            self._sink.put(self._stream.hear(agent, record, offset_s))
        for text in self._sink.news():
            self._note(f"{text}; the store has every figure")

    def end_trial(self, trial: Trial, summaries: Sequence[Summary]) -> None:
        """Send the last second of a trial, and the figures that its step has now."""
        if self._stream is not None:
            self._sink.put(self._stream.flush())
            self._stream = None
        self._sink.put(self._points.of_trial(trial, summaries))

    def listen(self, event: Event) -> None:
        """Tell Graphite of runs and trials as they begin and end."""
        if event.kind not in _TOLD or event.facts.get("what", "measure") != "measure":
            return
        words = {
            EventKind.RUN_STARTED: f"run {self._run.id} of {self._job.name} started",
            EventKind.TRIAL_STARTED: f"trial {event.facts.get('step')} started",
            EventKind.TRIAL_ENDED: f"trial {event.facts.get('step')} {event.facts.get('end')}",
        }
        thing = "run" if event.kind is EventKind.RUN_STARTED else "trial"
        self._tell(thing, words[event.kind], self._epoch(), event.facts)

    # --- when it has ended -------------------------------------------------------------

    def finish(self, context: RunContext, exit_code: ExitCode) -> dict[str, object]:
        """Send the run's summary and its end, and close the sink; what became of everything.

        `link` is the address that shows the run, None without graphite-web; `summary_time_s` the
        time of its points in `summary`, epoch seconds.
        """
        if self._facts is None:
            at_s = self._epoch()
            self._sink.put(self._points.of_run(context, exit_code, at_s))
            for code, text in context.faults:
                self._tell("fault", text, at_s, {"exit_code": int(code)})
            verdict = context.verdict
            if verdict is not None:
                facts: dict[str, object] = {"sentence": verdict.sentence}
                words = f"verdict {verdict.outcome}: {verdict.reason}"
                self._tell("verdict", words, at_s, facts, verdict.outcome)
            words = f"run {self._run.id} of {self._job.name} ended with {int(exit_code)}"
            self._tell("run", words, at_s, {"exit_code": int(exit_code)})
        return {
            **self.close(),
            "link": self._link(),
            "summary_time_s": int(self._summary_time_s),
        }

    def _link(self) -> str | None:
        web = self._sink.address.web
        if web is None:
            return None
        return run_link(
            web,
            lab=self._job.lab,
            job=self._job.name,
            from_s=self._run.created_s,
            until_s=self._epoch(),
        )

    def close(self) -> dict[str, object]:
        """Close the sink, at the latest now; what became of everything."""
        if self._facts is None:
            self._facts = self._sink.close()
        return self._facts

    @staticmethod
    def explain_loss(facts: dict[str, object]) -> str:
        """What is missing, in a sentence; `facts` are those of `finish`."""
        points: Any = facts["points"]
        found: Any = facts["read_back"]
        where = f"Graphite at {facts['host']}:{facts['port']}"
        store = "the store has all figures"
        if found["missing"]:
            return (
                f"{where} lacks points of {found['missing_series']} of {found['series']} series, "
                f"{found['missing'][0]} among them; `storperf graphite check` says why; {store}"
            )
        untaken = points["waiting"] + points["unconfirmed"] + points["dropped"]
        kept = "; `storperf graphite flush` sends them" if facts["spool"] else ""
        return (
            f"{where} did not take {untaken} of {points['offered']} points "
            f"({points['last_error']}){kept}; {store}"
        )

    def _tell(
        self, thing: str, what: str, at_s: float, facts: dict[str, object], *tags: str
    ) -> None:
        names = (thing, *tags, f"run-{self._run.id}", render_tag(f"job-{self._job.name}"))
        self._sink.tell(
            Happening(
                what=what,
                tags=("storperf", *names),
                at_s=at_s,
                facts={"run": self._run.id, "job": self._job.name, "lab": self._job.lab, **facts},
            )
        )


def _notes(run: Run, sink: GraphiteSink, summary_time_s: float) -> Iterator[str]:
    """What is told at once of other runs of the job."""
    for other in sink.shares_names_with:
        yield f"run {other} sends to the same series of Graphite: each second shows one of the two"
    if summary_time_s != run.created_s:
        minute = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(summary_time_s))
        yield (
            "another run of this job started in the same minute, of which Graphite keeps one: the "
            f"summary of this one stands there at {minute}"
        )


@contextmanager
def sending(
    context: RunContext, run: Run, spools: Path, listeners: Sequence[Listener]
) -> Iterator[None]:
    """Let a run tell its Graphite what happens while inside, if it has one."""
    found: Any = run.facts.get("graphite")
    if found is None:
        yield
        return
    owner = Owner(run=run.id, lab=run.lab, job=run.job_name, graphite=Graphite(**found))
    sink = GraphiteSink(spools, owner, epoch=context.epoch)
    at_s = context.store.take_summary_time(run)

    def note(text: str) -> None:
        # Of the announcer below, which tells the telemetry too.
        context.announce.note(text)

    telemetry = Telemetry(
        run,
        context.job,
        context.plan,
        sink,
        epoch=context.epoch,
        note=note,
        summary_time_s=at_s,
    )
    context.telemetry = telemetry
    context.announce = Announcer(run.id, (*listeners, telemetry.listen))
    for text in _notes(run, sink, at_s):
        context.announce.note(text)
    try:
        yield
    finally:
        if telemetry.close()["is_complete"]:
            for flushed in flush_all_to(spools, owner, _LEFTOVERS_S):
                log.info("what run %s had left was sent: %s", flushed.run, flushed.is_complete)
