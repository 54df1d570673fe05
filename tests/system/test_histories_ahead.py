"""The process that makes histories ahead of the first who asks ends with its server."""

from __future__ import annotations

import signal

import pytest
from system.leftovers import processes_of
from system.service import served, until


@pytest.fixture
def program(storperf):
    """A program that has a run to make a history of."""
    ended = storperf("run", storperf.job())
    assert ended.exit_code == 0, ended
    return storperf


def makers(program):
    """The processes that make histories."""
    found = processes_of(program.top)
    return [pid for pid, words in found.items() if words.endswith(" histories")]


def test_it_makes_what_there_is_and_ends(program):
    with served(program) as server:
        assert makers(program)
        until(lambda: not makers(program), "an end of the process")
        assert server.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_outlives_no_server(program, number):
    with served(program) as server:
        assert makers(program)
        server.process.send_signal(number)
        server.end()
    until(lambda: not processes_of(program.top), "an empty process list")
