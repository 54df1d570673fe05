"""Asks hosts what they have to measure with, by agents that leave nothing there."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from storperf.agent.steady_clock import SteadyClock
from storperf.engine import fanout
from storperf.engine.agents import Agent, make_agent
from storperf.engine.clocks import measure_offset
from storperf.errors import HostKeyRefused, StorperfError
from storperf.fio.version import version_fault
from storperf.model.host import HostCheck, SshHost
from storperf.providers.provider import AgentPlace
from storperf.providers.ssh import SshProvider, agent_name
from storperf.remote.pack import build_agent
from storperf.settings import Settings

_FIO = "fio"


def check_hosts(hosts: Sequence[SshHost], settings: Settings) -> tuple[HostCheck, ...]:
    """One answer a host, in their order; what is wrong with one is no matter of the others."""
    provider, package = SshProvider(settings), build_agent()
    run = f"check-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(prefix="storperf-check-") as folder:
        agents = []
        for number, host in enumerate(hosts, start=1):
            name = agent_name(number)
            place = AgentPlace(name=name, remote=provider.remote(host, place=name))
            agents.append(make_agent(run, place, package, Path(folder)))
        by_agent = dict(zip(agents, hosts, strict=True))
        return tuple(fanout.for_each(agents, lambda agent: _check(agent, by_agent[agent])))


def _check(agent: Agent, host: SshHost) -> HostCheck:
    found = HostCheck(host=host.name or host.address, address=host.address, host_key="known")
    epoch = SteadyClock(time.monotonic, time.time).epoch_s
    try:
        agent.attach()
        try:
            clock = measure_offset(agent, epoch)
            targets = [asdict(each) for each in (host.target, host.reference) if each is not None]
            facts = agent.call("survey", fio=_FIO, targets=targets)["facts"]
        finally:
            agent.forget(keep=False)
    except HostKeyRefused as error:
        return replace(found, host_key="refused", fault=error.message)
    except StorperfError as error:
        seen = "known" if agent.was_reached else "not_seen"
        return replace(found, host_key=seen, fault=error.message)
    finally:
        agent.leave()
        agent.journal.close()
    return replace(
        found,
        lacks=tuple(_lacks(facts)),
        clock_offset_s=clock.offset_s,
        clock_uncertainty_s=clock.uncertainty_s,
        facts=facts,
    )


def _lacks(facts: dict[str, Any]) -> list[str]:
    found = facts["fio"]
    fault = found.get("error") or version_fault(found["version"])
    lacks = [] if fault is None else [f"no usable fio: {fault}"]
    faults = [(target["path"], target.get("fault")) for target in facts["targets"]]
    return [*lacks, *(f"no target at {path}: {why}" for path, why in faults if why)]
