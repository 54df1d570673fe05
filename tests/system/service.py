"""A `storperf serve` of a test's own, and what its queue says."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from system.leftovers import processes_of

from storperf.model.queued import EntryState
from storperf.store.store import Store

PATIENCE_S = 90.0
OPEN = (EntryState.QUEUED, EntryState.RUNNING)


@contextmanager
def served(program, *options, **environment):
    """A server on a free port while inside; killed at the end if the test has not ended it."""
    running = program.start("serve", "--port", "0", *options, **environment)
    try:
        running.until("serving ")
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.end()


def address_of(running):
    """Where a server listens: http://127.0.0.1:PORT."""
    return running.stderr.partition("serving ")[2].split()[-1]


@contextmanager
def opened(program) -> Iterator[Store]:
    """The store that the program writes."""
    with Store.open(program.results) as store:
        yield store


def until(holds, what, patience_s=PATIENCE_S):
    """Wait until something holds; gives what it said."""
    give_up_s = time.monotonic() + patience_s
    while time.monotonic() < give_up_s:
        found = holds()
        if found:
            return found
        time.sleep(0.02)
    return pytest.fail(f"never: {what}")


def until_ended(program):
    """Wait until nothing waits and nothing runs; gives every entry by its title."""
    with opened(program) as store:
        until(lambda: not store.queue_entries(OPEN), "an empty queue")
        return {entry.title: entry for entry in store.queue_entries()}


def submit(program, title, *options, **keys):
    """Put a run into the queue; gives its id.  Each title is a job of its own."""
    ended = program(
        *("submit", program.job(name=title, **keys), "--title", title, *options, "--json")
    )
    assert ended.exit_code == 0, ended
    return ended.json["entry"]["run_id"]


def children_of(program):
    """The processes that carry runs out, by the id of each."""
    found = processes_of(program.top)
    return [pid for pid, words in found.items() if " carry-out " in f"{words} "]


def kill_children(program):
    """As a machine that loses its power would."""
    for pid in children_of(program):
        os.kill(pid, signal.SIGKILL)


def feed_of(program, run_id) -> str:
    """What those who look on at a run have been told."""
    path = Path(program.run_folder(run_id)) / "live.jsonl"
    return path.read_text() if path.exists() else ""
