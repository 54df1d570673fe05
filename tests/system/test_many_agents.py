"""A dozen agents behind two real sshd, each with a fio that replays what a real one printed."""

from __future__ import annotations

import importlib.util
import json
import sys

from system.conftest import TREE
from system.leftovers import processes_of
from tools.sshd import Sshd, require_sshd

from storperf.store.intervals import read_intervals

BENCHES = TREE / "benches"
AGENTS, SECONDS = 12, 5
FIO = """#!/bin/sh
case " $* " in
*" --version "*) echo fio-3.33; exit ;;
*" --enghelp "*) echo Engines:; echo libaio; echo psync; exit ;;
*" --parse-only "*) exit ;;
esac
exec {python} -ISE {replay} {recording} {length} "$@"
"""


def write_recording(path, seconds):
    """By the benches' own hand; the length of a document, and the documents."""
    spec = importlib.util.spec_from_file_location("recording", BENCHES / "recording.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    length = module.write_recording(path, seconds)
    text = path.read_text()
    return length, [json.loads(text[at : at + length]) for at in range(0, len(text), length)]


def recorded_ios(documents, op):
    """What the counters of a direction grew by in each second."""
    totals = [document["jobs"][0][op]["total_ios"] for document in documents]
    return [now - before for before, now in zip([0, *totals], totals, strict=False)]


def hosts_behind(servers, folder):
    """Hosts that differ by their folders; every server has as many of them."""
    for number in range(AGENTS):
        server, own = servers[number % len(servers)], folder / f"host-{number}"
        (own / "data").mkdir(parents=True)
        yield {
            "name": own.name,
            "address": server.address,
            "port": server.port,
            "user": server.user,
            "key": str(server.client_key),
            "host_key": server.host_key,
            "folder": str(own / "agent"),
            "target": {"directory": str(own / "data")},
        }


def test_every_interval_of_many_agents_arrives_once_and_in_order(storperf):
    require_sshd()
    length, documents = write_recording(storperf.top / "recording", SECONDS)
    fio = storperf.top / "fio"
    fio.write_text(
        FIO.format(
            python=sys.executable,
            replay=BENCHES / "replay_fio.py",
            recording=storperf.top / "recording",
            length=length,
        )
    )
    fio.chmod(0o755)
    servers = [Sshd(storperf.top / f"sshd-{number}") for number in range(2)]
    try:
        hosts = list(hosts_behind(servers, storperf.top / "hosts"))
        job = storperf.job(
            target={"directory": "/nowhere", "size": "1M"},
            workloads=[{"name": "mixed", "rw": "randrw"}],
            matrix={"queue_depth": 1, "agents": [AGENTS]},
            duration=f"{SECONDS}s",
            precondition={"fill": False},
            limits=None,
            provider={"kind": "ssh", "fio": str(fio), "hosts": hosts},
        )
        ended = storperf("run", job, "--json")
    finally:
        for server in servers:
            server.end()
    # Nobody filled what would be read: not a pass, and every figure is there all the same.
    assert ended.exit_code == 3, ended
    run, (trial,) = ended.json["run"]["id"], ended.trials
    table, _, _ = read_intervals(storperf.run_folder(run) / f"intervals/{trial['id']}.1.zip")
    assert len(table.agents) == AGENTS
    assert len(table) == AGENTS * SECONDS * 2
    for number, name in enumerate(table.agents):
        for op, word in enumerate(("read", "write")):
            rows = (table.agent == number) & (table.op == op)
            assert table.index[rows].tolist() == list(range(SECONDS)), name
            assert table.ios[rows].tolist() == recorded_ios(documents, word), name
    assert [words for words in processes_of(storperf.top).values() if "agent-" in words] == []
