"""The rules of an ending, alone and combined, over simulated trials."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from unit.stats.builders import MIXED, RANDREAD, ar1

from storperf.engine.ending_watch import ConfidentWatch, EndingWatch
from storperf.engine.round_sums import RoundSums
from storperf.engine.steady_watch import StorperfWatch
from storperf.model.ending import ConfidentRule, Ending, Need, SteadyRule, StorperfRule
from storperf.model.interval import Interval
from storperf.model.job import Op

STEADY = SteadyRule(round_s=10.0)
CONFIDENT = ConfidentRule(at_least=100)
STORPERF = StorperfRule(sample_s=10.0)


def an_interval(second, ios, *, lat_ns=1000.0, **more):
    values = {"agent": "agent-01", "target": 0, "op": Op.READ, **more}
    return Interval(
        trial="t001",
        attempt=1,
        index=second,
        start_s=1000.0 + second,
        end_s=1001.0 + second,
        duration_s=1.0,
        ios=ios,
        bytes=ios * 4096,
        clat_count=ios,
        clat_sum_ns=ios * lat_ns,
        slat_sum_ns=0.0,
        lat_sum_ns=ios * lat_ns,
        bins=((1000, ios),) if ios else (),
        **values,
    )


def an_ending(**rules):
    return Ending(runtime_s=3600.0, **rules)


def a_watch(workload=RANDREAD, streams=1, **rules):
    return EndingWatch(workload, an_ending(**rules), 1.0, streams)


def met_after(watch, values, **more):
    """The seconds after which the watch said why; None when it never did."""
    for second, value in enumerate(values):
        watch.feed(an_interval(second, round(value), **more))
        if watch.why:
            return second + 1
    return None


# --- the earlier StorPerf's rule ---------------------------------------------------------------


def test_the_old_rule_looks_at_running_averages():
    watch = StorperfWatch(RANDREAD, STORPERF, streams=1)
    for second, value in enumerate([100] * 50 + [70] * 50):
        watch.feed(an_interval(second, value))
    running = [100.0] * 5 + [(500 + 70 * n) / (5 + n) for n in range(1, 6)]
    assert watch.samples[Op.READ, "iops"] == pytest.approx(running)
    assert watch.samples[Op.READ, "bandwidth"] == pytest.approx([4096 * each for each in running])
    assert watch.is_met
    figures = {each["metric"]: each for each in watch.figures()}
    assert figures["iops"]["average"] == pytest.approx(np.mean(running))
    assert figures["iops"]["range"] == pytest.approx(15.0)


def test_the_old_rule_needs_all_its_samples():
    assert met_after(a_watch(until_storperf=STORPERF), [100] * 99) is None
    assert met_after(a_watch(until_storperf=STORPERF), [100] * 100) == 100


def test_the_old_rule_looks_at_latency_too():
    watch = a_watch(until_storperf=STORPERF)
    for second in range(100):
        watch.feed(an_interval(second, 100, lat_ns=1000.0 * 1.02**second))
    assert not watch.why


def test_the_old_rule_sums_over_streams_and_wants_every_direction():
    watch = StorperfWatch(MIXED, STORPERF, streams=2)
    for second in range(110):
        for agent in ("agent-01", "agent-02"):
            watch.feed(an_interval(second, 100, agent=agent))
            watch.feed(an_interval(second, 30, agent=agent, op=Op.WRITE))
    assert watch.samples[Op.READ, "iops"] == pytest.approx([200.0] * 10)
    assert watch.samples[Op.WRITE, "iops"] == pytest.approx([60.0] * 10)
    assert watch.is_met


def test_a_direction_that_does_nothing_is_not_steady_by_the_old_rule_either():
    watch = StorperfWatch(MIXED, STORPERF, streams=1)
    for second in range(110):
        watch.feed(an_interval(second, 100))
        watch.feed(an_interval(second, 0, op=Op.WRITE))
    assert not watch.is_met


# --- confidence ----------------------------------------------------------------------------------


def test_confidence_comes_when_the_interval_is_narrow_and_not_before():
    values = ar1(np.random.default_rng(3), 3600, mean=10_000, sigma=0.05, phi=0.5)
    watch = a_watch(until_confident=CONFIDENT)
    after = met_after(watch, values)
    assert 100 < after < 1000
    assert watch.why == "confident"
    [figures] = watch.figures()["confident"]
    assert figures["half_width_share"] <= 0.01


def test_nothing_is_looked_at_before_the_least_number_of_intervals():
    assert met_after(a_watch(until_confident=CONFIDENT), [1000] * 99) is None
    assert met_after(a_watch(until_confident=CONFIDENT), [1000] * 100) == 100


def test_looks_are_made_whenever_there_is_a_tenth_more():
    watch = ConfidentWatch(RANDREAD, ConfidentRule(half_width=1e-9, at_least=100), 1.0, streams=1)
    looks, seen = [], []
    for second, value in enumerate(ar1(np.random.default_rng(4), 200)):
        watch.feed(an_interval(second, round(value)))
        if watch.figures() != seen:
            looks, seen = [*looks, second + 1], watch.figures()
    assert looks == [100, 111, 123, 136, 150, 165, 182]


def test_a_storage_that_hangs_is_never_known():
    assert met_after(a_watch(until_confident=CONFIDENT), [0] * 400) is None


def test_every_direction_has_to_be_known():
    rng = np.random.default_rng(5)
    watch = ConfidentWatch(MIXED, CONFIDENT, 1.0, streams=1)
    for second in range(500):
        watch.feed(an_interval(second, 1000))
        watch.feed(an_interval(second, max(0, round(rng.normal(1000, 400))), op=Op.WRITE))
    shares = {each["op"]: each["half_width_share"] for each in watch.figures()}
    assert shares["read"] <= 0.01 < shares["write"]
    assert not watch.is_met


def test_a_ramp_is_cut_before_the_mean_is_looked_at():
    ramp = np.concatenate([np.linspace(100, 1000, 30), np.full(200, 1000.0)])
    assert met_after(a_watch(until_confident=CONFIDENT), ramp) is not None


# --- combined ----------------------------------------------------------------------------------


# Steady at 50 s by SNIA's rule, known at 100 s, by the old rule at 100 s.
FLAT = [1000] * 400


@pytest.mark.parametrize(
    ("need", "seconds", "why"), [(Need.ALL, 100, "steady+confident"), (Need.ANY, 50, "steady")]
)
def test_all_rules_or_any(need, seconds, why):
    watch = a_watch(until_steady=STEADY, until_confident=CONFIDENT, need=need)
    assert met_after(watch, FLAT) == seconds
    assert watch.why == why


def test_with_all_the_rules_have_to_hold_at_the_same_time():
    # Flat at first, then climbing: steady early, by the old rule late, never both.
    climbing = [1000] * 60 + [1000 * 1.01**n for n in range(100)]
    alone = a_watch(until_steady=STEADY)
    assert met_after(alone, climbing) == 50
    both = a_watch(until_steady=STEADY, until_confident=ConfidentRule(at_least=100))
    assert met_after(both, climbing) is None


def test_what_comes_after_the_decision_changes_nothing():
    watch = a_watch(until_steady=STEADY, until_storperf=STORPERF, need=Need.ANY)
    met_after(watch, [100] * 50)
    before = watch.figures()
    for second, value in enumerate([10, 1000] * 100, start=50):
        watch.feed(an_interval(second, value))
    assert watch.why == "steady"
    assert watch.figures() == before


# --- memory ------------------------------------------------------------------------------------


def test_memory_does_not_grow_over_a_day_of_seconds():
    never = {
        "until_steady": SteadyRule(round_s=60.0, range_limit=1e-9),
        "until_storperf": StorperfRule(range_limit=1e-9),
        "until_confident": ConfidentRule(half_width=1e-9),
    }
    watch = a_watch(workload=MIXED, **never)
    rng = np.random.default_rng(6)
    values = iter(rng.integers(900, 1100, 2 * 86_400).tolist())
    sizes = {}
    tracemalloc.start()
    for second in range(86_400):
        watch.feed(an_interval(second, next(values)))
        watch.feed(an_interval(second, next(values), op=Op.WRITE))
        if second in {7_200, 86_399}:
            sizes[second] = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert not watch.why
    assert sizes[86_399] - sizes[7_200] < 20_000


def test_a_stream_that_never_begins_keeps_no_day_of_the_others():
    sums = RoundSums((Op.READ, Op.WRITE), ("ios",), 10.0, streams=1)
    for second in range(50_000):
        assert sums.feed(an_interval(second, 100)) == []
    assert len(sums._early) == 10_000
    # It begins at last: the rounds begin with it, and nothing is lost from then on.
    closed = [
        done
        for second in range(50_000, 50_040)
        for op in (Op.READ, Op.WRITE)
        for done in sums.feed(an_interval(second, 100, op=op))
    ]
    assert [done[Op.READ] for done in closed] == [pytest.approx((1000.0,))] * 4
