"""What provider.py promises of whoever hands out agents."""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lab import openstack as lab
from tools.heat_server import HeatServer

from storperf.errors import UsageError
from storperf.jobfile.parse import parse_job
from storperf.model.host import HostTarget
from storperf.providers.heat import HeatProvider
from storperf.providers.heat_ready import Ready
from storperf.providers.provider import Errand
from storperf.providers.registry import PROVIDERS
from storperf.settings import read_settings

RUN = "20260101-000000-abcd"
TEXT = "name: n\ntarget: {directory: /data, size: 16M}\nworkloads: [rr]\n"


@dataclass(frozen=True)
class Member:
    """A provider, and a job for it; `has` is how many agents there are."""

    make: object
    provider: str
    has: int
    folder: Path
    told: list

    def errand(self, job, **more):
        return Errand(
            run_id=RUN,
            folder=self.folder,
            agents=max(job.matrix.agents),
            tell=self.told.append,
            wait=time.sleep,
            note=self.told.append,
            **more,
        )

    def job(self, **more):
        lines = [f"{key}: {text}\n" for key, text in more.items()]
        return parse_job(f"{TEXT}provider: {self.provider}\n{''.join(lines)}", source="x")


@pytest.fixture
def ears():
    """Sockets that hear whoever knocks; nobody answers."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]


def member_of(name, folder, ears):
    settings = read_settings({"HOME": str(folder)}, folder)
    hosts = ", ".join(
        f"{{address: 127.0.0.1, port: {ear.getsockname()[1]}, user: u, folder: /agents, "
        f"sudo: true, target: {{directory: /mnt/{number}}}}}"
        for number, ear in enumerate(ears)
    )
    keys = {"local": ("{kind: local}", 1), "ssh": (f"{{kind: ssh, hosts: [{hosts}]}}", 2)}
    provider, has = keys[name]
    return Member(lambda: PROVIDERS[name](settings), provider, has, folder / "run", [])


@contextlib.contextmanager
def heat_member(folder):
    """Servers that a small Heat makes; to make agents of them is no matter of the seam."""

    def ready(wanted, *_how, **_more):
        return {each.name: Ready(targets=(HostTarget(path=""),)) for each in wanted}

    with HeatServer() as heat:
        settings = read_settings({"HOME": str(folder), **heat.environment}, folder)
        stack = "{kind: heat, stack: {image: i, flavor: f, network: n}}"
        yield Member(lambda: HeatProvider(settings, ready), stack, 2, folder / "run", [])


@contextlib.contextmanager
def lab_member(folder):
    """The same of a real OpenStack, in a project of its own."""

    def ready(wanted, *_how, **_more):
        return {each.name: Ready(targets=(HostTarget(path=""),)) for each in wanted}

    with lab.project(instances=2) as login:
        settings = read_settings({"HOME": str(folder), **login}, folder)
        stack = "{image: lab-image, flavor: lab.small, network: lab-net, manager: 192.0.2.1/32}"
        provider = f"{{kind: heat, stack: {stack}}}"
        member = Member(lambda: HeatProvider(settings, ready), provider, 2, folder / "run", [])
        yield member
        job = member.job()
        assert member.make().release(job, member.errand(job, creates=False)) == []
        assert not any(lab.left_in(lab.cloud_of(login)).values())


@pytest.fixture(params=["local", "ssh"])
def existing(request, tmp_path, ears):
    """A provider of hosts that exist already."""
    return member_of(request.param, tmp_path, ears)


@pytest.fixture(
    params=[*PROVIDERS, pytest.param("lab", marks=[pytest.mark.openstack(2), pytest.mark.long_lab])]
)
def member(request, tmp_path, ears):
    clouds = {"heat": heat_member, "lab": lab_member}
    if request.param not in clouds:
        yield member_of(request.param, tmp_path, ears)
        return
    with clouds[request.param](tmp_path) as member:
        yield member


def test_the_ledger_is_known_before_anything_is_acquired_and_is_the_same_each_time(member):
    job = member.job()
    ledger = member.make().ledger(RUN, job)
    provider = member.make()
    provider.acquire(job, member.errand(job))
    assert provider.ledger(RUN, job) == provider.ledger(RUN, job) == ledger


def test_everything_in_the_ledger_has_a_name_of_its_own_that_begins_with_the_run_s(member):
    names = [entry.name for entry in member.make().ledger(RUN, member.job())]
    assert len(set(names)) == len(names)
    assert all(name.startswith(f"{RUN}/") for name in names)
    others = {entry.name for entry in member.make().ledger("another-run", member.job())}
    assert others.isdisjoint(names)


def test_the_ledger_has_each_agent_and_each_of_its_targets_where_it_will_be(member):
    job = member.job(matrix=f"{{agents: [{member.has}]}}")
    ledger = {entry.name: entry for entry in member.make().ledger(RUN, job)}
    places = member.make().acquire(job, member.errand(job))
    assert len(places) == member.has
    for place in places:
        agent = ledger.pop(f"{RUN}/{place.name}")
        assert agent.kind == "agent"
        assert f"runs/{RUN}" in agent.where
        (side,) = job.sides
        for number in range(len(side.targets)):
            entry = ledger.pop(f"{RUN}/{place.name}/{side.name}/target-{number}")
            assert entry.where == place.targets(job)[number].path
    # What is left in it is no agent's, but made for all of them.
    assert set(ledger) <= {f"{RUN}/stack"}


def test_releasing_twice_is_the_same_as_once_and_leaves_nothing(member):
    job = member.job()
    provider = member.make()
    provider.acquire(job, member.errand(job))
    for each in (provider, member.make()):
        assert each.release(job, member.errand(job, creates=False)) == []


def test_what_was_never_acquired_can_be_released(member):
    job = member.job()
    assert member.make().release(job, member.errand(job, creates=False)) == []


def test_agents_are_named_by_their_number_and_are_the_same_when_asked_again(member):
    job = member.job(matrix=f"{{agents: [{member.has}]}}")
    provider = member.make()
    names = [place.name for place in provider.acquire(job, member.errand(job))]
    assert names == [f"agent-{number:02}" for number in range(1, member.has + 1)]
    assert [place.name for place in provider.acquire(job, member.errand(job))] == names
    assert [place.name for place in member.make().acquire(job, member.errand(job))] == names


def test_no_more_agents_are_handed_out_than_the_widest_step_takes(member):
    job = member.job()
    assert len(member.make().acquire(job, member.errand(job))) == 1


def test_more_agents_than_there_are_is_a_usage_error(existing):
    member = existing
    job = member.job()
    wide = replace(job, matrix=replace(job.matrix, agents=(1, member.has + 1)))
    with pytest.raises(UsageError, match=r"matrix\.agents"):
        member.make().acquire(wide, member.errand(wide))


def test_nobody_is_reached_and_nothing_made(existing, ears, tmp_path):
    member = existing
    job = member.job(matrix=f"{{agents: [{member.has}]}}")
    provider = member.make()
    provider.ledger(RUN, job)
    for place in provider.acquire(job, member.errand(job)):
        place.remote.close()
    for ear in ears:
        ear.setblocking(False)
        with pytest.raises(BlockingIOError):
            ear.accept()
    assert list(tmp_path.iterdir()) == []


def test_what_runs_by_sudo_is_looked_for_in_root_s_folder(tmp_path):
    host = "{address: lab, sudo: true}"
    job = parse_job(f"{TEXT}provider: {{kind: ssh, hosts: [{host}]}}\n", source="x")
    agent, _ = PROVIDERS["ssh"](read_settings({}, tmp_path)).ledger(RUN, job)
    assert agent.where == f"lab:~/.local/state/storperf/agent/root/agent-01/runs/{RUN}"
