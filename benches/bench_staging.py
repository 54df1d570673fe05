"""Bringing the agent to many hosts: storperf, a plain loop with paramiko, and asyncssh."""

from __future__ import annotations

import json
import random
import subprocess
import time
import venv
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from effort import Effort
from figure import BenchError, Figure
from noise import median_figure, ratio_figure
from servers import LoopbackHost, loopback_hosts

from storperf.deadline import Deadline
from storperf.engine import fanout
from storperf.engine.agents import make_agent
from storperf.model.host import SshHost
from storperf.providers.provider import AgentPlace
from storperf.providers.ssh import SshProvider
from storperf.remote.pack import AgentPackage, build_agent
from storperf.settings import read_settings

_HOSTS = 20
_SERVERS = 5
_WITHIN_S = 120.0
_PEER = Path(__file__).with_name("staging_asyncssh.py")
_PEER_PACKAGE = "asyncssh==2.24.1"

# Brings the agent to every host, into a folder of this name there.
Bring = Callable[[str], None]


def measure(effort: Effort) -> list[Figure]:
    """Twenty hosts in rounds of random order; each time everywhere into a new folder.

    All of them connect, make a folder, bring the file and start it once to see that it came
    whole.  storperf also looks for a Python, and compares the hash of the file that is there.
    """
    scratch = effort.scratch / "staging"
    package = build_agent()
    with (
        loopback_hosts(scratch / "hosts", _HOSTS, _SERVERS) as hosts,
        _asyncssh(scratch, hosts, package) as by_asyncssh,
    ):
        ways: dict[str, Bring] = {
            "ours": lambda folder: _bring(scratch, hosts, package, folder),
            "again": lambda folder: _bring(scratch, hosts, package, folder),
            "loop": lambda folder: _loop(hosts, package, folder),
        }
        if by_asyncssh is not None:
            ways["asyncssh"] = by_asyncssh
        took = _rounds(ways, effort.stagings)
    return _figures(took)


def _rounds(ways: dict[str, Bring], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way in each round; the first round of all is not counted."""
    took: dict[str, list[float]] = {name: [] for name in [*ways, "there"]}
    for number in range(rounds + 1):
        of_round = {}
        for name in random.sample(list(ways), len(ways)):
            of_round[name] = _took_s(ways[name], f"{name}-{number}")
        of_round["there"] = _took_s(ways["ours"], f"ours-{number}")
        if number:
            for name, seconds in of_round.items():
                took[name].append(seconds)
    return took


def _took_s(bring: Bring, folder: str) -> float:
    begun_s = time.perf_counter()
    bring(folder)
    return time.perf_counter() - begun_s


def _figures(took: dict[str, list[float]]) -> list[Figure]:
    where = f"{_HOSTS} hosts"
    ours, again = took["ours"], took["again"]
    figures = [
        median_figure(f"the agent brought to {where}", "s", ours),
        median_figure(f"{where} that have it already", "s", took["there"]),
        ratio_figure(f"{where}: a plain paramiko loop / storperf", took["loop"], ours, again),
    ]
    if "asyncssh" in took:
        name = f"{where}: asyncssh / storperf"
        figures.append(ratio_figure(name, took["asyncssh"], ours, again))
    return figures


# --- storperf --------------------------------------------------------------------------------


def _bring(
    scratch: Path, hosts: Sequence[LoopbackHost], package: AgentPackage, folder: str
) -> None:
    """As a run does, up to the point where it would attach."""
    provider = SshProvider(read_settings({"HOME": str(scratch)}, scratch))
    agents = [
        make_agent("bench", AgentPlace(name=host.name, remote=remote), package, scratch)
        for host in hosts
        for remote in [provider.remote(_ssh_host(host, folder), place=host.name)]
    ]
    fanout.for_each(
        agents, lambda each: each.place.remote.stage(package, Deadline.after(_WITHIN_S))
    )
    for agent in agents:
        agent.leave()
        agent.journal.close()


def _ssh_host(host: LoopbackHost, folder: str) -> SshHost:
    server = host.server
    return SshHost(
        name=host.name,
        address=server.address,
        port=server.port,
        user=server.user,
        key=str(server.client_key),
        host_key=server.host_key,
        folder=str(host.folder / folder),
    )


# --- a plain loop ----------------------------------------------------------------------------


def _loop(hosts: Sequence[LoopbackHost], package: AgentPackage, folder: str) -> None:
    """One host after the other, as a script would: connect, make a folder, put, start."""
    from paramiko import PKey, RejectPolicy, SSHClient

    for host in hosts:
        server, place = host.server, host.folder / folder
        kind, key = server.host_key.split()
        name = f"[{server.address}]:{server.port}"
        with closing(SSHClient()) as client:
            client.set_missing_host_key_policy(RejectPolicy())
            client.get_host_keys().add(name, kind, PKey.from_type_string(kind, b64decode(key)))
            client.connect(
                server.address,
                server.port,
                server.user,
                key_filename=str(server.client_key),
                allow_agent=False,
                look_for_keys=False,
            )
            with closing(client.open_sftp()) as sftp:
                sftp.mkdir(str(place), 0o700)
                with sftp.open(f"{place}/{package.file_name}", "wb") as sink:
                    sink.set_pipelined(pipelined=True)
                    sink.write(package.content)
            _, said, _ = client.exec_command(f"python3 {place}/{package.file_name} --version")
            said.read()
            if said.channel.recv_exit_status():
                raise BenchError(f"{host.name}: the agent does not start")


# --- asyncssh --------------------------------------------------------------------------------


@contextmanager
def _asyncssh(
    scratch: Path, hosts: Sequence[LoopbackHost], package: AgentPackage
) -> Iterator[Bring | None]:
    """asyncssh in an environment of its own, as a process that is told a folder each time.

    None, and a word on stderr, when it cannot be installed.
    """
    python = _install(scratch / "peer")
    if python is None:
        yield None
        return
    file = scratch / package.file_name
    file.write_bytes(package.content)
    places = scratch / "places.json"
    places.write_text(json.dumps([_place(host) for host in hosts]), encoding="utf-8")
    with subprocess.Popen(
        [python, _PEER, places, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as peer:

        def bring(folder: str) -> None:
            if peer.stdin is None or peer.stdout is None:
                raise BenchError("asyncssh has no pipes")
            peer.stdin.write(folder + "\n")
            peer.stdin.flush()
            if peer.stdout.readline() != "done\n":
                raise BenchError("asyncssh did not bring the agent there")

        yield bring
        peer.communicate("")


def _place(host: LoopbackHost) -> dict[str, object]:
    server = host.server
    return {
        "host": server.address,
        "port": server.port,
        "username": server.user,
        "key": str(server.client_key),
        "host_key": server.host_key,
        "folder": str(host.folder),
    }


def _install(folder: Path) -> Path | None:
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    argv = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        _PEER_PACKAGE,
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["pip says nothing"]
        print(f"      {_PEER_PACKAGE} cannot be installed, it is left out: {last[0]}", flush=True)
        return None
    return python
