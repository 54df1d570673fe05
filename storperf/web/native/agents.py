"""The hosts of agents: what runs have seen of them, and what a look at them now says."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from storperf import hosts
from storperf.errors import UnknownName
from storperf.jobfile.places import HERE
from storperf.model.run import Run
from storperf.web.callers import Reader, Runner
from storperf.web.native.parameters import MaybeJob, MaybeLab, Name
from storperf.web.native.reply import reply
from storperf.web.served import ServedBy

router = APIRouter(tags=["agents"])

_ENVIRONMENT = "environment."


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSeen:
    """A host that agents were on: the newest run that had it, and its facts then.

    `runs` counts those that were looked through.
    """

    host: str
    agent: str
    last_run: str
    last_s: float
    runs: int
    facts: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsDocument:
    """Hosts of the newest runs' agents, the latest used first; `providers` can be checked."""

    schema: Literal["storperf-hosts/1"] = "storperf-hosts/1"
    hosts: tuple[HostSeen, ...]
    providers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedHost:
    """One host as `storperf agent check` tells of it."""

    host: str
    address: str
    host_key: str
    fault: str | None
    lacks: tuple[str, ...]
    clock_offset_s: float | None
    clock_uncertainty_s: float | None
    facts: dict[str, Any]
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDocument:
    """Whether agents can run on each host, and what it has to measure with."""

    schema: Literal["storperf-agent-check/1"] = "storperf-agent-check/1"
    hosts: tuple[CheckedHost, ...]


@router.get("/agents", response_model=HostsDocument)
def list_hosts(
    _caller: Reader,
    by: ServedBy,
    job: MaybeJob = None,
    lab: MaybeLab = None,
    limit: Annotated[int, Query(ge=1, le=500, description="Look through so many runs.")] = 100,
) -> Response:
    """List the hosts that agents of the newest runs were on, with what was found there."""
    seen: dict[str, HostSeen] = {}
    for run in by.store.find_runs(job=job, lab=lab, limit=limit):
        for host in {each.host: each for each in _hosts_of(run)}.values():
            newest = seen.get(host.host, host)
            runs = newest.runs + (newest.last_run != run.id)
            seen[host.host] = replace(newest, runs=runs)
    names = tuple(sorted({HERE, *by.configuration.places.providers}))
    return reply(HostsDocument(hosts=tuple(seen.values()), providers=names))


@router.post("/agents/{provider}/check", response_model=CheckDocument)
def check_hosts(_caller: Runner, by: ServedBy, provider: Name) -> Response:
    """Look at the hosts of a provider that the server's configuration names, as they are now.

    Nothing is changed there.  A host that does not answer takes its time.
    """
    known = by.configuration.places.providers
    if provider not in known:
        names = ", ".join(sorted(known)) or "none"
        raise UnknownName(f"the configuration names no provider {provider}; it has {names}")
    found = hosts.check_provider(by.settings, provider, known[provider])
    checked = tuple(CheckedHost(**asdict(each), exit_code=int(each.exit_code)) for each in found)
    return reply(CheckDocument(hosts=checked))


def _hosts_of(run: Run) -> list[HostSeen]:
    """The hosts of one run's agents, by the name that each gives itself."""
    found = []
    for name, facts in run.facts.items():
        if not name.startswith(_ENVIRONMENT) or not isinstance(facts, dict):
            continue
        host = facts.get("host")
        if isinstance(host, dict):
            agent = name.removeprefix(_ENVIRONMENT)
            found.append(
                HostSeen(
                    host=str(host.get("host", agent)),
                    agent=agent,
                    last_run=run.id,
                    last_s=run.created_s,
                    runs=1,
                    facts=facts,
                )
            )
    return found
