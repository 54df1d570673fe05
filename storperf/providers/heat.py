"""The provider `heat`: agents that are made for a run in an OpenStack cloud, and go with it."""

from __future__ import annotations

import getpass
import logging
import socket
import threading
import time
from collections.abc import Callable
from importlib import resources
from typing import Any

import yaml

from storperf.deadline import Deadline
from storperf.errors import CloudError, InfrastructureError, UsageError
from storperf.heat.cloud_config import render_cloud_config
from storperf.heat.template import (
    AgentPart,
    Marks,
    Template,
    files_of,
    make_template,
    volume_names,
)
from storperf.model.host import HostTarget, SshHost
from storperf.model.job import Job
from storperf.model.run import LedgerEntry
from storperf.model.stack import OnPartial, Stack
from storperf.providers.heat_facts import (
    address_of,
    cloud_facts,
    fetch_servers,
    fetch_volumes,
    manager_address,
    server_facts,
    volume_facts,
)
from storperf.providers.heat_ready import Access, Ready, Wanted, login_of, make_ready
from storperf.providers.heat_stack import StackLife
from storperf.providers.heat_state import StackState, find_state, make_state
from storperf.providers.openstack_session import Cloud, open_cloud
from storperf.providers.provider import AgentPlace, Errand, target_entries
from storperf.providers.ssh import agent_name, fio_binary, patience_s
from storperf.remote.connection import WIDTH
from storperf.remote.ssh import SshRemote, agent_root
from storperf.remote.staging import DEFAULT_FOLDER
from storperf.settings import Settings

log = logging.getLogger(__name__)

Body = dict[str, Any]
MakeReady = Callable[..., dict[str, Ready]]

# The agent comes over a network of the cloud; a package manager loads its lists first.
_ATTACH_S = 180.0
_INSTALL_S = 900.0


