"""Asks an agent whether its host is fit to measure, and leaves nothing there."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from storperf.agent import frames, places
from storperf.deadline import Deadline
from storperf.doctor.judge import judge_fitness
from storperf.doctor.wanted import Wanted
from storperf.errors import UsageError
from storperf.model.finding import Examination
from storperf.model.target import Target
from storperf.providers.keystone import ask_keystone
from storperf.providers.openstack_login import find_login, looked_in
from storperf.remote.client import AgentClient
from storperf.remote.journal_copy import JournalCopy
from storperf.remote.local import LocalRemote
from storperf.remote.pack import build_agent
from storperf.settings import Settings

# Long enough for a rate, short enough for a person who waits.
INTERVAL_S = 1.0
_RUN = "doctor"
# A supervisor whose manager was killed ends after so long.
_LEASE_S = 60.0
_CALL_S = 60.0
_GONE_S = 5.0
# A Keystone that is far away and busy answers within a second.
_KEYSTONE_S = 10.0


def examine_local(wanted: Wanted, settings: Settings, *, openstack: bool) -> Examination:
    """This machine, looked at by an agent in a temporary folder that is gone afterwards.

    With `openstack` the cloud whose credentials are found is asked for a token.
    """
    with tempfile.TemporaryDirectory(prefix="storperf-doctor-") as name:
        folder = Path(name)
        facts = _ask(LocalRemote(folder / "agent"), folder, wanted)
    return judge_fitness(
        facts,
        places.folder_facts(str(settings.results)),
        places.folder_facts(str(settings.agents)),
        wanted,
        _openstack_facts(settings) if openstack else None,
    )


def _openstack_facts(settings: Settings) -> dict[str, object]:
    """Whose credentials there are and what Keystone says to them; nothing in it is secret."""
    facts: dict[str, object] = {
        "looked_in": looked_in(settings),
        **dict.fromkeys(("source", "fault", "auth_type", "region", "interface", "verify")),
        "missing": (),
        "answer": None,
    }
    try:
        login = find_login(settings)
    except UsageError as error:
        return {**facts, "fault": error.message}
    if login is None:
        return facts
    for name in ("source", "auth_type", "region", "interface", "verify", "missing"):
        facts[name] = getattr(login, name)
    if not login.missing:
        facts["answer"] = asdict(ask_keystone(login, Deadline.after(_KEYSTONE_S)))
    return facts


def _ask(remote: LocalRemote, folder: Path, wanted: Wanted) -> frames.Message:
    """The agent's facts; its supervisor has ended when they are here."""
    remote.stage(build_agent(), Deadline.after(_CALL_S))
    journal = JournalCopy(folder / "journal")
    client = AgentClient("this machine", remote.open(_RUN, Deadline.after(_CALL_S)), journal)
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
