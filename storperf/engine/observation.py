"""The hosts of `observe` over a run, and what they tell of each trial."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from storperf.deadline import Deadline
from storperf.engine.agents import make_agent
from storperf.engine.context import RunContext
from storperf.engine.observer import Observer, Watching
from storperf.engine.records import Record
from storperf.errors import AgentLost
from storperf.model.probe import Probe, ProbeHosts
from storperf.model.run import Trial
from storperf.providers.provider import Provider
from storperf.remote.pack import build_agent

KIND = "observer"
# For the first answer of a host that is there; one that is not is told, and not waited for.
_ATTACH_S = 15.0
_SETTLE_S = 5.0
_LOOK_S = 0.02


def observe(context: RunContext) -> None:
    """Attach to the observed hosts; one that does not answer is told, and sought on.

    What no second try mends (an unknown host key, a password that is not there) raises: it is a
    mistake in the job, and nothing has been measured yet.
    """
    if context.observers or context.observed is None or not context.job.observe:
        return
    for entry in context.observed.ledger(context.run_id, context.job):
        context.store.ledger_add(context.run_id, entry)
    _make(context, context.observed)
    patience = Deadline.after(_ATTACH_S)
    while waited := [each for each in context.observers if not each.is_attached and not each.fault]:
        if patience.is_over or context.cancel.is_requested:
            break
        for observer in waited:
            observer.turn()
            observer.wait(_LOOK_S)
    for observer in context.observers:
        if observer.fault is not None and not isinstance(observer.fault, AgentLost):
            raise observer.fault
        _tell_host(context, observer)


def _make(context: RunContext, provider: Provider) -> None:
    package = build_agent()
    folder = context.store.journals_folder(context.run_id)
    for place in provider.acquire(context.job, context.errand(0)):
        agent = make_agent(context.run_id, place, package, folder)
        context.observers.append(Observer(agent, context.epoch))


def _tell_host(context: RunContext, observer: Observer) -> None:
    facts: dict[str, object] = {"is_observed": True, "host": observer.host_facts}
    if observer.host_facts is None:
        facts["fault"] = why_lost(observer)
        context.announce.note(f"{observer.name} is not observed yet: {facts['fault']}")
    context.store.set_run_facts(context.run_id, {f"environment.{observer.name}": facts})


def why_lost(observer: Observer) -> str:
    """Why there is nothing of it, in words."""
    return "it does not answer" if observer.fault is None else observer.fault.message


def give_back(context: RunContext) -> list[str]:
    """End the agents on the observed hosts; what is left there, which is no fault of the run."""
    entries = [e for e in context.store.ledger(context.run_id) if e.kind == KIND and not e.released]
    if not context.observers and entries and context.observed is not None:
        _make(context, context.observed)
        for observer in context.observers:
            # Its ledger says that it was to be: of a run that died early nobody knows more.
            observer.agent.was_reached = True
    left: list[str] = []
    for observer in context.observers:
        found = observer.give_back()
        left += found
        if not found:
            for entry in entries:
                if entry.name == f"{context.run_id}/{observer.name}":
                    context.store.ledger_release(context.run_id, entry.name)
    context.observers.clear()
    if left:
        context.announce.note("; ".join(left))
    return left


def requests(probes: Iterable[Probe], *, is_observed: bool) -> tuple[dict[str, Any], ...]:
    """The probes that run on an agent, or on an observed host, as the agent reads them."""
    elsewhere = ProbeHosts.AGENTS if is_observed else ProbeHosts.OBSERVE
    return tuple(
        {
            "name": probe.name,
            "argv": list(probe.argv),
            "pattern": probe.pattern,
            "timeout_s": probe.timeout_s,
            "every_s": probe.every_s,
            "for_s": probe.for_s,
            "each_s": probe.each_s,
        }
        for probe in probes
        if probe.hosts is not elsewhere
    )


class Observation:
    """One trial as the observed hosts see it.  `turn` belongs into the loop that waits for it."""

    def __init__(self, context: RunContext, trial: Trial) -> None:
        self._context = context
        self._met: set[str] = set()
        self._watching = Watching(
            trial=trial.id,
            attempt=trial.attempt,
            sensors_every_s=context.job.sensors.interval_s,
            processes=context.job.sensors.processes,
            probes=requests(context.job.probes, is_observed=True),
        )

    def begin(self) -> None:
        """Have the hosts sampled from now on; a moment for those that answer."""
        self._want(self._watching, waits_for=self._attached())

    def end(self) -> None:
        """Have it ended, and hear what they found last.

        One that was lost in this very trial gets a moment to come back: its journal has it all.
        """
        self._want(None, waits_for=self._met | self._attached())

    def turn(self) -> None:
        """Pass on what came."""
        self._met |= self._attached()
        for observer in self._context.observers:
            for record in observer.turn():
                offset_s = 0.0 if observer.offset is None else observer.offset.applied_s
                hear(self._context, observer.name, record, offset_s)

    def clocks(self) -> dict[str, dict[str, float]]:
        """What the hosts' clocks say, as `together.clock_facts` has it for agents."""
        return {
            observer.name: {
                "offset_s": offset.offset_s,
                "uncertainty_s": offset.uncertainty_s,
                "applied_s": offset.applied_s,
            }
            for observer in self._context.observers
            if (offset := observer.offset) is not None
        }

    def _attached(self) -> set[str]:
        return {each.name for each in self._context.observers if each.is_attached}

    def _want(self, watching: Watching | None, *, waits_for: set[str]) -> None:
        for observer in self._context.observers:
            observer.want(watching)
        patience = Deadline.after(_SETTLE_S)
        self.turn()
        while waited := [
            each
            for each in self._context.observers
            if each.name in waits_for and not (each.is_attached and each.is_settled)
        ]:
            if patience.is_over:
                return
            for observer in waited:
                observer.wait(_LOOK_S)
            self.turn()


def hear(context: RunContext, name: str, record: Record, offset_s: float) -> None:
    """Pass a record of a trial on to the sink; tell of a probe that fails for the first time."""
    if context.telemetry is not None:
        context.telemetry.hear(name, record, offset_s)
    if record["kind"] == "probe_failed" and (name, record["probe"]) not in context.failed_probes:
        context.failed_probes.add((name, record["probe"]))
        context.announce.note(
            f"{name}: probe {record['probe']} gives no figures: {record['why']}; it goes on, and "
            "further failures are counted"
        )
