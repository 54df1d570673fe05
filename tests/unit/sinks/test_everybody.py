"""All agents as one: no second is counted twice, and none that somebody has not passed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.sinks.test_seconds import SLICE

from storperf.model.job import Op
from storperf.sinks.entries import figures_of
from storperf.sinks.everybody import Everybody


def second(agent, end_s, **changes):
    return replace(
        SLICE, agent=agent, start_s=end_s - 1, end_s=end_s, duration_s=1.0, target=0, **changes
    )


def of(streams):
    return Everybody(streams, lambda op: f"all.{op.value}")


def test_a_second_is_given_once_every_stream_has_passed_it():
    everybody = of(2)
    assert everybody.feed(second("a", 1001.5)) == ()
    assert everybody.feed(second("a", 1002.5)) == ()
    assert everybody.feed(second("b", 1001.9)) == ()
    (found,) = everybody.feed(second("b", 1002.9))
    assert (found.second, found.path, found.length_s) == (1001, "all.read", 1)
    # 100 I/Os a second on each: shared out, the sum is exact.
    assert dict(figures_of(found))["iops"] == pytest.approx(200)


def test_no_second_falls_out_when_the_agents_drift():
    everybody = of(2)
    found = []
    for number in range(200):
        for agent, length_s in (("a", 1.003), ("b", 0.998)):
            end_s = 1000 + (number + 1) * length_s
            one = replace(second(agent, end_s), start_s=end_s - length_s)
            found += everybody.feed(one)
    assert [each.second for each in found] == list(range(1000, 1000 + len(found)))
    assert len(found) > 195
    rates = [dict(figures_of(each))["iops"] for each in found]
    assert rates == pytest.approx([100 / 1.003 + 100 / 0.998] * len(found))


def test_percentiles_are_of_all_ios_together():
    everybody = of(2)
    everybody.feed(second("a", 1001.0, bins=((1000, 99),)))
    (found,) = everybody.feed(second("b", 1001.0, bins=((9000, 1),)))
    figures = dict(figures_of(found))
    # The mean of the agents' medians would be 5000.
    assert (figures["clat_p50"], figures["clat_max"]) == (1000, 9000)


def test_the_first_second_is_one_in_which_all_were_at_work():
    everybody = of(2)
    for end_s in (1001.0, 1002.0, 1003.0):
        everybody.feed(second("a", end_s))
    found = everybody.feed(second("b", 1002.5)) + everybody.feed(second("b", 1003.5))
    assert [each.second for each in found] == [1002]


def test_a_lost_agent_takes_its_seconds_with_it_until_it_is_back():
    everybody = of(2)
    both = [each for agent in "ab" for each in everybody.feed(second(agent, 1001.0))]
    alone = [each for end in range(2, 9) for each in everybody.feed(second("a", 1000.0 + end))]
    back = [each for end in range(2, 9) for each in everybody.feed(second("b", 1000.0 + end))]
    assert ([each.second for each in both], alone) == ([1000], [])
    assert [each.second for each in back] == list(range(1001, 1008))


def test_what_waits_for_a_lost_agent_is_bounded():
    everybody = of(2)
    everybody.feed(second("b", 1001.0))
    for end in range(1, 3000):
        everybody.feed(second("a", 1000.0 + end))
    assert len(everybody._seconds[Op.READ]) <= 900


def test_directions_are_apart():
    everybody = of(1)
    found = everybody.feed(second("a", 1001.0)) + everybody.feed(second("a", 1001.0, op=Op.WRITE))
    assert [each.path for each in found] == ["all.read", "all.write"]
