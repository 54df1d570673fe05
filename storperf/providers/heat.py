"""The provider `heat`: agents that are made for a run in an OpenStack cloud, and go with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storperf.deadline import Deadline
from storperf.errors import AgentLost, CloudError, InfrastructureError, UsageError
from storperf.heat.template import Template, volume_names
from storperf.model.host import SshHost
from storperf.model.job import Job
from storperf.model.run import LedgerEntry
from storperf.model.stack import EPHEMERAL_AT, OnPartial, Stack
from storperf.providers.heat_facts import (
    address_of,
    cloud_facts,
    fetch_servers,
    fetch_volumes,
    manager_address,
    server_facts,
    volume_facts,
)
from storperf.providers.heat_leftovers import delete_pieces
from storperf.providers.heat_ready import Access, Ready, Wanted, login_of, make_ready
from storperf.providers.heat_sending import agent_names, marks, stack_name, template_of, wish
from storperf.providers.heat_stack import StackLife
from storperf.providers.heat_state import StackState, find_state, make_state
from storperf.providers.openstack_session import Cloud, open_cloud
from storperf.providers.provider import AgentPlace, Errand, target_entries
from storperf.providers.ssh import fio_binary, patience_s
from storperf.remote.connection import WIDTH
from storperf.remote.ssh import SshRemote, agent_root
from storperf.remote.staging import DEFAULT_FOLDER
from storperf.settings import Settings

Body = dict[str, Any]
MakeReady = Callable[..., dict[str, Ready]]

# The agent comes over a network of the cloud; a package manager loads its lists first.
_ATTACH_S = 180.0
_INSTALL_S = 900.0
_NOWHERE = "host.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A run's stack and what there is to do with it."""

    job: Job
    errand: Errand
    stack: Stack
    cloud: Cloud
    state: StackState
    life: StackLife

    @property
    def names(self) -> list[str]:
        """The agents that are wanted."""
        return agent_names(self.errand.agents)

    def access(self) -> Access:
        """How its agents are logged in to."""
        provider = self.job.provider
        return Access(
            user=self.stack.user,
            key_file=self.state.key_file,
            save=self.state.save,
            needs_fio=not (provider.install_fio or provider.fio_binary) and provider.fio == "fio",
            ephemeral_at=EPHEMERAL_AT if self.stack.ephemeral_bytes else "",
        )


