"""What becomes of a run when an agent stays lost: the job's choice."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from storperf.engine import losses
from storperf.engine.cancel import Cancel
from storperf.engine.missing_parts import explain_missing, missing_parts
from storperf.engine.waiting import Ends
from storperf.errors import AgentLost, Cancelled, ExitCode, FioFailed
from storperf.model.job import OnLostAgent
from storperf.model.run import LostAgent

DIED = {"why": "agent_died", "targets": [], "kind": "trial_ended"}
STEP = SimpleNamespace(agents=3)
TRIAL = SimpleNamespace(id="t001", attempt=1, facts={})


class Agent:
    """Answers, or is lost so often before it answers."""

    def __init__(self, number, losses_before=0, *, stays_lost=False, records=()):
        self.name = f"agent-{number:02}"
        self.sought_for_s = 5.0
        self.journal = SimpleNamespace(since=lambda _trial, _attempt: list(records))
        self.is_attached = True
        self._losses = losses_before
        self._stays_lost = stays_lost

    def answer(self):
        if self._losses:
            self._losses -= 1
            raise AgentLost(f"{self.name} is gone")
        return self.name

    def reattach(self, _cancel):
        if self._stays_lost:
            raise AgentLost(f"{self.name} cannot be reached")

    def detach(self):
        self.is_attached = False


class Run:
    """As much of a run's context as is asked for."""

    def __init__(self, *agents, choice=OnLostAgent.GO_ON):
        self.run_id = "r"
        self.agents = agents
        self.lost = {}
        self.facts = {}
        self.notes = []
        self.cancel = Cancel()
        self.epoch = lambda: 1000.0
        self.job = SimpleNamespace(provider=SimpleNamespace(on_lost_agent=choice))
        self.store = SimpleNamespace(
            set_run_facts=lambda _run, facts: self.facts.update(facts),
            get_run=lambda _run: SimpleNamespace(facts=self.facts),
        )
        self.announce = SimpleNamespace(note=self.notes.append)

    def present(self):
        return [agent for agent in self.agents if agent.name not in self.lost]

    def planned_agents_of(self, step):
        return self.agents[: step.agents]

    def ask(self):
        return list(losses.ask(self, self.agents, Agent.answer).values())


@pytest.mark.parametrize("choice", OnLostAgent)
def test_an_agent_that_is_found_again_is_asked_once_more(choice):
    assert Run(Agent(1), Agent(2, 1), choice=choice).ask() == ["agent-01", "agent-02"]


def test_an_agent_that_stays_lost_ends_the_run_when_the_job_says_fail():
    run = Run(Agent(1), Agent(2, 1, stays_lost=True), choice=OnLostAgent.FAIL)
    with pytest.raises(AgentLost, match="agent-02 cannot be reached") as caught:
        run.ask()
    assert caught.value.exit_code is ExitCode.INFRASTRUCTURE
    assert run.lost == {}


def test_a_run_that_ends_with_an_agent_says_which_one_not_only_where_it_was():
    lost = AgentLost("storperf@10.0.0.7:22 cannot be reached", argv=("ssh",))
    run = Run(Agent(1), choice=OnLostAgent.FAIL)
    with pytest.raises(AgentLost) as caught:
        losses.give_up(run, {run.agents[0]: lost})
    assert caught.value.message == "agent-01: storperf@10.0.0.7:22 cannot be reached"
    assert caught.value.facts["argv"] == ("ssh",)


def test_the_rest_goes_on_and_the_run_remembers_since_when():
    run = Run(Agent(1), Agent(2, 1, stays_lost=True), Agent(3))
    assert run.ask() == ["agent-01", "agent-03"]
    assert run.lost == {"agent-02": LostAgent(since_s=995.0, why="agent-02 cannot be reached")}
    assert not run.agents[1].is_attached
    assert "agent-02 stays lost" in run.notes[0]
    # It is not asked again, neither by this manager nor by the next one.
    assert run.ask() == ["agent-01", "agent-03"]
    run.lost.clear()
    losses.recall(run)
    assert set(run.lost) == {"agent-02"}


def test_a_resumed_run_goes_on_without_a_host_that_went_away_meanwhile():
    run = Run(Agent(1), Agent(2, stays_lost=True))
    losses.attach_again(run, run.agents)
    assert set(run.lost) == {"agent-02"}


def test_when_no_agent_is_left_the_run_ends():
    run = Run(Agent(1, 1, stays_lost=True), Agent(2, 1, stays_lost=True))
    with pytest.raises(AgentLost, match="agent-01 cannot be reached; agent-02 cannot"):
        run.ask()


def test_a_cancel_gives_nobody_up():
    run = Run(Agent(1), Agent(2, 1, stays_lost=True))
    run.cancel.request("SIGINT")
    with pytest.raises(Cancelled):
        run.ask()
    assert run.lost == {}


def test_what_is_no_loss_is_raised():
    run = Run(Agent(1), Agent(2))

    def fail(agent):
        raise FioFailed(f"{agent.name}: no")

    with pytest.raises(FioFailed):
        losses.ask(run, run.agents, fail)


@pytest.mark.parametrize(("choice", "left"), [("go_on", {"agent-01"}), ("fail", None)])
def test_an_agent_that_died_over_a_fill_is_given_up_where_the_rest_goes_on(choice, left):
    run = Run(Agent(1), Agent(2), choice=OnLostAgent(choice))
    of_target = {**DIED, "why": "refused: it shrank"}
    ends = Ends(records={"agent-01": of_target, "agent-02": DIED}, lost={})
    found = losses.records_of_the_rest(run, run.agents, ends)
    assert set(found) == (left or {"agent-01", "agent-02"})


def test_a_trial_lacks_who_is_lost_and_who_died_over_it():
    heard = [
        {"trial": "t001", "attempt": 1, "kind": "interval", "t": 900.0},
        {"trial": "t001", "attempt": 1, "t": 950.0, **DIED},
    ]
    run = Run(Agent(1), Agent(2, records=heard), Agent(3))
    run.lost["agent-03"] = LostAgent(since_s=0.0, why="cannot be reached")
    whole = {"why": "refused: it shrank", "targets": []}
    missing = missing_parts(run, TRIAL, STEP, {"agent-01": whole, "agent-02": DIED})
    assert missing == {
        "agent-02": {"since_s": 900.0, "why": "the agent's process died"},
        "agent-03": {"since_s": 0.0, "why": "cannot be reached"},
    }
    assert explain_missing(missing) == (
        "agent-02 is missing since 1970-01-01 00:15:00Z (the agent's process died); "
        "agent-03 is missing since 1970-01-01 00:00:00Z (cannot be reached)"
    )
    assert explain_missing({}) is None


def test_a_trial_over_which_all_died_lacks_nobody_it_failed():
    run = Run(Agent(1), Agent(2))
    assert missing_parts(run, TRIAL, STEP, {"agent-01": DIED, "agent-02": DIED}) == {}


def test_a_trial_lacks_nobody_when_the_job_says_fail():
    run = Run(Agent(1), Agent(2), choice=OnLostAgent.FAIL)
    assert missing_parts(run, TRIAL, STEP, {"agent-01": DIED, "agent-02": {}}) == {}
