"""Asks an agent whether its host is fit to measure, and leaves nothing there."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from storperf.agent import frames, places
from storperf.deadline import Deadline
from storperf.doctor.judge import judge_fitness
from storperf.doctor.wanted import Wanted
from storperf.model.finding import Examination
from storperf.model.job import Target
from storperf.remote.client import AgentClient
from storperf.remote.journal_copy import JournalCopy
from storperf.remote.local import LocalRemote
from storperf.remote.pack import build_agent

# Long enough for a rate, short enough for a person who waits.
INTERVAL_S = 1.0
_RUN = "doctor"
# A supervisor whose manager was killed ends after so long.
_LEASE_S = 60.0
_CALL_S = 60.0
_GONE_S = 5.0


def examine_local(wanted: Wanted, results: Path, agents: Path) -> Examination:
    """This machine, looked at by an agent in a temporary folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="storperf-doctor-") as name:
        folder = Path(name)
        facts = _ask(LocalRemote(folder / "agent"), folder, wanted)
    return judge_fitness(
        facts, places.folder_facts(str(results)), places.folder_facts(str(agents)), wanted
    )


def _ask(remote: LocalRemote, folder: Path, wanted: Wanted) -> frames.Message:
    """The agent's facts; its supervisor has ended when they are here."""
    remote.stage(build_agent())
    journal = JournalCopy(folder / "journal")
    client = AgentClient("this machine", remote.open(_RUN), journal)
    try:
        client.call("hello", Deadline.after(_CALL_S), lease_s=_LEASE_S)
        reply = client.call(
            "examine",
            Deadline.after(_CALL_S),
            fio=wanted.fio,
            targets=_requests(wanted.targets),
            interval_s=INTERVAL_S,
        )
    finally:
        client.call("shutdown", Deadline.after(_CALL_S), forget=True)
        client.close()
        journal.close()
        _wait_until_gone(remote.root / "runs" / _RUN)
    facts: frames.Message = reply["facts"]
    return facts


def _requests(targets: Sequence[Target]) -> list[dict[str, object]]:
    return [{"path": os.path.normpath(target.path), "serial": target.serial} for target in targets]


def _wait_until_gone(run_folder: Path) -> None:
    """The supervisor removes its folder last; ours goes after it."""
    patience = Deadline.after(_GONE_S)
    pause = threading.Event()
    while run_folder.exists() and not patience.is_over:
        pause.wait(0.01)
