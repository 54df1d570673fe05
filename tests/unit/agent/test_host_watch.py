"""When a host is sampled during a trial, and what the end says of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.agent.host_watch import HostWatch, wishes_of
from storperf.agent.steady_clock import SteadyClock


class Time:
    now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def time():
    return Time()


def watch(time, **asked):
    return HostWatch(wishes_of(asked), {}, (), SteadyClock(time, lambda: time() + 1000.0))


def test_samples_lie_on_the_grid_that_was_asked_for(time):
    host = watch(time, interval_s=0.5)
    found = []
    for _ in range(12):
        time.now_s += 0.25
        found.append(host.poll())
    times = [(each["start_s"], each["end_s"]) for each in found if each]
    assert times == [(1100 + n / 2, 1100.5 + n / 2) for n in range(6)]
    assert host.due_s == 103.5
    host.end()
    told = host.told()
    assert (told["samples"], told["missed"]) == (6, 0)


def test_a_late_sample_skips_ahead_and_none_comes_in_a_burst(time):
    host = watch(time)
    taken = []
    for now_s in (100.5, 101.02, 101.1, 104.7, 104.8, 104.9, 105.01):
        time.now_s = now_s
        sample = host.poll()
        taken += [now_s] if sample else []
    host.end()
    assert taken == [101.02, 104.7, 105.01]
    assert host.told()["missed"] == 2  # those at 102 and 103


@given(st.floats(0.1, 60.0), st.lists(st.floats(0.0, 500.0), max_size=20))
def test_no_moment_has_two_samples_and_all_lie_on_the_grid(every_s, pauses):
    time = Time()
    host = watch(time, interval_s=every_s)
    samples = 0
    for pause_s in pauses:
        time.now_s += pause_s
        samples += host.poll() is not None
        assert host.poll() is None
        assert host.due_s > time.now_s
        steps = (host.due_s - 100.0) / every_s
        assert steps == pytest.approx(round(steps))
    host.end()
    assert samples + host.told()["missed"] <= (time.now_s - 100.0) / every_s + 1


def test_the_rest_of_a_trial_is_a_sample_when_it_is_long_enough(time):
    host = watch(time)
    time.now_s += 0.3
    assert host.end()["end_s"] == 1100.3
    time.now_s += 0.3
    assert host.end() is None
    host = watch(time)
    time.now_s += 0.1
    assert host.end() is None


def test_a_trial_that_was_not_sampled_tells_of_nobody(time):
    host = watch(time)
    assert host.told() == {
        "samples": 0,
        "missed": 0,
        "cpu_share": host.told()["cpu_share"],
        "top": [],
    }


def test_no_wish_makes_the_agent_sample_without_a_pause(time):
    host = watch(time, interval_s=0.0001)
    assert host.due_s == pytest.approx(100.1)
    host.end()


@pytest.mark.parametrize("asked", [{"interval_s": "often"}, {"interval_s": float("nan")}])
def test_a_wish_that_is_no_number_is_refused_before_a_trial_begins(asked):
    with pytest.raises(ValueError, match=r"often|finite"):
        wishes_of(asked)
