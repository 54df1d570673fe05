"""What the phases of one run share."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from storperf.engine.agents import Agent
from storperf.engine.cancel import Cancel
from storperf.engine.events import Announcer
from storperf.engine.observer import Observer
from storperf.errors import AgentLost, ExitCode
from storperf.model.ending import ConfirmWhen
from storperf.model.job import Job, Plan, Step
from storperf.model.run import LostAgent
from storperf.model.target import Target, TargetKind
from storperf.model.verdict import Verdict
from storperf.providers.provider import Errand, Provider
from storperf.store.store import Store

if TYPE_CHECKING:
    from storperf.engine.telemetry import Telemetry


@dataclass(kw_only=True)
class RunContext:
    """One run in the making.

    `confirm_when` is the job's, or what the command said instead.  `faults` collects what went
    wrong besides the measurement.

    `epoch` gives epoch seconds on a clock that never jumps, so that nothing ends before it began.
    `is_preconditioned` is False when the random writes before measuring were not steady in time.

    `lost` holds, by name, the agents of `agents` that the run goes on without.

    `telemetry` is None when nothing is sent anywhere while the run goes on.
    `observed` hands out the places of `observers`, which are no agents: nothing here that speaks
    of agents can forget to leave them out.  `failed_probes` are those that were told of.
    """

    run_id: str
    job: Job
    plan: Plan
    store: Store
    provider: Provider
    cancel: Cancel
    announce: Announcer
    epoch: Callable[[], float]
    telemetry: Telemetry | None = None
    confirm_when: ConfirmWhen = ConfirmWhen.NEVER
    agents: list[Agent] = field(default_factory=list)
    lost: dict[str, LostAgent] = field(default_factory=dict)
    observed: Provider | None = None
    observers: list[Observer] = field(default_factory=list)
    failed_probes: set[tuple[str, str]] = field(default_factory=set)
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    prepared: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    faults: list[tuple[ExitCode, str]] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    verdict: Verdict | None = None
    is_preconditioned: bool = True
    _pinging: threading.Lock = field(default_factory=threading.Lock)

    def errand(self, agents: int, *, creates: bool = True) -> Errand:
        """What a provider is told of this run when it is asked for so many agents."""
        return Errand(
            run_id=self.run_id,
            folder=self.store.artefacts(self.run_id),
            agents=agents,
            tell=self.announce.note,
            wait=self._wait,
            note=lambda facts: self.store.set_run_facts(self.run_id, dict(facts)),
            creates=creates,
        )

    def _wait(self, seconds: float) -> bool:
        """Wait for a provider, with the leases of the agents that are there kept; True on a cancel.

        A larger stack takes minutes, a lease may be one.  Who is lost meanwhile is found out by
        whoever asks it next.  A provider's threads wait side by side: one of them is enough.
        """
        if self._pinging.acquire(blocking=False):
            try:
                for agent in self.present():
                    with contextlib.suppress(AgentLost):
                        agent.keep_lease()
            finally:
                self._pinging.release()
        return self.cancel.wait(seconds)

    @property
    def most_agents(self) -> int:
        """How many agents the widest step takes."""
        return max(self.job.matrix.agents)

    def targets(self) -> list[Target]:
        """Every target of every side, in the order of their numbers on an agent."""
        return [target for side in self.job.sides for target in side.targets]

    def target_on(self, agent: Agent, number: int) -> Target:
        """A target as it is on an agent's host, with the span that it was found to have there."""
        size_bytes = self.prepared[agent.name][number]["size_bytes"]
        return replace(agent.place.targets(self.job)[number], size_bytes=size_bytes)

    def fio_on(self, agent: Agent) -> str:
        """The name or path of the load engine on an agent's host."""
        return agent.place.remote.fio or self.job.provider.fio

    def storage_numbers(self) -> list[int]:
        """The numbers of the targets that are storage: all but the null engine."""
        return [
            number
            for number, target in enumerate(self.targets())
            if target.kind is not TargetKind.NULL
        ]

    def present(self) -> list[Agent]:
        """The agents that the run still has."""
        return [agent for agent in self.agents if agent.name not in self.lost]

    def observing_agents(self) -> list[Agent]:
        """The agents on the observed hosts, which run no fio."""
        return [observer.agent for observer in self.observers]

    def planned_agents_of(self, step: Step) -> list[Agent]:
        """The agents that a step is for: the first ones."""
        return self.agents[: step.agents]

    def agents_of(self, step: Step) -> list[Agent]:
        """The agents that take part in a step: those that it is for, but for the lost ones."""
        return [agent for agent in self.planned_agents_of(step) if agent.name not in self.lost]

    def numbers_of_side(self, name: str) -> list[int]:
        """The numbers of one side's targets."""
        first = 0
        for side in self.job.sides:
            if side.name == name:
                return list(range(first, first + len(side.targets)))
            first += len(side.targets)
        raise KeyError(name)
