"""The commands that are about targets: take them, look at them, empty them, give them back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Dict, List

from storperf.agent import contents, facts, proofs
from storperf.agent.refusal import FAILED, REFUSED, Refusal
from storperf.agent.taken import Taken
from storperf.agent.targets import is_on_same_device

if TYPE_CHECKING:
    from storperf.agent.clients import Client
    from storperf.agent.supervisor import Supervisor

Message = Dict[str, Any]
Command = Callable[["Supervisor", "Client", Message], Message]

_DROP_CACHES = "/proc/sys/vm/drop_caches"
# Page cache, and the caches of names and inodes (Documentation/admin-guide/sysctl/vm.rst).
_EVERYTHING = b"3"


def prepare(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """Lock and make the targets."""
    taken = supervisor.targets.prepare(command["targets"])
    for filename in supervisor.targets.take_new_files():
        supervisor.note({"kind": "target_created", "filename": filename})
    return {
        "targets": [
            {
                **target.describe(),
                "journal_on_target": is_on_same_device(supervisor.run_dir, target),
                "facts": facts.target_facts(target.filename, target.device),
            }
            for target in taken
        ]
    }


def inspect(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """What the targets hold: which parts of them were never written."""
    _require_quiet(supervisor)
    samples, seed = int(command["samples"]), int(command["seed"])
    return {
        "targets": [
            contents.inspect(taken.filenames, taken.size_bytes, samples, seed)
            if taken.filenames
            else None
            for taken in supervisor.targets.taken
        ]
    }


def remember_fill(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """Keep the proof that the devices among the targets are filled."""
    _require_quiet(supervisor)
    how, at_s = str(command["how"]), supervisor.clock.epoch_s()
    places = {"samples": int(command["samples"]), "seed": int(command["seed"])}
    for taken in _devices(supervisor):
        proofs.remember(_root(supervisor), taken, how, places, at_s)
    return {}


def recall_fill(supervisor: Supervisor, _client: Client, command: Message) -> Message:
    """Whether every target is a device that is proven to be filled; journalled when it is so."""
    _require_quiet(supervisor)
    taken = [each for each in supervisor.targets.taken if each.filenames]
    if len(_devices(supervisor)) < len(taken):
        return {"is_filled": False, "why": ["only a device outlives a run"]}
    found = [proofs.recall(_root(supervisor), each, str(command["how"])) for each in taken]
    if not all(each["is_filled"] for each in found):
        why = [
            "{}: {}".format(each.filename, fact["why"])
            for each, fact in zip(taken, found)
            if not fact["is_filled"]
        ]
        return {"is_filled": False, "why": why}
    since_s = [each["since_s"] for each in found]
    supervisor.note({"kind": "fill_proven", "since_s": since_s})
    return {"is_filled": True, "since_s": since_s}


def purge(supervisor: Supervisor, _client: Client, _command: Message) -> Message:
    """Begin to discard every block of the devices, or say whether that is done; asked again."""
    _require_quiet(supervisor)
    is_done = supervisor.purges.poll([taken.filename for taken in _devices(supervisor)])
    if is_done:
        supervisor.note({"kind": "purged"})
    return {"is_done": is_done}


def drop_caches(supervisor: Supervisor, _client: Client, _command: Message) -> Message:
    """Write out and forget what the host's memory holds of its storage; not during a trial."""
    if supervisor.trials:
        return {"is_dropped": False}
    os.sync()
    try:
        fd = os.open(_DROP_CACHES, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, _EVERYTHING)
        finally:
            os.close(fd)
    except OSError as error:
        message = "the caches of this host cannot be dropped: {}: {}; only root may; leave out {}"
        key = "precondition.drop_caches"
        raise Refusal(REFUSED, message.format(_DROP_CACHES, error.strerror, key)) from error
    return {"is_dropped": True}


def release(supervisor: Supervisor, _client: Client, _command: Message) -> Message:
    """Stop what runs, remove what was made, unlock; names what could not be removed."""
    return {"left": supervisor.give_back("released")}


def _require_quiet(supervisor: Supervisor) -> None:
    if supervisor.trials:
        raise Refusal(FAILED, "a trial is running; targets are looked at before")


def _devices(supervisor: Supervisor) -> List[Taken]:
    """The targets that are a device as a whole, without a file system of ours."""
    return [
        taken
        for taken in supervisor.targets.taken
        if taken.request["kind"] == "device" and not taken.request.get("mkfs")
    ]


def _root(supervisor: Supervisor) -> str:
    return os.path.dirname(os.path.dirname(os.path.abspath(supervisor.run_dir)))


COMMANDS: Dict[str, Command] = {
    "prepare": prepare,
    "inspect": inspect,
    "remember_fill": remember_fill,
    "recall_fill": recall_fill,
    "purge": purge,
    "drop_caches": drop_caches,
    "release": release,
}
