"""What a run tells Graphite while it goes on, and when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from storperf.engine.context import RunContext
from storperf.engine.events import Announcer, Event, EventKind, Listener
from storperf.engine.records import Record, interval_of, of_attempt, sample_of
from storperf.engine.together import applied_s
from storperf.errors import ExitCode
from storperf.model.job import Graphite, Job, Plan
from storperf.model.run import Flag, Run, Trial
from storperf.sinks.events import Happening, render_tag
from storperf.sinks.graphite import GraphiteSink
from storperf.sinks.links import run_link
from storperf.sinks.paths import LIVE, SUMMARY, RunSeries, StepSeries, SummarySeries
from storperf.sinks.points import Place, Point, SecondMerger, point_of
from storperf.stats.repeats import run_values

_TOLD = (EventKind.RUN_STARTED, EventKind.TRIAL_STARTED, EventKind.TRIAL_ENDED)


class Telemetry:
    """One run's way to its sink; nothing here waits or raises for the sink's sake."""

    def __init__(
        self, run: Run, job: Job, plan: Plan, sink: GraphiteSink, epoch: Callable[[], float]
    ) -> None:
        self._run = run
        self._epoch = epoch
        self._job = job
        self._sink = sink
        self._numbers = {trial.id: number for number, trial in enumerate(plan.trials, start=1)}
        self._trials: dict[str, Trial] = {}
        self._mergers: dict[str, SecondMerger] = {}
        self._marked: set[int] = set()
        self._facts: dict[str, object] | None = None

    # --- while it goes on --------------------------------------------------------------

    def begin_trial(self, trial: Trial) -> None:
        """Learn whose records come next; a trial beyond the plan gets the next number."""
        self._trials[trial.id] = trial
        self._numbers.setdefault(trial.id, len(self._numbers) + 1)

    def hear(self, agent: str, record: Record, offset_s: float = 0.0) -> None:
        """Send what an agent's record of a trial holds; its clock is `offset_s` ahead of ours."""
        if record["kind"] == "interval":
            interval = interval_of(agent, record, offset_s)
            if interval is not None:
                self._put(interval.trial, self._merger(interval.trial).feed(interval))
        elif record["kind"] == "sensors":
            sample = sample_of(agent, record, offset_s)
            if sample.trial is not None:
                self._sink.put(self._merger(sample.trial).feed_sample(sample))

    def end_trial(self, trial: str) -> None:
        """Send the last second of a trial."""
        merger = self._mergers.pop(trial, None)
        if merger is not None:
            self._put(trial, merger.flush())
            self._sink.put(merger.flush_samples())
        self._marked.clear()

    def resend(self, context: RunContext, trial: Trial) -> None:
        """Send a trial of a resumed run once more; the sink of a dead manager may have lost it."""
        self.begin_trial(trial)
        for agent in context.agents:
            for record in of_attempt(agent.journal, trial.id, trial.attempt):
                self.hear(agent.name, record, applied_s(trial, agent.name))
        self.end_trial(trial.id)

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

        `link` is the address that shows the run, None without graphite-web.
        """
        if self._facts is None:
            at_s = self._epoch()
            self._sink.put(self._summary(context, exit_code, at_s))
            verdict = context.verdict
            if verdict is not None:
                facts: dict[str, object] = {"sentence": verdict.sentence}
                words = f"verdict {verdict.outcome}: {verdict.reason}"
                self._tell("verdict", words, at_s, facts, verdict.outcome)
            words = f"run {self._run.id} of {self._job.name} ended with {int(exit_code)}"
            self._tell("run", words, at_s, {"exit_code": int(exit_code)})
        return {**self.close(), "link": self._link()}

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
        lost = points["dropped"] + points["unconfirmed"]
        return (
            f"Graphite at {facts['host']}:{facts['port']} did not take {lost} of "
            f"{points['offered']} points ({points['last_error']}); the store has all figures"
        )

    def _summary(self, context: RunContext, exit_code: ExitCode, at_s: float) -> list[Point]:
        store, run = context.store, self._run.id
        verdict = context.verdict
        facts = {
            "exit_code": int(exit_code),
            "started_s": int(self._run.created_s),
            "ended_s": int(at_s),
            "enters_baseline": int(verdict is not None and verdict.enters_baseline),
        }
        points: list[Point] = []
        for fact, value in facts.items():
            points += point_of(self._run_series(SUMMARY, fact), value, at_s)
        # Trials that were added to confirm a suspicion are no part of the job's one value, and
        # what only some of the agents did is none.
        trials = [
            trial
            for trial in store.trials(run)
            if trial.repeat <= self._job.last_repeat and Flag.PARTIAL not in trial.flags
        ]
        values = run_values(trials, store.summaries(run))
        for (step, side, op, metric), found in values.items():
            series = SummarySeries(
                lab=self._job.lab,
                job=self._job.name,
                side=side,
                step=step,
                op=op,
                metric=metric,
            )
            points += point_of(series, found.value, at_s)
        return points

    # --- in detail ---------------------------------------------------------------------

    def _put(self, trial: str, points: Iterable[Point]) -> None:
        """Send points, and once for each second what is measured then."""
        points = tuple(points)
        for second in sorted({point.second for point in points} - self._marked):
            self._marked.add(second)
            self._sink.put(self._marks(trial, second))
        self._sink.put(points)

    def _marks(self, trial: str, second: int) -> list[Point]:
        planned = self._trials[trial]
        step = StepSeries(
            lab=self._job.lab, job=self._job.name, side=planned.side, step=planned.step_key
        )
        started_s = int(self._run.created_s)
        return [
            *point_of(self._run_series(LIVE, "trial"), self._numbers[trial], second),
            *point_of(self._run_series(LIVE, "started_s"), started_s, second),
            *point_of(step, planned.repeat, second),
        ]

    def _run_series(self, tree: str, fact: str) -> RunSeries:
        return RunSeries(tree=tree, lab=self._job.lab, job=self._job.name, fact=fact)

    def _merger(self, trial: str) -> SecondMerger:
        if trial not in self._mergers:
            side = self._trials[trial].side
            place = Place(lab=self._job.lab, job=self._job.name, side=side)
            self._mergers[trial] = SecondMerger(place)
        return self._mergers[trial]

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


@contextmanager
def sending(context: RunContext, run: Run, listeners: Sequence[Listener]) -> Iterator[None]:
    """Let a run tell its Graphite what happens while inside, if it has one."""
    found: Any = run.facts.get("graphite")
    if found is None:
        yield
        return
    sink = GraphiteSink(Graphite(**found))
    telemetry = Telemetry(run, context.job, context.plan, sink, context.epoch)
    context.telemetry = telemetry
    context.announce = Announcer(run.id, (*listeners, telemetry.listen))
    try:
        yield
    finally:
        telemetry.close()
