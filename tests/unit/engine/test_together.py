"""Clocks of several agents, and the moment at which they begin."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from storperf.engine.clocks import ClockOffset, measure_offset
from storperf.engine.together import applied_s, clock_facts, release_times, skews
from storperf.model.run import Trial, TrialState


class FarAgent:
    """Its clock is ahead, its answers take their time on both ways."""

    def __init__(self, name, ahead_s, delays):
        self.name = name
        self.ahead_s = ahead_s
        self.delays = list(delays)
        self.now_s = 1000.0

    def epoch(self):
        return self.now_s

    def call(self, command):
        assert command == "clock"
        there, back = self.delays.pop(0)
        self.now_s += there
        answer = {"epoch_s": self.now_s + self.ahead_s}
        self.now_s += back
        return answer


def a_trial(**clocks):
    facts = {"clocks": {name.replace("_", "-"): {"applied_s": at} for name, at in clocks.items()}}
    return Trial(
        id="t001",
        step_key="s",
        side="candidate",
        session=1,
        repeat=1,
        attempt=1,
        state=TrialState.STARTED,
        facts=facts,
    )


@pytest.mark.parametrize("ahead_s", [-90.0, 0.0, 90.0])
def test_the_shortest_round_trip_tells_the_offset_within_its_uncertainty(ahead_s):
    delays = [(0.2, 0.01), (0.01, 0.3), (0.004, 0.002), *[(0.1, 0.1)] * 5]
    agent = FarAgent("a", ahead_s, delays)
    found = measure_offset(agent, agent.epoch)
    assert found.uncertainty_s == pytest.approx(0.003)
    assert abs(found.offset_s - ahead_s) <= found.uncertainty_s
    assert found.applied_s == pytest.approx(ahead_s, abs=0.003)


def test_an_offset_that_may_be_none_is_none():
    assert ClockOffset(offset_s=0.002, uncertainty_s=0.003).applied_s == 0
    assert ClockOffset(offset_s=-0.004, uncertainty_s=0.003).applied_s == -0.004


def test_one_agent_begins_at_once_and_several_at_one_moment_of_their_own_clocks():
    agents = [SimpleNamespace(name="agent-01"), SimpleNamespace(name="agent-02")]
    context = SimpleNamespace(agents=agents, epoch=lambda: 500.0, hosts={})
    trial = a_trial(agent_01=0.0, agent_02=90.0)
    releases = release_times(context, trial, context.agents)
    assert releases["agent-01"] > 501.0
    assert releases["agent-02"] == pytest.approx(releases["agent-01"] + 90)
    context.agents = agents[:1]
    assert release_times(context, trial, context.agents) == {"agent-01": None}


def test_agents_that_share_a_machine_are_given_time_to_start_on_its_cores():
    agents = [SimpleNamespace(name=f"agent-{number:02}") for number in range(50)]
    apart = {each.name: {"boot_id": each.name, "cpus": 2} for each in agents}
    alike = {each.name: {"boot_id": "one", "cpus": 2} for each in agents}
    lead_s = {}
    for word, hosts in (("apart", apart), ("alike", alike)):
        context = SimpleNamespace(epoch=lambda: 0.0, hosts=hosts)
        lead_s[word] = release_times(context, a_trial(), agents)["agent-01"]
    assert lead_s["apart"] < 2.5
    assert lead_s["alike"] - lead_s["apart"] > 50 * 0.16 / 2


def test_the_facts_of_the_clocks_are_kept_with_their_uncertainty():
    agent = FarAgent("agent-01", 90.0, [(0.001, 0.001)] * 8)
    context = SimpleNamespace(agents=[agent], epoch=agent.epoch, lost={})
    (facts,) = clock_facts(context, context.agents).values()
    assert facts["applied_s"] == pytest.approx(90.0)
    assert facts["uncertainty_s"] == pytest.approx(0.001)


def test_skews_are_on_the_managers_clock():
    trial = a_trial(agent_01=0.0, agent_02=90.0)
    found = skews(
        trial,
        {"agent-01": 10.0, "agent-02": 100.002},
        {"agent-01": (10.1, 20.1), "agent-02": (10.2, 19.1)},
    )
    assert (found.pop("first_done"), found.pop("last_done")) == ("agent-02", "agent-01")
    assert found == pytest.approx(
        {"gate_skew_s": 0.002, "start_skew_s": 0.1, "end_skew_s": 1.0, "overlap": 0.89}
    )
    assert skews(trial, {"agent-01": 10.0}, {"agent-01": (10.0, 20.0)}) is None


def test_a_trial_of_an_older_run_has_no_clocks():
    assert applied_s(a_trial(), "agent-01") == 0
