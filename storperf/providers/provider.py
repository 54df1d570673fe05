"""The seam between the engine and what hands out agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from storperf.model.host import HostTarget
from storperf.model.job import LEASE_S, REFERENCE, Job, Side
from storperf.model.run import LedgerEntry
from storperf.model.target import Target, TargetKind
from storperf.remote.seam import Remote

# An agent on this machine is there, or it is not.
PATIENCE_S = 7.0
# What a host may have under another name; the others are the same from everywhere.
_ON_A_HOST = (TargetKind.DIRECTORY, TargetKind.DEVICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPlace:
    """Where an agent is: its name in results, and how to reach it.

    `attach_s` is how long bringing the agent there may take; `patience_s` how long a lost one is
    sought before it is given up; `lease_s` how long it goes on without a manager, `call_s` how
    long a command may take to be answered.  `target` and `reference` replace path and serial of
    the job's sides on this host; `found` does so for every target of every side, by number.
    With `leaves` the agent itself goes from the host with the run; with `vanishes` the host does.
    `fault` is why there is no such agent: the run goes on without it.
    """

    name: str
    remote: Remote
    attach_s: float = 60.0
    patience_s: float = PATIENCE_S
    lease_s: float = LEASE_S
    call_s: float = 120.0
    target: HostTarget | None = None
    reference: HostTarget | None = None
    found: tuple[HostTarget, ...] = ()
    leaves: bool = False
    vanishes: bool = False
    fault: str | None = None

    def targets(self, job: Job) -> list[Target]:
        """Every target of every side as it is called on this host, by number."""
        every = [(side.name, target) for side in job.sides for target in side.targets]
        if not self.found:
            return [self._place(side, target) for side, target in every]
        return [
            target if own.path == "" else replace(target, path=own.path, serial=own.serial)
            for (_, target), own in zip(every, self.found, strict=True)
        ]

    def _place(self, side: str, target: Target) -> Target:
        own = self.reference if side == REFERENCE else self.target
        if own is None or target.kind not in _ON_A_HOST:
            return target
        return replace(target, path=own.path, serial=own.serial or target.serial)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """For which run agents are wanted, and what a provider may ask of its manager meanwhile.

    `folder` is the run's own, for what must be there after the manager has died.  `agents` is
    how many are wanted by now; without `creates` only what is there already is handed out.
    `tell` a line to who waits; `wait` so many seconds: True when the end is asked for; `note`
    facts of the run.
    """

    run_id: str
    folder: Path
    agents: int
    tell: Callable[[str], None]
    wait: Callable[[float], bool]
    note: Callable[[Mapping[str, object]], None]
    creates: bool = True


class Provider(Protocol):
    """Hands out agents, and takes them back.

    `ledger` comes first: what it names is written down before `acquire` makes anything.
    Whoever was asked to `acquire` is asked to `release` at the end, however the run ended.
    """

    def ledger(self, run_id: str, job: Job) -> tuple[LedgerEntry, ...]:
        """What a run will create, by name, before it does."""

    def acquire(self, job: Job, errand: Errand) -> tuple[AgentPlace, ...]:
        """The agents in the order of their names; asking again gives the same.

        Hosts that exist already are not reached; others are made, and answer.
        """

    def release(self, job: Job, errand: Errand) -> list[str]:
        """Take away what was made; what could not be, by name.  Again is the same as once."""

    def vanishes(self, job: Job) -> bool:
        """Whether the hosts go with `release`, so that nothing need be removed from them."""


def target_entries(run_id: str, place: AgentPlace, job: Job) -> tuple[LedgerEntry, ...]:
    """The ledger's lines for the targets of one agent."""
    return tuple(
        LedgerEntry(
            name=f"{run_id}/{place.name}/{side.name}/target-{index}",
            kind=f"{target.kind}-target",
            where=target.path,
        )
        for (side, index), target in zip(_numbers(job), place.targets(job), strict=True)
    )


def _numbers(job: Job) -> list[tuple[Side, int]]:
    return [(side, index) for side in job.sides for index in range(len(side.targets))]
