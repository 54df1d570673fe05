"""A host that is watched never makes the run wait or fail: turns take what came, and go on."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from storperf.deadline import Deadline
from storperf.engine.observer import Observer, Watching
from storperf.errors import AgentLost

WATCHING = Watching(trial="t1", attempt=1, sensors_every_s=1.0, processes=(), probes=())


class Agent:
    """Answers as an agent does; `broken` makes the next thing fail, `held` makes it hang."""

    name = "observed-01"
    was_reached = True

    def __init__(self):
        self.calls = []
        self.coming = []
        self.broken = False
        self.held = None
        self.journal = SimpleNamespace(since=lambda _trial, _attempt: iter(self.coming))

    def _do(self, what):
        self.calls.append(what)
        if self.held is not None:
            self.held.wait(10)
        if self.broken:
            self.broken = False
            raise AgentLost("gone")

    def attach(self):
        self._do("attach")

    attach_deaf = attach

    def call(self, command, **_arguments):
        if command != "clock":
            self._do(command)
        return {"epoch_s": 5.0, "host": {"kernel": "x"}}

    def records(self, _wait_s):
        self._do("records")
        found, self.coming = self.coming, []
        return iter(found)

    def release(self):
        return []

    def forget(self, *, keep):
        self._do("forget")
        return ["its folder"] if keep else []

    def leave(self):
        self.calls.append("leave")


@pytest.fixture
def agent():
    return Agent()


@pytest.fixture
def observer(agent):
    made = Observer(agent, lambda: 0.0)
    yield made
    agent.held = None
    made.give_back()


def turn_until(observer, is_so):
    heard = []
    patience = Deadline.after(10)
    while not is_so():
        assert not patience.is_over
        heard += observer.turn()
        observer.wait(0.05)
    return heard


def record(number, kind="sensors"):
    return {"n": number, "kind": kind, "trial": "t1"}


def test_it_attaches_watches_hears_and_ends(agent, observer):
    observer.want(WATCHING)
    turn_until(observer, lambda: "records" in agent.calls)
    assert agent.calls[:3] == ["attach", "probe", "watch"]
    assert observer.offset.offset_s == 5.0
    agent.coming = [record(1), record(2)]
    heard = turn_until(observer, lambda: not agent.coming)
    heard += observer.turn()
    agent.coming = [record(3, "watch_ended")]
    observer.want(None)
    heard += turn_until(observer, lambda: observer.is_settled)
    assert [each["n"] for each in heard] == [1, 2, 3]
    assert "unwatch" in agent.calls


def test_a_turn_does_not_wait_for_a_host_that_hangs(agent, observer):
    agent.held = threading.Event()
    observer.want(WATCHING)
    for _ in range(100):
        assert observer.turn() == ()
    assert agent.calls in ([], ["attach"])
    agent.held.set()


def test_a_lost_host_is_sought_and_what_it_told_meanwhile_is_heard_once(agent, observer):
    observer.want(WATCHING)
    turn_until(observer, lambda: observer.is_settled and observer.is_attached)
    agent.coming = [record(1)]
    heard = turn_until(observer, lambda: not agent.coming)
    heard += observer.turn()
    agent.coming = [record(1), record(2)]
    agent.broken = True
    turn_until(observer, lambda: observer.fault is not None)
    assert not observer.is_attached
    assert observer.is_settled
    heard += turn_until(observer, lambda: agent.calls.count("watch") == 2 and not agent.coming)
    heard += observer.turn()
    assert [each["n"] for each in heard] == [1, 2]


def test_a_host_that_cannot_be_given_back_is_told_by_name(agent):
    observer = Observer(agent, lambda: 0.0)
    agent.broken = True
    (left,) = observer.give_back()
    assert left.startswith("observed-01: not reached")
    assert agent.calls[-1] == "leave"
