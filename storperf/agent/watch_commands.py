"""Commands about a host that is watched and runs no fio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict

from storperf.agent.refusal import FAILED, Refusal
from storperf.agent.watching import watch_of_host

if TYPE_CHECKING:
    from storperf.agent.clients import Client
    from storperf.agent.supervisor import Supervisor

Message = Dict[str, Any]


def watch(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """Sample this host for an attempt of a trial; what was watched for another ends."""
    if supervisor.trials:
        raise Refusal(FAILED, "a trial runs here; its own `start` says what is sampled")
    if supervisor.watched == (str(command["trial"]), int(command["attempt"])):
        return {"is_new": False}
    wanted = watch_of_host(command, supervisor.run_dir, supervisor.clock)
    supervisor.end_watch("replaced")
    supervisor.begin_watch(wanted)
    return {"is_new": True}


def unwatch(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """End the sampling for an attempt of a trial."""
    is_watched = supervisor.watched == (str(command["trial"]), int(command["attempt"]))
    if is_watched:
        supervisor.end_watch("unwatched")
    return {"was_watched": is_watched}


COMMANDS: Dict[str, Callable[[Supervisor, Client, Message], Message]] = {
    "watch": watch,
    "unwatch": unwatch,
}
