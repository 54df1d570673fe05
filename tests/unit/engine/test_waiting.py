"""Hearing a trial to its end, whatever happens to the channel."""

from types import SimpleNamespace

import pytest

from storperf.engine import waiting
from storperf.engine.cancel import Cancel
from storperf.errors import AgentLost, Cancelled

KEY = {"trial": "t001", "attempt": 1}


def record(number, kind="interval"):
    return {"n": number, "kind": kind, **KEY}


class BrokenAgent:
    """Plays a script: lists of records that come, or AgentLost; the journal has them all."""

    name = "agent-01"

    def __init__(self, journal, script):
        self.journal = SimpleNamespace(since=lambda _trial, _attempt: list(journal))
        self.script = list(script)
        self.reattached = 0
        self.calls = []

    def records(self, _wait_s):
        step = self.script.pop(0)
        if isinstance(step, AgentLost):
            raise step
        return step

    def reattach(self, _cancel):
        self.reattached += 1

    def call(self, command, **_arguments):
        self.calls.append(command)


@pytest.fixture
def context():
    return SimpleNamespace(
        run_id="r",
        cancel=Cancel(),
        store=SimpleNamespace(cancel_requested=lambda _run: False),
        announce=SimpleNamespace(note=lambda _text: None),
    )


def hear(context, agent):
    heard = []
    ended = waiting.for_end(context, agent, "t001", 1, lambda each: heard.append(each["n"]))
    return ended, heard


def test_records_that_the_broken_channel_delivered_to_the_journal_alone_are_heard(context):
    journal = [record(1), record(2), record(3, "trial_ended")]
    agent = BrokenAgent([], [[journal[0]], AgentLost("gone")])
    agent.reattach = lambda _cancel: setattr(
        agent, "journal", SimpleNamespace(since=lambda _trial, _attempt: journal)
    )
    ended, heard = hear(context, agent)
    assert ended["n"] == 3
    assert heard == [1, 2, 3]


def test_records_that_come_twice_are_heard_once(context):
    journal = [record(1), record(2)]
    agent = BrokenAgent(journal, [[record(1), record(2), record(3)], [record(4, "trial_ended")]])
    _, heard = hear(context, agent)
    assert heard == [1, 2, 3, 4]


def test_records_of_other_trials_are_not_heard(context):
    other = {**record(1), "trial": "t000"}
    agent = BrokenAgent([other], [[record(2, "trial_ended")]])
    _, heard = hear(context, agent)
    assert heard == [2]


def test_a_resumed_run_hears_an_end_that_is_in_the_journal_without_waiting(context):
    agent = BrokenAgent([record(1), record(2, "trial_ended")], [])
    ended, heard = hear(context, agent)
    assert (ended["n"], heard) == (2, [1, 2])


def test_a_cancelled_trial_is_stopped_and_heard_to_its_end(context):
    context.cancel.request("SIGINT")
    agent = BrokenAgent([record(1)], [[record(2)], [record(3, "trial_ended")]])
    heard = []
    with pytest.raises(Cancelled, match="SIGINT"):
        waiting.for_end(context, agent, "t001", 1, lambda each: heard.append(each["n"]))
    assert agent.calls == ["stop"]
    assert heard == [1, 2, 3]