class HeatProvider:
    """Hands out agents of a stack of the run's own.

    `ready` makes servers into agents; tests whose servers are none give another.
    """

    def __init__(self, settings: Settings, ready: MakeReady = make_ready) -> None:
        self._settings = settings
        self._ready = ready
        self._gates: dict[str, threading.BoundedSemaphore] = {}

    def ledger(self, run_id: str, job: Job) -> tuple[LedgerEntry, ...]:
        """The stack by its name, then its agents with their targets."""
        stack, name = wish(job), stack_name(run_id, job)
        entries = [
            LedgerEntry(name=f"{run_id}/stack", kind="stack", where=f"{stack.cloud or ''}/{name}")
        ]
        for number in range(1, max(job.matrix.agents) + 1):
            agent = agent_name(number)
            root = agent_root(DEFAULT_FOLDER, agent, is_root=stack.user != "root")
            where = f"{name}-{agent}:{root}/runs/{run_id}"
            entries.append(LedgerEntry(name=f"{run_id}/{agent}", kind="agent", where=where))
            place = AgentPlace(name=agent, remote=self._remote(job, agent, None, None))
            entries += target_entries(run_id, place, job)
        return tuple(entries)

    def acquire(self, job: Job, errand: Errand) -> tuple[AgentPlace, ...]:
        """The stack made, or made larger, or found as it is; its agents made ready."""
        stack, cloud = wish(job), self._cloud(job)
        state = find_state(errand.folder)
        if state is None and not errand.creates:
            return ()
        if state is None:
            expires_s = time.time() + stack.lifetime_s
            state = make_state(errand.folder, stack_name(errand.run_id, job), expires_s)
        life = StackLife(cloud, state.name, state.token, errand)
        found = life.find()
        if found is None and not errand.creates:
            return ()
        template = self._template(job, errand, state, cloud)
        found = self._brought_up(life, found, template, errand, job)
        return self._handed_out(job, errand, state, life, found, template, cloud)

    def release(self, job: Job, errand: Errand) -> list[str]:
        """Delete the stack, unless it is to be kept; its keys go with it."""
        stack = wish(job)
        state = find_state(errand.folder)
        if state is None:
            return []
        if stack.keep:
            errand.tell(f"the stack {state.name} is kept; storperf cleanup deletes it")
            return []
        life = StackLife(self._cloud(job), state.name, state.token, errand)
        left = life.delete(Deadline.after(stack.delete_s))
        if not left:
            state.forget()
        return left

    def vanishes(self, job: Job) -> bool:
        """Whether the stack is deleted at the end, and its servers with it."""
        return not wish(job).keep

    # --- in detail ---------------------------------------------------------------------------

    def _cloud(self, job: Job) -> Cloud:
        return open_cloud(self._settings, wish(job).cloud)

    def _template(self, job: Job, errand: Errand, state: StackState, cloud: Cloud) -> Template:
        stack = wish(job)
        if state.manager is None:
            state.manager = manager_address(cloud, stack)
        count = max(errand.agents, len(state.agents))
        names = [agent_name(number) for number in range(1, count + 1)]
        parts = [
            AgentPart(
                name=name,
                user_data=render_cloud_config(
                    stack.user, state.public_key, state.keys_of(name).first, stack.cloud_config
                ),
            )
            for name in names
        ]
        state.save()
        return make_template(
            load_files(stack),
            job,
            stack,
            parts,
            name=state.name,
            marks=marks(errand.run_id, state.expires_s),
            public_key=state.public_key,
            manager=state.manager,
        )

    def _brought_up(
        self,
        life: StackLife,
        found: Body | None,
        template: Template,
        errand: Errand,
        job: Job,
    ) -> Body:
        """The stack as Heat leaves it; CloudError with every reason when it is not whole."""
        stack = wish(job)
        deadline = Deadline.after(stack.create_s)
        if found is None:
            tags = (*marks(errand.run_id, 0.0).tags[:3], *stack.tags)
            errand.tell(f"creating the stack {life.name}: {errand.agents} agents")
            found = life.create(template, tags, stack.create_s)
        found = life.wait(found, template, deadline)
        missing = set(template.body["resources"]) - set(life.resources(found))
        if missing and found["stack_status"].endswith("_COMPLETE"):
            errand.tell(f"making the stack {life.name} larger: {errand.agents} agents")
            life.update(found, template, stack.create_s)
            found = life.wait(found, template, deadline)
        if found["stack_status"].endswith("_COMPLETE") or stack.on_partial is OnPartial.GO_ON:
            return found
        why = "; ".join(life.why_failed(found))
        raise CloudError(f"the stack {life.name} is {found['stack_status']}: {why}")

    def _handed_out(  # noqa: PLR0913, PLR0917 - what is known of a stack
        self,
        job: Job,
        errand: Errand,
        state: StackState,
        life: StackLife,
        found: Body,
        template: Template,
        cloud: Cloud,
    ) -> tuple[AgentPlace, ...]:
        stack = wish(job)
        listed = life.resources(found)
        names = [agent_name(number) for number in range(1, errand.agents + 1)]
        faults = {name: fault for name in names if (fault := _fault(listed, job, name))}
        servers = fetch_servers(cloud, state.name, {_id(listed, name) for name in names})
        wanted = [
            _wanted(job, state, name, listed, servers[_id(listed, name)])
            for name in names
            if name not in faults and _id(listed, name) in servers
        ]
        access = Access(
            user=stack.user,
            key_file=state.key_file,
            save=state.save,
            needs_fio=not (job.provider.install_fio or job.provider.fio_binary)
            and job.provider.fio == "fio",
        )
        ready = self._ready(
            wanted, access, Deadline.after(stack.ready_s), tell=errand.tell, wait=errand.wait
        )
        faults |= {name: each.fault.message for name, each in ready.items() if each.fault}
        faults |= {name: "its server is gone" for name in names if name not in {*faults, *ready}}
        if faults and (stack.on_partial is OnPartial.FAIL or len(faults) == len(names)):
            raise InfrastructureError("; ".join(faults[name] for name in sorted(faults)))
        self._note(errand, job, cloud, template, found, listed, servers)
        return tuple(
            AgentPlace(
                name=name,
                remote=self._remote(job, name, state, _named(wanted, name)),
                attach_s=_INSTALL_S if job.provider.install_fio else _ATTACH_S,
                patience_s=patience_s(job),
                lease_s=job.provider.lease_s,
                found=_found(ready.get(name)),
                leaves=job.provider.remove_agent,
                vanishes=not stack.keep,
                fault=faults.get(name),
            )
            for name in names
        )

    def _remote(
        self, job: Job, name: str, state: StackState | None, wanted: Wanted | None
    ) -> SshRemote:
        """The way to an agent; one that did not come up is reached by nobody."""
        stack = wish(job)
        address = "host.invalid" if wanted is None else wanted.address
        host = SshHost(address=address, name=name, user=stack.user, sudo=stack.user != "root")

        def login() -> Any:
            if wanted is None or state is None:
                raise InfrastructureError(f"{name} did not come up")
            pinned = wanted.keys.second or wanted.keys.first.public
            access = Access(
                user=stack.user, key_file=state.key_file, save=state.save, needs_fio=False
            )
            return login_of(wanted, access, pinned)

        return SshRemote(
            host,
            login=login,
            gate=self._gates.setdefault(address, threading.BoundedSemaphore(WIDTH)),
            fio=job.provider.fio,
            binary=None if wanted is None else fio_binary(job.provider.fio_binary),
            installs_fio=job.provider.install_fio,
            place=name,
        )

    @staticmethod
    def _note(  # noqa: PLR0913, PLR0917 - what is known of a stack
        errand: Errand,
        job: Job,
        cloud: Cloud,
        template: Template,
        found: Body,
        listed: dict[str, Body],
        servers: dict[str, Body],
    ) -> None:
        """Keep with the run what it was that night."""
        names = [agent_name(number) for number in range(1, errand.agents + 1)]
        of_agents = {name: [each for each in volume_names(job, name) if each] for name in names}
        ids = {_id(listed, each) for every in of_agents.values() for each in every}
        volumes = fetch_volumes(cloud, ids)
        agents = {
            name: {
                **server_facts(servers[_id(listed, name)]),
                "volumes": [
                    volume_facts(volumes[_id(listed, each)])
                    for each in of_agents[name]
                    if _id(listed, each) in volumes
                ],
            }
            for name in names
            if _id(listed, name) in servers
        }
        facts = {
            "name": found["stack_name"],
            "id": found["id"],
            "template_sha256": template.digest,
            **cloud_facts(cloud, servers),
            "agents": agents,
        }
        errand.note({"stack": facts})


