"""Hearing a trial to its end, whatever happens to the channel."""

from types import SimpleNamespace

import pytest

from storperf.engine import losses, waiting
from storperf.engine.cancel import Cancel
from storperf.errors import AgentLost, Cancelled
from storperf.model.job import OnLostAgent

KEY = {"trial": "t001", "attempt": 1}


def record(number, kind="interval"):
    return {"n": number, "kind": kind, **KEY}


class BrokenAgent:
    """Plays a script: lists of records that come, or AgentLost; the journal has them all."""

    def __init__(self, journal, script):
        self.name = "agent-01"
        self.journal = SimpleNamespace(since=lambda _trial, _attempt: list(journal))
        self.script = list(script)
        self.reattached = 0
        self.waited_s = []
        self.calls = []

    def records(self, wait_s):
        self.waited_s.append(wait_s)
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
        job=SimpleNamespace(provider=SimpleNamespace(on_lost_agent=OnLostAgent.GO_ON)),
    )


def hear(context, agent):
    heard = []
    ends = waiting_for(context, [agent], lambda _name, each: heard.append(each["n"])).run()
    return ends.records[agent.name], heard


def waiting_for(context, agents, listen):
    attempts = {agent.name: ("t001", 1) for agent in agents}
    return waiting.Waiting(context, agents, attempts, listen)


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
    ends = waiting_for(context, [agent], lambda _name, each: heard.append(each["n"])).run()
    with pytest.raises(Cancelled, match="SIGINT"):
        losses.records_of_the_rest(context, [agent], ends)
    assert agent.calls == ["stop"]
    assert heard == [1, 2, 3]


def test_agents_are_heard_in_turns_and_stopped_together(context):
    first = BrokenAgent([], [[record(1)], [record(2)], [record(3, "trial_ended")]])
    second = BrokenAgent([], [[record(1)], [record(2)], [record(3, "trial_ended")]])
    second.name = "agent-02"
    heard = []

    def listen(name, each):
        heard.append((name, each["n"]))
        if each["n"] == 1 and name == "agent-02":
            both.stop("steady")

    both = waiting_for(context, [first, second], listen)
    ends = both.run().records
    assert set(ends) == {"agent-01", "agent-02"}
    names = ["agent-01", "agent-02"]
    assert heard == [(name, number) for number in (1, 2, 3) for name in names]
    assert (first.calls, second.calls) == (["stop"], ["stop"])


def agent_that_stays_lost():
    gone = BrokenAgent([], [AgentLost("gone")])

    def stay_lost(_cancel):
        raise AgentLost("gone for good")

    gone.reattach = stay_lost
    return gone


def test_an_agent_that_stays_lost_does_not_keep_the_others_from_their_end(context):
    gone = agent_that_stays_lost()
    other = BrokenAgent([], [[record(1)], [record(2, "trial_ended")]])
    other.name = "agent-02"
    told = []
    attempts = dict.fromkeys(("agent-01", "agent-02"), ("t001", 1))
    heard = waiting.Waiting(
        context, [gone, other], attempts, lambda _name, _each: None, lose=told.append
    )
    ends = heard.run()
    assert told == ["agent-01"]
    assert set(ends.records) == {"agent-02"}
    assert str(ends.lost["agent-01"]) == "gone for good"
    assert other.calls == []


def test_the_others_are_stopped_when_the_run_ends_with_an_agent_that_stays_lost(context):
    context.job.provider.on_lost_agent = OnLostAgent.FAIL
    gone, other = agent_that_stays_lost(), BrokenAgent([], [])
    other.name = "agent-02"

    def until_stopped(_wait_s):
        return [record(1, "trial_ended")] if other.calls else []

    other.records = until_stopped
    ends = waiting_for(context, [gone, other], lambda _name, _each: None).run()
    assert other.calls == ["stop"]
    assert (set(ends.records), set(ends.lost)) == ({"agent-02"}, {"agent-01"})


def test_however_many_agents_there_are_one_of_them_is_waited_for(context):
    agents = []
    for number in range(3):
        agent = BrokenAgent([], [[record(1)], [], [record(2, "trial_ended")]])
        agent.name = f"agent-{number}"
        agents.append(agent)
    waiting_for(context, agents, lambda _name, _record: None).run()
    first, *others = agents
    assert all(wait_s > 0 for wait_s in first.waited_s)
    assert [wait_s for each in others for wait_s in each.waited_s] == [0.0] * 6
