"""One trial, from its start on every agent to its figures in the store.

Its states are stored before they are acted on; a resumed run enters where the
stored state says, and the agents' journals say the rest.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from storperf.engine import contents, losses, observation, waiting
from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.engine.ending_watch import EndingWatch
from storperf.engine.events import EventKind, Moment
from storperf.engine.filling import SLOWEST_BYTES_PER_S
from storperf.engine.missing_parts import MISSING, explain_missing, missing_parts
from storperf.engine.records import interval_of
from storperf.engine.together import CLOCKS, applied_s, clock_facts, extremes, release_times
from storperf.engine.trial_end import (
    end_of,
    explain_end,
    explain_figures,
    longest_s,
    rules_met,
)
from storperf.engine.trial_flags import UNKNOWN, UNWRITTEN, own_flags
from storperf.errors import AgentLost
from storperf.fio.ending import FailureKind, FioFailure
from storperf.fio.job_text import read_sections, sections_last_s
from storperf.fio.render import render_trial
from storperf.model.ending import EndRule
from storperf.model.run import Flag, Steadiness, Summary, Trial, TrialEnd, TrialState
from storperf.units import parse_duration_s

if TYPE_CHECKING:
    from storperf.stats.summary import TrialSummary

Record = dict[str, Any]

_WARM_UP_GRACE_S = 60.0


class TrialRun:
    """Carries one trial out, or on."""

    def __init__(self, context: RunContext, trial: Trial) -> None:
        self._context = context
        self._trial = trial
        self._step = context.plan.step(trial.step_key)
        self._numbers = context.numbers_of_side(trial.side)
        self._gone: set[str] = set()
        self._watch = self._ending_watch()
        self._waiting: waiting.Waiting | None = None
        self._lost: AgentLost | None = None
        self._observation = observation.Observation(context, trial)

    @property
    def _agents(self) -> list[Agent]:
        """Those that are to take part and are not lost by now."""
        return self._context.agents_of(self._step)

    def _ending_watch(self) -> EndingWatch | None:
        job = self._context.job
        streams = (len(self._agents) - len(self._gone)) * len(self._numbers)
        if self._step.workload.is_warm_up or not job.ending.rules:
            return None
        return EndingWatch(self._step.workload, job.ending, job.interval_s, streams)

    def run(self) -> None:
        """Start it, hear its end, store it; Cancelled is raised once it is stored."""
        if self._context.telemetry is not None:
            streams = len(self._agents) * len(self._numbers)
            self._context.telemetry.begin_trial(self._trial, self._step, streams)
        if self._trial.state is TrialState.PLANNED:
            self._look_at_contents()
            self._observation.begin()
            self._add_facts(**{CLOCKS: clock_facts(self._context, self._agents)})
            self._save(TrialState.STARTED, started_s=self._context.epoch())
        elif self._trial.state is TrialState.STARTED:
            self._observation.begin()
        if self._trial.state is TrialState.STARTED:
            self._start()
            self._told(TrialState.STARTED)
        ends = self._wait()
        self._observation.end()
        known: Any = self._trial.facts.get(CLOCKS) or {}
        self._add_facts(**{CLOCKS: {**self._observation.clocks(), **known}})
        if self._trial.state is TrialState.STARTED:
            self._save(TrialState.ENDED, ended_s=self._context.epoch())
        summaries = self._conclude(ends)
        self._told(TrialState.ENDED)
        if self._context.telemetry is not None:
            self._context.telemetry.end_trial(self._trial, summaries)
        self._trial = replace(self._trial, state=TrialState.STORED)
        self._context.store.store_trial(self._context.run_id, self._trial, summaries)
        self._tell_end(summaries)
        self._context.announce.transition(
            TrialState.STORED.value, Moment.STORED, trial=self._trial.id
        )
        if self._lost is not None:
            raise self._lost
        self._context.cancel.check()

    # --- start -------------------------------------------------------------------

    def _save(self, state: TrialState, **changes: Any) -> None:
        self._trial = replace(self._trial, state=state, **changes)
        self._context.store.save_trial(self._context.run_id, self._trial)
        self._context.announce.transition(state.value, Moment.STORED, trial=self._trial.id)

    def _told(self, state: TrialState) -> None:
        self._context.announce.transition(state.value, Moment.ACTED, trial=self._trial.id)

    def _look_at_contents(self) -> None:
        """Remember what was never written, or may be, where it would be read; before the start."""
        if not contents.is_in_question(self._context, self._step):
            return
        looked = losses.ask(self._context, self._agents, partial(contents.inspect, self._context))
        for agent, found in looked.items():
            of_side = [
                each if number in self._numbers else None for number, each in enumerate(found)
            ]
            unwritten = contents.unwritten_of(of_side)
            if unwritten:
                self._add_facts(**{f"{UNWRITTEN}{agent.name}": unwritten})
            unknown = contents.unknown_of(of_side)
            if unknown:
                self._add_facts(**{f"{UNKNOWN}{agent.name}": unknown})

    def _start(self) -> None:
        self._context.announce.tell(
            EventKind.TRIAL_STARTED,
            trial=self._trial.id,
            what="measure",
            step=self._step.key,
            runtime_s=self._context.job.ending.runtime_s,
        )
        if self._context.job.precondition.drop_caches:
            losses.ask(self._context, self._agents, lambda each: each.call("drop_caches"))
        at_s = release_times(self._context, self._trial, self._agents)
        losses.ask(
            self._context,
            self._agents,
            lambda each: self._start_on(each, release_at=at_s[each.name]),
        )

    def _start_on(self, agent: Agent, release_at: float | None) -> None:
        agent.call(
            "start",
            trial=self._trial.id,
            attempt=self._trial.attempt,
            what="measure",
            deadline_s=self._deadline_s(),
            release_at=release_at,
            sensors=asdict(self._context.job.sensors),
            targets=[
                {"target": number, "argv": self._argv(agent, number)} for number in self._numbers
            ],
            probes=observation.requests(self._context.job.probes, is_observed=False),
        )

    def _argv(self, agent: Agent, number: int) -> tuple[str, ...]:
        return render_trial(
            self._context.job,
            self._step,
            self._context.target_on(agent, number),
            fio=self._context.fio_on(agent),
            filenames=self._context.prepared[agent.name][number]["filenames"],
        )

    def _deadline_s(self) -> float:
        if self._step.workload.is_warm_up:
            prepared = (self._context.prepared[agent.name] for agent in self._agents)
            sizes: list[int] = [
                each[number]["size_bytes"] for each in prepared for number in self._numbers
            ]
            return self._step.numjobs * max(sizes) / SLOWEST_BYTES_PER_S + _WARM_UP_GRACE_S
        own = self._step.workload.fio_file
        if own is not None:
            return longest_s(sections_last_s(read_sections(own)))
        ramp = self._step.workload.option("ramp_time")
        runtime_s = self._context.job.ending.runtime_s
        return longest_s(runtime_s + (parse_duration_s(ramp) if ramp else 0.0))

    # --- while it runs -----------------------------------------------------------

    def _wait(self) -> dict[str, Record]:
        """The record of the end, from each agent; on a cancel, from those that gave one."""
        agents = self._agents
        attempts = {agent.name: (self._trial.id, self._trial.attempt) for agent in agents}
        self._waiting = waiting.Waiting(
            self._context,
            agents,
            attempts,
            self._hear,
            lose=self._watch_the_rest,
            meanwhile=self._observation.turn,
        )
        ends = self._waiting.run()
        lost = {agent: ends.lost[agent.name] for agent in agents if agent.name in ends.lost}
        try:
            losses.give_up(self._context, lost)
        except AgentLost as error:
            self._lost = error
        return ends.records

    def _watch_the_rest(self, name: str) -> None:
        """Let the rules of the ending begin anew without an agent that is gone.

        Else they wait for its intervals until the deadline.
        """
        is_decided = self._watch is not None and bool(self._watch.why)
        if losses.goes_on(self._context) and not is_decided:
            self._gone.add(name)
            self._watch = self._ending_watch()

    def _hear(self, name: str, record: Record) -> None:
        observation.hear(self._context, name, record, applied_s(self._trial, name))
        if record["kind"] == "trial_ended" and dict(losses.failed_agents({name: record})):
            self._watch_the_rest(name)
        if record["kind"] != "interval":
            return
        interval = interval_of(name, record, applied_s(self._trial, name))
        if interval is None:
            return
        self._context.announce.tell(
            EventKind.INTERVAL,
            trial=self._trial.id,
            step=self._step.key,
            agent=name,
            target=interval.target,
            op=interval.op.value,
            end_s=interval.end_s,
            iops=interval.iops,
            bandwidth=interval.bandwidth_bytes_per_s,
            clat_p99_ns=interval.clat_percentile_nearest_rank_ns(0.99),
        )
        if self._watch is not None:
            self._watch.feed(interval)
            if self._watch.why and self._waiting is not None:
                self._waiting.stop(self._watch.why)

    # --- what it was -------------------------------------------------------------

    def _conclude(self, ends: dict[str, Record]) -> tuple[Summary, ...]:
        """Write the intervals, fill in how it ended; summaries only of a measurement."""
        # numpy is heavy: not before the first trial has run.
        from storperf.engine import host_rows, trial_hosts, trial_tables

        lacks = missing_parts(self._context, self._trial, self._step, ends)
        self._add_facts(argv=self._argvs(), ends=ends, **({MISSING: lacks} if lacks else {}))
        agents = [agent for agent in self._agents if agent.name not in lacks]
        parts = {name: end for name, end in ends.items() if name not in lacks}
        sampled = [*agents, *self._context.observing_agents()]
        table = trial_tables.write(self._context, self._trial, sampled)
        together = trial_tables.together(agents, self._trial, table)
        if together is not None:
            self._add_facts(together=together)
        failure = self._failure(parts)
        if self._is_cut_off(ends):
            self._trial = replace(
                self._trial, end=TrialEnd.CANCELLED, steadiness=Steadiness.NOT_JUDGED
            )
            return ()
        if failure is None and not len(table):
            failure = FioFailure(kind=FailureKind.NO_IO, sentence="fio reported no interval")
        if failure is not None:
            self._fail(failure)
            return ()
        met = frozenset[EndRule]().union(*(rules_met(end["why"]) for end in parts.values()))
        found = trial_tables.summarise(self._context, self._trial, table, met=met)
        hosts = trial_hosts.judge(self._context, self._trial, self._numbers, table, parts)
        found = replace(found, flags=(*found.flags, *trial_hosts.flags_of(hosts)))
        rows = host_rows.host_rows(self._context, self._trial, agents, table, found.window_s)
        self._add_facts(window_s=found.window_s, host=trial_hosts.plain(hosts), hosts=rows)
        if together is not None:
            rates = extremes(found.summaries, self._step.workload.judged_metric)
            self._add_facts(together={**together, "extremes": rates})
        return self._take(found, end_of(self._context.job, self._step, met), lacks)

    def _take(
        self, found: TrialSummary, end: TrialEnd, lacks: dict[str, Record]
    ) -> tuple[Summary, ...]:
        """Fill in what the figures of a measurement say of it."""
        if self._watch is not None:
            self._add_facts(until=self._watch.figures())
        if found.missing_ops:
            missing = ", ".join(found.missing_ops)
            sentence = f"no I/O at all in: {missing}"
            self._fail(FioFailure(kind=FailureKind.NO_IO, sentence=sentence))
            return ()
        own = own_flags(self._context, self._trial, self._step, self._numbers, found.summaries)
        partial_flag = (Flag.PARTIAL,) if lacks else ()
        self._trial = replace(
            self._trial,
            end=end,
            end_reason=explain_missing(lacks),
            steadiness=(
                Steadiness.NOT_JUDGED if self._step.workload.is_warm_up else found.steadiness
            ),
            steady_figures=found.figures,
            flags=tuple(dict.fromkeys((*partial_flag, *found.flags, *own))),
        )
        return found.summaries

    def _is_cut_off(self, ends: dict[str, Record]) -> bool:
        """Whether a cancel came before the trial's own end, not after it."""
        is_whole = len(ends) == len(self._agents)
        return self._context.cancel.is_requested and (
            not is_whole or any(end["why"] == "cancelled" for end in ends.values())
        )

    def _failure(self, ends: dict[str, Record]) -> FioFailure | None:
        if self._lost is not None:
            return FioFailure(kind=FailureKind.AGENT, sentence=self._lost.message)
        if not self._agents:
            lost = ", ".join(each.name for each in self._context.planned_agents_of(self._step))
            sentence = f"it was to run on {lost} alone, lost by now"
            return FioFailure(kind=FailureKind.AGENT, sentence=sentence)
        for name, end in ends.items():
            failure = explain_end(end) or explain_figures(end, self._step, self._context.job)
            if failure is not None:
                return replace(failure, sentence=f"{name}: {failure.sentence}")
        return None

    def _fail(self, failure: FioFailure) -> None:
        self._add_facts(failure_kind=failure.kind.value)
        self._trial = replace(
            self._trial,
            end=TrialEnd.FAILED,
            end_reason=failure.sentence,
            steadiness=Steadiness.NOT_JUDGED,
        )

    def _argvs(self) -> dict[str, list[list[str]]]:
        return {
            agent.name: [list(self._argv(agent, number)) for number in self._numbers]
            for agent in self._agents
        }

    def _add_facts(self, **facts: object) -> None:
        self._trial = replace(self._trial, facts={**self._trial.facts, **facts})

    def _tell_end(self, summaries: tuple[Summary, ...]) -> None:
        trial = self._trial
        judged = self._step.workload.judged_metric
        self._context.announce.tell(
            EventKind.TRIAL_ENDED,
            trial=trial.id,
            what="measure",
            step=trial.step_key,
            end=trial.end.value if trial.end else None,
            end_reason=trial.end_reason,
            steadiness=trial.steadiness.value if trial.steadiness else None,
            means={
                summary.op: summary.value
                for summary in summaries
                if (summary.agent, summary.metric) == ("all", judged)
            },
        )