def wish(job: Job) -> Stack:
    """What the job's stack is to be; UsageError when it says nothing."""
    if job.provider.stack is None:
        raise UsageError("provider.kind heat needs a `stack`: image, flavor and network")
    return job.provider.stack


def stack_name(run_id: str, job: Job) -> str:
    """The stack's name, known before it is made."""
    return wish(job).name or f"storperf-{run_id}"


def marks(run_id: str, expires_s: float) -> Marks:
    """Whose things are, for people and for `storperf cleanup`."""
    owner = f"{getpass.getuser()}@{socket.gethostname()}".replace(",", "-")[:60]
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires_s))
    return Marks(run=run_id, owner=owner, expires=expires)


def load_files(stack: Stack) -> list[Body]:
    """The HOT files of a stack, as data."""
    try:
        folder = resources.files("storperf.heat_templates")
    except ModuleNotFoundError:
        # A tree that is not installed has them beside the package.
        folder = resources.files("storperf").joinpath("..", "heat_templates")
    return [yaml.safe_load(folder.joinpath(name).read_text("utf-8")) for name in files_of(stack)]


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


def _wanted(
    job: Job, state: StackState, name: str, listed: dict[str, Body], server: Body
) -> Wanted:
    targets = [target for side in job.sides for target in side.targets]
    return Wanted(
        name=name,
        address=address_of(server) or "host.invalid",
        keys=state.keys_of(name),
        volumes=tuple(
            ("", 0) if target.volume is None else (_id(listed, volume), target.volume.size_bytes)
            for volume, target in zip(volume_names(job, name), targets, strict=True)
        ),
    )


def _named(wanted: list[Wanted], name: str) -> Wanted | None:
    return next((each for each in wanted if each.name == name), None)


def _found(ready: Ready | None) -> tuple[HostTarget, ...]:
    if ready is None or ready.fault is not None:
        return ()
    return ready.targets
