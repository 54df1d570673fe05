"""What a manager can ask for.  Every command may be repeated: the second time changes nothing."""

from __future__ import annotations

import base64
import os
import shutil
import sys
import zlib
from typing import TYPE_CHECKING, Any, Callable, Dict

from storperf.agent import facts, target_commands, watch_commands
from storperf.agent.refusal import FAILED, Refusal
from storperf.agent.trials import MEASURE, TrialOnHost, optional_number, trial_folder
from storperf.agent.watching import Watch

if TYPE_CHECKING:
    from storperf.agent.clients import Client
    from storperf.agent.supervisor import Supervisor

Message = Dict[str, Any]
Command = Callable[["Supervisor", "Client", Message], Message]

# Eight agents are asked at a time.
_FETCH_BYTES = 1 << 18
_FETCHED_FILES = ("json", "log")


def hello(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """Who is there; sets the lease."""
    lease_s = optional_number(command, "lease_s")
    if lease_s is not None and lease_s <= 0:
        raise ValueError("lease_s must be positive")
    supervisor.lease_s = supervisor.lease_s if lease_s is None else lease_s
    return {
        "protocol": 1,
        "run": supervisor.run,
        "pid": os.getpid(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "last": supervisor.journal.last,
        "is_damaged": supervisor.journal.was_damaged,
        "targets": [taken.describe() for taken in supervisor.targets.taken],
    }


def clock(supervisor: Supervisor, _client: Client, _command: Message) -> Message:
    """The agent's steady epoch, for measuring its offset."""
    return {"epoch_s": supervisor.clock.epoch_s()}


def ping(_supervisor: Supervisor, _client: Client, _command: Message) -> Message:
    """Renews the lease, as every command does."""
    return {}


def probe(_supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """Static facts of the host and of its fio."""
    return {"host": facts.host_facts(), "fio": facts.fio_facts(str(command["fio"]))}


def examine(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """Facts that tell whether this host is fit to measure; changes nothing, blocks `interval_s`."""
    from storperf.agent import fitness  # late: a run never asks, and each start would compile it

    if supervisor.trials:
        raise Refusal(FAILED, "a trial is running; a host is examined before")
    interval_s = float(command["interval_s"])
    return {"facts": fitness.examine(str(command["fio"]), command["targets"], interval_s)}


def survey(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """What the host has to measure with; changes nothing."""
    from storperf.agent import survey as asked  # late, as fitness

    if supervisor.trials:
        raise Refusal(FAILED, "a trial is running; a host is surveyed before")
    root = os.path.dirname(os.path.dirname(supervisor.run_dir))
    return {"facts": asked.survey(str(command["fio"]), root, command.get("targets", ()))}


def check(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """What fio says of argument vectors that are done at once (--parse-only, or one block)."""
    if supervisor.trials:
        raise Refusal(FAILED, "a trial is running; argument vectors are checked before")
    return {"results": [facts.run_quietly(argv) for argv in command["argvs"]]}


def start(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """Start an attempt of a trial, or hold it until `release_at`."""
    trial = TrialOnHost(command, supervisor.run_dir, supervisor.clock)
    if trial.key in supervisor.trials or trial.key in supervisor.ended:
        return {"is_new": False}
    if supervisor.trials:
        raise Refusal(FAILED, "another trial runs on this agent, or waits to")
    sensors = trial.sensors if trial.what == MEASURE else None
    watch = Watch(trial.key, trial.probes, supervisor.run_dir, supervisor.clock, sensors)
    supervisor.start(trial, watch)
    return {"is_new": True}


def stop(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """Stop an attempt of a trial, now or at a steady epoch time."""
    trial = supervisor.trials.get((str(command["trial"]), int(command["attempt"])))
    if trial is not None:
        trial.stop(str(command.get("why", "stopped")), optional_number(command, "at"))
    return {"is_running": trial is not None}


def follow(supervisor: Supervisor, client: Client, command: Message) -> Message:
    """Stream the journal behind a record number, for as long as the channel is open."""
    after = int(command["after"])
    if "seen_s" in command:
        supervisor.rejoin(after, command["seen_s"], command["open"])
    if after > supervisor.journal.last:
        message = "the journal ends at record {}, the manager has {}: this host lost its newest"
        raise Refusal(FAILED, message.format(supervisor.journal.last, after))
    client.follow(supervisor.journal.path, after)
    return {"last": supervisor.journal.last}


def fetch(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """A piece of a trial's raw fio output (`json`) or messages (`log`)."""
    which = str(command["which"])
    if which not in _FETCHED_FILES:
        raise Refusal(FAILED, "no file {!r}; there are {}".format(which, _FETCHED_FILES))
    trial, attempt, target = str(command["trial"]), int(command["attempt"]), int(command["target"])
    folder = trial_folder(supervisor.run_dir, trial, attempt)
    path = os.path.join(folder, "target-{}.{}".format(target, which))
    try:
        with open(path, "rb") as source:
            size = os.fstat(source.fileno()).st_size
            source.seek(int(command["offset"]))
            piece = source.read(_FETCH_BYTES)
    except OSError as error:
        raise Refusal(FAILED, "{}: {}".format(path, error.strerror)) from error
    packed = base64.b64encode(zlib.compress(piece, 1)).decode("ascii")
    return {"size_bytes": size, "piece": packed, "piece_bytes": len(piece)}


def drop_raw(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """Remove a trial's raw output once the manager has it."""
    trial, attempt = str(command["trial"]), int(command["attempt"])
    if (trial, attempt) in supervisor.trials:
        raise Refusal(FAILED, "trial {} still writes its raw output".format(trial))
    folder = trial_folder(supervisor.run_dir, trial, attempt)
    is_there = os.path.isdir(folder)
    if is_there:
        shutil.rmtree(folder)
    return {"removed": is_there}


def shutdown(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """End the supervisor; with `forget` its folder goes too, with `leave` the agent besides."""
    supervisor.forget = bool(command.get("forget"))
    supervisor.leaves = bool(command.get("leave"))
    supervisor.is_over = True
    return {}


COMMANDS: Dict[str, Command] = {
    "hello": hello,
    "clock": clock,
    "ping": ping,
    "probe": probe,
    "examine": examine,
    "survey": survey,
    **target_commands.COMMANDS,
    **watch_commands.COMMANDS,
    "check": check,
    "start": start,
    "stop": stop,
    "follow": follow,
    "fetch": fetch,
    "drop_raw": drop_raw,
    "shutdown": shutdown,
}