class HeatProvider:
    """Hands out agents of a stack of the run's own, or of one that was kept.

    `ready` makes servers into agents; tests whose servers are none give another.
    """

    def __init__(self, settings: Settings, ready: MakeReady = make_ready) -> None:
        self._settings = settings
        self._ready = ready
        self._gates: dict[str, threading.BoundedSemaphore] = {}

    def ledger(self, run_id: str, job: Job) -> tuple[LedgerEntry, ...]:
        """The stack by its name, unless it was kept by another run; its agents, their targets."""
        stack, name = wish(job), stack_name(run_id, job)
        entries = []
        if stack.attach is None:
            where = f"{stack.cloud}/{name}" if stack.cloud else name
            entries.append(LedgerEntry(name=f"{run_id}/stack", kind="stack", where=where))
        for agent in agent_names(max(job.matrix.agents)):
            root = agent_root(DEFAULT_FOLDER, agent, is_root=stack.user != "root")
            where = f"{name}-{agent}:{root}/runs/{run_id}"
            entries.append(LedgerEntry(name=f"{run_id}/{agent}", kind="agent", where=where))
            place = AgentPlace(name=agent, remote=self._remote(job, agent, None, None))
            entries += target_entries(run_id, place, job)
        return tuple(entries)

    def acquire(self, job: Job, errand: Errand) -> tuple[AgentPlace, ...]:
        """The stack made, or made larger, or found as it is; its agents made ready."""
        work = self._work(job, errand)
        if work is None:
            return ()
        found = work.life.find()
        if found is None and (not errand.creates or work.stack.attach):
            return ()
        state = work.state
        if state.manager is None:
            state.manager = manager_address(work.cloud, work.stack)
        count = max(errand.agents, len(state.agents))
        template = template_of(job, state, state.manager, count)
        state.save()
        found = _bring_up(work, found, template)
        return self._hand_out(work, found, template)

    def release(self, job: Job, errand: Errand) -> list[str]:
        """Delete the stack, unless it is to be kept; its keys go with it."""
        state = find_state(errand.folder)
        if state is None or wish(job).attach:
            return []
        if wish(job).keep:
            errand.tell(f"the stack {state.name} is kept; `storperf cleanup --kept` deletes it")
            return []
        cloud = open_cloud(self._settings, wish(job).cloud)
        life = StackLife(cloud, state.name, state.token, errand)
        deadline = Deadline.after(wish(job).delete_s)
        left = life.delete(deadline, wish(job).stall_s) or delete_pieces(
            cloud, state.run_id, deadline
        )
        if not left:
            state.forget()
        return left

    def vanishes(self, job: Job) -> bool:
        """Whether the stack is deleted at the end, and its servers with it."""
        return not (wish(job).keep or wish(job).attach)

    # --- in detail ---------------------------------------------------------------------------

    def _work(self, job: Job, errand: Errand) -> _Work | None:
        """What is known of the run's stack; None when it was never begun and is not to be."""
        stack = wish(job)
        if stack.attach:
            state = find_kept(self._settings.results, stack.attach)
            if state is None:
                raise UsageError(
                    f"this manager keeps no stack {stack.attach!r}; `storperf cleanup --dry-run` "
                    "lists those that are there"
                )
        else:
            state = find_state(errand.folder)
        if state is None and not errand.creates:
            return None
        if state is None:
            name, expires_s = stack_name(errand.run_id, job), time.time() + stack.lifetime_s
            state = make_state(errand.folder, errand.run_id, name, expires_s)
        cloud = open_cloud(self._settings, stack.cloud)
        return _Work(
            job=job,
            errand=errand,
            stack=stack,
            cloud=cloud,
            state=state,
            life=StackLife(cloud, state.name, state.token, errand),
        )

    def _hand_out(self, work: _Work, found: Body, template: Template) -> tuple[AgentPlace, ...]:
        """The agents that are wanted, each ready, or with the reason why there is none."""
        listed = work.life.resources(found)
        faults = {name: why for name in work.names if (why := _fault(listed, work.job, name))}
        ids = {_id(listed, name) for name in work.names}
        servers = fetch_servers(work.cloud, work.state.name, ids)
        wanted = {
            name: _wanted(work, name, listed, servers[_id(listed, name)])
            for name in work.names
            if name not in faults and _id(listed, name) in servers
        }
        ready = self._ready(
            list(wanted.values()),
            work.access(),
            Deadline.after(work.stack.ready_s),
            tell=work.errand.tell,
            wait=work.errand.wait,
        )
        faults |= {name: each.fault.message for name, each in ready.items() if each.fault}
        gone = {name: f"{name}: its server is gone" for name in {*work.names} - {*ready}}
        faults = gone | faults
        if faults and (work.stack.on_partial is OnPartial.FAIL or len(faults) == len(work.names)):
            told = [faults[name] for name in sorted(faults)] + _way_in(work, ready)
            raise InfrastructureError("; ".join(told))
        _note(work, found, template, listed, servers)
        return tuple(
            self._place(work, name, wanted.get(name), ready.get(name), faults.get(name))
            for name in work.names
        )

    def _place(
        self, work: _Work, name: str, wanted: Wanted | None, ready: Ready | None, fault: str | None
    ) -> AgentPlace:
        provider = work.job.provider
        return AgentPlace(
            name=name,
            remote=self._remote(work.job, name, wanted, work.access()),
            attach_s=_INSTALL_S if provider.install_fio else _ATTACH_S,
            patience_s=patience_s(work.job),
            lease_s=provider.lease_s,
            found=() if ready is None else ready.targets,
            leaves=provider.remove_agent,
            vanishes=self.vanishes(work.job),
            fault=fault,
        )

    def _remote(
        self, job: Job, name: str, wanted: Wanted | None, access: Access | None
    ) -> SshRemote:
        """The way to an agent; one that did not come up is reached by nobody."""
        user = wish(job).user
        address = _NOWHERE if wanted is None else wanted.address

        def login() -> Any:
            if wanted is None or access is None:
                raise InfrastructureError(f"{name} did not come up")
            return login_of(wanted, access, wanted.keys.second or wanted.keys.first.public)

        return SshRemote(
            SshHost(address=address, name=name, user=user, sudo=user != "root"),
            login=login,
            gate=self._gates.setdefault(address, threading.BoundedSemaphore(WIDTH)),
            fio=job.provider.fio,
            binary=None if wanted is None else fio_binary(job.provider.fio_binary),
            installs_fio=job.provider.install_fio,
            place=name,
        )


