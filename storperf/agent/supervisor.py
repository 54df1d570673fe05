"""The supervisor: one process a run and host, which outlives connections and managers.

A single loop waits on its socket and its fio processes; nothing in it blocks for
longer than a probe.  Managers come and go through `attach`; what happens is
journalled first and told second.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import selectors
import socket
import sys
import time
from typing import Any, Dict, List, Optional

from storperf.agent import frames, retention
from storperf.agent.attach import PROTOCOL, SOCKET
from storperf.agent.clients import Client
from storperf.agent.commands import COMMANDS
from storperf.agent.journal import Journal
from storperf.agent.purging import Purges
from storperf.agent.refusal import FAILED, Refusal
from storperf.agent.remote_targets import LOCKS
from storperf.agent.steady_clock import SteadyClock
from storperf.agent.succession import Succession
from storperf.agent.targets import Targets
from storperf.agent.trials import Key, TrialOnHost
from storperf.agent.watching import Watch

LOCK = "lock"
JOURNAL = "journal"
DEFAULT_LEASE_S = 30 * 60.0
_TICK_RUNNING_S = 0.05
_TICK_IDLE_S = 0.5
# SIGINT, SIGTERM and SIGKILL to fio, and some time for each.
_STOP_S = 20.0
_LAST_WORDS_S = 2.0
_RESERVE_BYTES = 262144
_MANY = ("interval", "progress", "sensors", "probe")

Record = Dict[str, Any]


class Supervisor:
    """Holds a run's targets, trials and journal on this host."""

    def __init__(self, run_dir: str, run: str) -> None:
        self.run_dir = run_dir
        self.run = run
        self.clock = SteadyClock(time.monotonic, time.time)
        self.lease_s = DEFAULT_LEASE_S
        self.is_over = False
        self.forget = False
        self.leaves = False
        self.journal = Journal(os.path.join(run_dir, JOURNAL))
        locks = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(run_dir))), LOCKS)
        self.targets = Targets(run, os.path.join(run_dir, "created.json"), locks)
        self.purges = Purges(os.path.join(run_dir, "purge"))
        self.trials: Dict[Key, TrialOnHost] = {}
        self._succession = Succession(run_dir, self.clock, self.journal)
        self.ended = self._succession.ended
        self._watch: Optional[Watch] = None
        self._seen_s = self.clock.monotonic_s()
        self._longest_gap_s = 0.0
        self._clients: List[Client] = []
        self._selector = selectors.DefaultSelector()
        self._unwritten: List[Record] = []
        self._reserve = os.path.join(run_dir, "reserve")
        self._take_over()

    # --- the journal -------------------------------------------------------------

    def note(self, record: Record) -> None:
        """Journal a record; a full disk costs the trial, never the knowledge that it did."""
        self._unwritten.append({"t": round(self.clock.epoch_s(), 6), **record})
        self._write_notes()

    def _write_notes(self) -> None:
        """Write what is not written yet: what the disk has no room for now waits here."""
        while self._unwritten:
            try:
                self.journal.append(self._unwritten[0])
            except OSError as error:
                if not self._make_room(error):
                    return
            else:
                self._unwritten.pop(0)

    def _make_room(self, error: OSError) -> bool:
        """Give up the trials and the intervals; whether that made room to say so."""
        self._unwritten = [note for note in self._unwritten if note["kind"] not in _MANY]
        for trial in self.trials.values():
            trial.stop("journal_full")
        if not os.path.exists(self._reserve):
            return False
        os.unlink(self._reserve)
        full = {"t": round(self.clock.epoch_s(), 6), "kind": "journal_full", "why": str(error)}
        self._unwritten.insert(0, full)
        return True

    def _take_over(self) -> None:
        """Begin, or go on after an earlier supervisor of this run that was killed."""
        for record in self._succession.take_over():
            self.note(record)
        with open(self._reserve, "wb") as sink:
            sink.write(b"\0" * _RESERVE_BYTES)
        started = {"pid": os.getpid(), "protocol": PROTOCOL}
        self.note({"kind": "agent_started", **started, "boot_id": self._succession.boot_id})

    def rejoin(self, after: int, seen_s: Optional[float], open_attempts: List[List[Any]]) -> None:
        """Make the journal one that a manager can follow behind its last record."""
        for record in self._succession.rejoin(after, seen_s, open_attempts, self.trials):
            self.note(record)

    # --- trials ------------------------------------------------------------------

    def start(self, trial: TrialOnHost, watch: Watch) -> None:
        """Start fio for a new trial; with a release it waits at its gate, and its probes too."""
        self.end_watch("replaced")
        self._watch = watch
        self.trials[trial.key] = trial
        try:
            self.targets.check_again()
            trial.spawn()
        except Refusal as refusal:
            self._end_sampling()
            self.note(trial.end("refused: " + refusal.message))
            self._finish(trial)
            raise
        if trial.release_s is None:
            self._release_trial(trial)
        else:
            self.note(trial.held())

    def _release_trial(self, trial: TrialOnHost) -> None:
        self.note(trial.release())
        if self._watch is not None:
            self._watch.begin(self.targets.device_names(), trial.fio_pids)

    def _finish(self, trial: TrialOnHost) -> None:
        self.ended.add(trial.key)
        self.trials.pop(trial.key, None)

    def _poll_trials(self) -> None:
        for trial in list(self.trials.values()):
            if trial.is_due_to_start:
                self._release_trial(trial)
            self._poll_trial(trial)
        for record in [] if self._watch is None else self._watch.poll():
            self.note(record)

    def _poll_trial(self, trial: TrialOnHost) -> None:
        records = trial.poll()
        told = self._end_sampling() if trial.is_ended else {}
        for record in records:
            is_end = record["kind"] == "trial_ended"
            self.note({**self._checked(record), **told} if is_end else record)
        if trial.is_ended:
            self._finish(trial)

    def _checked(self, ended: Record) -> Record:
        """The record of an end; it says so when a target is no longer what it was.

        `room_bytes` is what this host has left for the journal and for what fio prints.
        """
        room = os.statvfs(self.run_dir)
        ended = {**ended, "room_bytes": room.f_bavail * room.f_frsize}
        try:
            self.targets.check_again()
        except Refusal as refusal:
            return {**ended, "why": "refused: " + refusal.message}
        return ended

    # --- a host that is watched --------------------------------------------------

    @property
    def watched(self) -> Optional[Key]:
        """The attempt for which this host is watched, if it runs no fio itself."""
        return None if self._watch is None or self.trials else self._watch.key

    def begin_watch(self, watch: Watch) -> None:
        """Sample this host from now on."""
        self._watch = watch
        self.note(watch.begin())

    def end_watch(self, why: str) -> None:
        """End what `begin_watch` began, if anything."""
        if self._watch is not None and not self.trials:
            watch = self._watch
            self._end_sampling()
            self.note(watch.ended(why))

    def _end_sampling(self) -> Record:
        """End sensors and probes; what the record of a trial's end says of them."""
        if self._watch is None:
            return {}
        watch, self._watch = self._watch, None
        for record in watch.end():
            self.note(record)
        return watch.told()

    # --- the end -----------------------------------------------------------------

    def stop_all(self, why: str) -> List[str]:
        """Stop every trial and wait until fio is gone; what does not go.

        Clients are fed meanwhile, but not heard.
        """
        for trial in self.trials.values():
            trial.stop(why)
        give_up_s = self.clock.monotonic_s() + _STOP_S
        self._poll_trials()
        while self.trials and self.clock.monotonic_s() < give_up_s:
            select.select((), (), (), _TICK_RUNNING_S)
            self._poll_trials()
            self._feed_clients()
        left: List[str] = []
        for trial in list(self.trials.values()):
            record, running = trial.give_up()
            left += running
            self._end_sampling()
            self.note(record)
            self._finish(trial)
        return left

    def give_back(self, why: str) -> List[str]:
        """Stop what runs, remove what was made, unlock; what could not be removed."""
        self.end_watch(why)
        return self.stop_all(why) + self.purges.stop() + self.targets.release()

    # --- the loop ----------------------------------------------------------------

    def serve(self, listener: socket.socket) -> None:
        """Serve until shut down, orphaned for longer than the lease, or told by a signal."""
        self._selector.register(listener, selectors.EVENT_READ)
        while not self.is_over:
            for key, events in self._selector.select(self._tick_s()):
                if key.fileobj is listener:
                    self._accept(listener)
                else:
                    self._serve_client(key.data, events)
            self._poll_trials()
            self._write_notes()
            self._feed_clients()
            self._check_lease()
        self._selector.unregister(listener)
        listener.close()
        # Who attaches now finds nobody, and starts the next supervisor instead of losing this one.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(SOCKET)
        self._finish_run()

    def _tick_s(self) -> float:
        if not self.trials:
            due_s = math.inf if self._watch is None else self._watch.due_s
            return min(_TICK_IDLE_S, max(0.001, due_s - self.clock.monotonic_s()))
        due_s = min(trial.due_s for trial in self.trials.values()) - self.clock.epoch_s()
        if self._watch is not None:
            due_s = min(due_s, self._watch.due_s - self.clock.monotonic_s())
        return min(_TICK_RUNNING_S, max(0.001, due_s))

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError as error:
            sys.stderr.write("a client was not accepted: {}\n".format(error))
            return
        connection.setblocking(False)
        client = Client(connection)
        self._clients.append(client)
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _serve_client(self, client: Client, events: int) -> None:
        if events & selectors.EVENT_READ:
            self._hear_manager()
            try:
                for command in client.receive():
                    client.reply(command, self._answer(client, command))
            except frames.FrameError as error:
                sys.stderr.write("a client spoke nonsense: {}\n".format(error))
                client.is_closed = True

    def _answer(self, client: Client, command: Record) -> Record:
        name = command.get("command")
        if name not in COMMANDS:
            return _failure(FAILED, "unknown command {!r}".format(name))
        try:
            return {"ok": True, **COMMANDS[name](self, client, command)}
        except Refusal as refusal:
            return _failure(refusal.code, refusal.message)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            return _failure(FAILED, "command {} is malformed: {!r}".format(name, error))
        except OSError as error:
            return _failure(FAILED, "command {} failed: {}".format(name, error))

    def _feed_clients(self) -> None:
        for client in list(self._clients):
            client.fill()
            client.send()
            if client.is_closed:
                self._selector.unregister(client.connection)
                self._clients.remove(client)
                client.close()
            else:
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.has_more else 0)
                self._selector.modify(client.connection, wanted, client)

    # --- the lease ---------------------------------------------------------------

    def _hear_manager(self) -> None:
        now_s = self.clock.monotonic_s()
        self._longest_gap_s = max(self._longest_gap_s, now_s - self._seen_s)
        self._seen_s = now_s

    def _check_lease(self) -> None:
        gap_s = self.clock.monotonic_s() - self._seen_s
        if gap_s > max(self.lease_s, 2 * self._longest_gap_s):
            self.note({"kind": "lease_expired", "gap_s": round(gap_s, 1)})
            self.is_over = True

    def _finish_run(self) -> None:
        left = self.give_back("agent_ended")
        self.note({"kind": "agent_ended", "left": left})
        give_up_s = self.clock.monotonic_s() + _LAST_WORDS_S
        self._feed_clients()
        while any(client.has_more for client in self._clients):
            select.select((), (), (), 0.01)
            self._feed_clients()
            if self.clock.monotonic_s() > give_up_s:
                break
        if self.forget:
            retention.forget(self.run_dir)


def _failure(code: str, message: str) -> Record:
    return {"ok": False, "error": {"code": code, "message": message}}