def find_kept(results: Path, name: str) -> StackState | None:
    """The state of a stack that a run of this manager kept."""
    for folder in sorted((results / "runs").glob("*/stack"), reverse=True):
        state = find_state(folder.parent)
        if state is not None and state.name == name:
            return state
    return None


def _bring_up(work: _Work, found: Body | None, template: Template) -> Body:
    """The stack as Heat leaves it; CloudError with every reason when it is not whole.

    Where the rest is to go on, Heat is asked once more: one failure keeps it from beginning others.
    """
    stack, life, tell = work.stack, work.life, work.errand.tell
    deadline = Deadline.after(stack.create_s)
    count = work.errand.agents
    if found is None:
        tags = (*marks(work.state.run_id, work.state.expires_s).tags, *stack.tags)
        tell(f"creating the stack {life.name}: {count} agents")
        found = life.create(template, tags, stack.create_s)
    found = life.wait(found, template, deadline, stack.stall_s)
    is_done = not found["stack_status"].endswith("_IN_PROGRESS")
    missing = set(template.body["resources"]) - set(life.resources(found)) if is_done else set()
    if missing and stack.attach:
        raise UsageError(
            f"the stack {life.name} has no {', '.join(sorted(missing))}; attach a job that asks "
            "for the same agents and volumes"
        )
    goes_on = stack.on_partial is OnPartial.GO_ON
    if missing or (goes_on and found["stack_status"].endswith("_FAILED")):
        tell(f"updating the stack {life.name}: {count} agents")
        life.update(found, template, stack.create_s)
        found = life.wait(found, template, deadline, stack.stall_s)
    if found["stack_status"].endswith("_COMPLETE") or goes_on:
        return found
    why = "; ".join(life.why_failed(found))
    raise CloudError(f"the stack {life.name} is {found['stack_status']}: {why}")


def _note(
    work: _Work,
    found: Body,
    template: Template,
    listed: dict[str, Body],
    servers: dict[str, Body],
) -> None:
    """Keep with the run what it was that night."""
    of_agents = {
        name: [_id(listed, each) for each in volume_names(work.job, name) if each]
        for name in work.names
    }
    volumes = fetch_volumes(work.cloud, {each for ids in of_agents.values() for each in ids})
    agents = {
        name: {
            **server_facts(servers[_id(listed, name)]),
            "volumes": [volume_facts(volumes[each]) for each in of_agents[name] if each in volumes],
        }
        for name in work.names
        if _id(listed, name) in servers
    }
    facts = {
        "name": found["stack_name"],
        "id": found["id"],
        "template_sha256": template.digest,
        **cloud_facts(work.cloud, servers),
        "agents": agents,
        "requests": dict(work.cloud.calls),
    }
    work.errand.note({"stack": facts})


def _way_in(work: _Work, ready: dict[str, Ready]) -> list[str]:
    """What to look at when not one server was ever reached."""
    if not ready or not all(isinstance(each.fault, AgentLost) for each in ready.values()):
        return []
    why = f"SSH is let in from {work.state.manager} alone; where this machine's address is "
    return [f"{why}translated on the way, say provider.stack.manager"]


def _id(listed: dict[str, Body], name: str) -> str:
    return str(listed.get(name, {}).get("physical_resource_id") or "")


def _fault(listed: dict[str, Body], job: Job, name: str) -> str | None:
    """Why an agent is not whole; None when Heat has made all of it."""
    volumes = [each for each in volume_names(job, name) if each]
    for part in (f"{name}-port", name, *volumes, *(f"{each}-attached" for each in volumes)):
        resource = listed.get(part, {"resource_status": "missing", "resource_status_reason": ""})
        if not resource["resource_status"].endswith("_COMPLETE"):
            why = resource["resource_status_reason"] or resource["resource_status"]
            return f"{name} did not come up: {part}: {why}"
    return None


def _wanted(work: _Work, name: str, listed: dict[str, Body], server: Body) -> Wanted:
    targets = [target for side in work.job.sides for target in side.targets]
    return Wanted(
        name=name,
        address=address_of(server) or _NOWHERE,
        keys=work.state.keys_of(name),
        volumes=tuple(
            ("", 0) if target.volume is None else (_id(listed, volume), target.volume.size_bytes)
            for volume, target in zip(volume_names(work.job, name), targets, strict=True)
        ),
    )
