"""From intervals to a trial's figures."""

import numpy as np
import pytest
from unit.stats.builders import (
    MIXED,
    RANDREAD,
    SEQ_WRITE,
    ar1,
    make_intervals,
    make_job,
    make_step,
    make_table,
)

from storperf.model.ending import ConfidentRule, SteadyRule, StorperfRule
from storperf.model.job import Op
from storperf.model.metric import METRICS
from storperf.model.run import Flag, Steadiness
from storperf.stats.summary import summarise_trial
from storperf.stats.table import IntervalTable


def summarise(table, *, workload=RANDREAD, agents=1, pieces=None, until=None, met=(), **rules):  # noqa: PLR0913 - a test names what it cares about
    return summarise_trial(
        table=table,
        pieces=pieces,
        step=make_step(workload, agents=agents),
        job=make_job(until=until, **rules),
        trial_id="t",
        met=frozenset(met),
    )


def value(summary, metric, *, op="read", agent="all"):
    found = [s for s in summary.summaries if (s.metric, s.op, s.agent) == (metric, op, agent)]
    assert len(found) == 1, f"{metric} {op} {agent}: {found}"
    return found[0]


def test_rate_is_all_ios_over_all_time_when_slices_differ_in_length():
    lengths = [0.9] + [1.0] * 29 + [0.1]
    rows = make_intervals([1000.0] * 30 + [100.0], slice_s=lengths)
    summary = summarise(make_table(rows))
    assert value(summary, "iops").value == pytest.approx((900 + 29_000 + 10) / 30.0)
    assert value(summary, "bandwidth").value == pytest.approx((900 + 29_000 + 10) * 4096 / 30.0)


def test_each_stream_is_divided_by_its_own_time():
    whole = make_intervals([1000.0] * 30)
    gap = [row for row in make_intervals([500.0] * 30, target=1) if not 10 <= row.index < 20]
    summary = summarise(make_table(whole, gap))
    assert value(summary, "iops").value == pytest.approx(1500)


def test_latency_mean_is_weighted_by_io_counts():
    busy = make_intervals([3000.0] * 30, latency_ns=100)
    idle = make_intervals([1000.0] * 30, latency_ns=500, target=1)
    summary = summarise(make_table(busy, idle))
    assert value(summary, "clat_mean").value == pytest.approx((3000 * 100 + 1000 * 500) / 4000)
    assert value(summary, "iops").value == pytest.approx(4000)


def test_percentiles_come_from_the_merged_histogram():
    fast = make_intervals([990.0] * 30, latency_ns=100)
    slow = make_intervals([10.0] * 30, latency_ns=5000, target=1)
    summary = summarise(make_table(fast, slow))
    assert value(summary, "clat_p99").value == 100
    assert value(summary, "clat_p99_9").value == 5000
    assert value(summary, "clat_max").value == 5000
    assert value(summary, "clat_p99").low is None


@pytest.mark.parametrize("at_once", [1, 7, 100])
def test_a_table_without_histograms_and_its_rows_in_pieces_say_the_same(at_once):
    rows = [
        *make_intervals([1000.0] * 30 + [900.0], latency_ns=300),
        *make_intervals([10.0] * 31, latency_ns=5000, target=1, op=Op.WRITE),
        *make_intervals([500.0] * 35, agent="agent-02", latency_ns=700),
    ]
    table = make_table(rows)
    pieces = (
        table.where(np.isin(np.arange(len(table)), range(start, start + at_once)))
        for start in range(0, len(table), at_once)
    )
    whole = summarise(table, workload=MIXED, agents=2)
    assert summarise(table.without_bins(), workload=MIXED, agents=2, pieces=pieces) == whole
    assert {"clat_p99", "clat_max"} <= {each.metric for each in whole.summaries}


def test_rows_without_any_histogram_have_no_percentile():
    table = make_table(make_intervals([1000.0] * 30))
    found = summarise(table.without_bins())
    assert {each.metric for each in found.summaries} == {
        "iops",
        "bandwidth",
        "clat_mean",
        "lat_mean",
    }


def test_every_metric_that_was_measured_is_there_for_each_agent_and_for_all():
    one = make_intervals([1000.0] * 30)
    two = make_intervals([500.0] * 30, agent="agent-02")
    summary = summarise(make_table(one, two), agents=2)
    for agent in ("all", "agent-01", "agent-02"):
        metrics = {s.metric for s in summary.summaries if s.agent == agent}
        assert metrics == set(METRICS) - {"slat_mean"}
    assert value(summary, "iops").value == pytest.approx(1500)
    assert value(summary, "iops", agent="agent-02").value == pytest.approx(500)


def test_only_the_interval_common_to_all_agents_counts():
    early = make_intervals([9000.0] * 5 + [1000.0] * 35)
    late = make_intervals([1000.0] * 35 + [9000.0] * 5, agent="agent-02", start_s=1005.0)
    summary = summarise(make_table(early, late), agents=2)
    assert summary.window_s == pytest.approx((1005.0, 1040.0))
    assert value(summary, "iops", agent="agent-01").value == pytest.approx(1000)
    assert value(summary, "iops", agent="agent-02").value == pytest.approx(1000)
    assert Flag.LOW_OVERLAP in summary.flags


def test_agents_with_shifted_slices_are_not_low_overlap():
    one = make_intervals([1000.0] * 40)
    two = make_intervals([1000.0] * 40, agent="agent-02", start_s=1000.4)
    summary = summarise(make_table(one, two), agents=2)
    assert summary.flags == ()
    assert value(summary, "iops").value == pytest.approx(2000)


def test_missing_agent_makes_the_trial_partial():
    assert summarise(make_table(make_intervals([1000.0] * 30)), agents=2).flags == (Flag.PARTIAL,)


def test_silent_target_makes_the_trial_partial():
    one = make_intervals([1000.0] * 30)
    dead = make_intervals([0.0] * 30, target=1)
    assert summarise(make_table(one, dead)).flags == (Flag.PARTIAL,)


def test_direction_without_io_is_missing_and_has_no_summary():
    table = make_table(make_intervals([1000.0] * 30), make_intervals([0.0] * 30, op=Op.WRITE))
    summary = summarise(table, workload=MIXED)
    assert summary.missing_ops == (Op.WRITE,)
    assert {s.op for s in summary.summaries} == {"read"}


def test_empty_table_yields_no_number_at_all():
    summary = summarise(IntervalTable.from_intervals([]))
    assert summary.summaries == ()
    assert summary.missing_ops == (Op.READ,)
    assert summary.steadiness is Steadiness.NOT_JUDGED
    assert summary.flags == (Flag.PARTIAL,)
    assert summary.window_s is None


def test_agents_that_never_ran_together_yield_no_number():
    one = make_intervals([1000.0] * 30)
    two = make_intervals([1000.0] * 30, agent="agent-02", start_s=2000.0)
    summary = summarise(make_table(one, two), agents=2)
    assert summary.summaries == ()
    assert Flag.LOW_OVERLAP in summary.flags


def test_ramp_is_cut_before_summing():
    ramp = np.concatenate([np.linspace(200, 1000, 15), np.full(45, 1000.0)])
    rng = np.random.default_rng(5)
    summary = summarise(make_table(make_intervals(ramp * rng.normal(1, 0.005, 60))))
    assert 10 <= summary.figures[0].warmup_s <= 20
    assert value(summary, "iops").value == pytest.approx(1000, rel=0.01)
    assert summary.steadiness is Steadiness.STEADY


def test_fall_over_the_whole_trial_is_not_steady():
    rng = np.random.default_rng(6)
    falling = np.linspace(1000, 700, 60) * rng.normal(1, 0.01, 60)
    summary = summarise(make_table(make_intervals(falling)))
    assert summary.steadiness is Steadiness.NOT_STEADY


def test_trial_that_settles_only_after_half_never_settled():
    rng = np.random.default_rng(8)
    cliff = np.where(np.arange(120) < 66, 1600.0, 1000.0) * rng.normal(1, 0.03, 120)
    summary = summarise(make_table(make_intervals(cliff)))
    assert summary.steadiness is Steadiness.NOT_STEADY
    assert "never settled" in summary.figures[0].sentence
    assert summary.figures[0].warmup_s == pytest.approx(60.0)


def test_steady_noise_is_steady_and_its_interval_holds_the_mean():
    rng = np.random.default_rng(7)
    summary = summarise(make_table(make_intervals(ar1(rng, 60))))
    assert summary.steadiness is Steadiness.STEADY
    iops = value(summary, "iops")
    assert iops.low < 1000 < iops.high
    assert summary.figures[0].snia_steady


def test_short_trial_is_not_judged_and_has_no_interval():
    summary = summarise(make_table(make_intervals([1000.0] * 10)))
    assert summary.steadiness is Steadiness.NOT_JUDGED
    assert value(summary, "iops").value == pytest.approx(1000)
    assert value(summary, "iops").low is None


def test_sequential_workload_is_judged_by_bandwidth():
    summary = summarise(make_table(make_intervals([100.0] * 30, op=Op.WRITE)), workload=SEQ_WRITE)
    assert [figures.metric for figures in summary.figures] == ["bandwidth"]


RULE = SteadyRule(round_s=10.0)


def test_until_steady_is_summarised_over_its_last_window():
    values = [2000.0] * 20 + [1000.0] * 50 + [1000.0] * 3
    summary = summarise(make_table(make_intervals(values)), until=RULE, met=["steady"])
    assert summary.steadiness is Steadiness.STEADY
    assert summary.window_s == pytest.approx((1020.0, 1070.0))
    assert value(summary, "iops").value == pytest.approx(1000)
    assert summary.figures[0].warmup_s == pytest.approx(20.0)


def test_deadline_is_not_steady_even_with_a_flat_window():
    table = make_table(make_intervals([1000.0] * 60))
    assert summarise(table, until=RULE).steadiness is Steadiness.NOT_STEADY


def test_stored_data_must_agree_with_the_engine_that_it_was_steady():
    table = make_table(make_intervals(np.linspace(1000, 400, 60)))
    summary = summarise(table, until=RULE, met=["steady"])
    assert summary.steadiness is Steadiness.NOT_STEADY


def test_until_steady_without_one_whole_window_is_not_steady():
    table = make_table(make_intervals([1000.0] * 30))
    assert summarise(table, until=RULE, met=["steady"]).steadiness is Steadiness.NOT_STEADY


def test_the_window_of_a_steady_trial_tells_its_drift_with_its_interval():
    rng = np.random.default_rng(9)
    falling = np.linspace(1040, 960, 50) * rng.normal(1, 0.005, 50)
    summary = summarise(make_table(make_intervals(falling)), until=RULE, met=["steady"])
    [figures] = summary.figures
    # SNIA's rule accepts it; who reads the result sees it fall.
    assert (summary.steadiness, figures.snia_steady) == (Steadiness.STEADY, True)
    assert figures.drift_low < -0.08 < figures.drift_high < -0.05
    assert f"It drifts by {figures.drift:+.1%} over the window (95 % interval" in figures.sentence


CONFIDENT = {"until_confident": ConfidentRule(at_least=100)}
STORPERF = {"until_storperf": StorperfRule(sample_s=10.0)}
CLIFF = [2000.0] * 50 + [1000.0] * 70


def noisy(values, seed=10):
    return np.asarray(values) * np.random.default_rng(seed).normal(1, 0.01, len(values))


def test_a_trial_that_ended_by_its_confidence_is_judged_like_one_of_fixed_length():
    rows = make_table(make_intervals(noisy(CLIFF)))
    by_time, by_rule = summarise(rows), summarise(rows, met=["confident"], **CONFIDENT)
    assert by_rule == by_time
    assert value(by_rule, "iops").value == pytest.approx(1000, rel=0.01)


def test_a_confident_mean_of_a_falling_trial_is_not_steady():
    table = make_table(make_intervals(noisy(np.linspace(1000, 700, 120))))
    summary = summarise(table, met=["confident"], **CONFIDENT)
    assert summary.steadiness is Steadiness.NOT_STEADY


def test_a_deadline_of_confidence_alone_says_nothing_about_steadiness():
    table = make_table(make_intervals(noisy([1000.0] * 120)))
    assert summarise(table, **CONFIDENT).steadiness is Steadiness.STEADY


def test_steady_and_confident_is_summed_over_all_that_was_kept():
    rows = make_table(make_intervals(noisy(CLIFF)))
    summary = summarise(rows, until=RULE, met=["steady", "confident"], **CONFIDENT)
    assert summary.steadiness is Steadiness.STEADY
    [figures] = summary.figures
    assert 50 < figures.kept_s < 75
    assert figures.snia_steady
    assert "over the kept part" in figures.sentence
    assert "Steady: over the last 5 rounds of 10 s" in figures.sentence


def test_steady_and_confident_has_to_be_steady_by_both():
    # The kept part as a whole does not drift, but its last window falls.
    values = [1000.0] * 200 + list(np.linspace(1000, 800, 50))
    table = make_table(make_intervals(noisy(values)))
    assert summarise(table, met=["confident"], **CONFIDENT).steadiness is Steadiness.STEADY
    summary = summarise(table, until=RULE, met=["steady", "confident"], **CONFIDENT)
    assert summary.steadiness is Steadiness.NOT_STEADY
    assert "Not steady: over the last 5 rounds" in summary.figures[0].sentence


def test_a_deadline_of_steady_and_confident_says_what_was_steady_and_what_was_not():
    flat = make_table(make_intervals(noisy(CLIFF)))
    summary = summarise(flat, until=RULE, **CONFIDENT)
    assert summary.steadiness is Steadiness.STEADY
    assert 50 < summary.figures[0].kept_s < 75
    falling = make_table(make_intervals(noisy(np.linspace(1000, 500, 120))))
    assert summarise(falling, until=RULE, **CONFIDENT).steadiness is Steadiness.NOT_STEADY


def test_steady_and_confident_before_a_whole_window_is_not_steady():
    table = make_table(make_intervals(noisy([1000.0] * 45)))
    summary = summarise(table, until=RULE, **CONFIDENT)
    assert summary.steadiness is Steadiness.NOT_STEADY
    assert "before one window of rounds was complete" in summary.figures[0].sentence


def test_a_trial_that_the_old_rule_ended_is_judged_anew_over_its_last_window():
    flat = make_table(make_intervals(noisy(CLIFF)))
    summary = summarise(flat, met=["storperf"], **STORPERF)
    assert summary.steadiness is Steadiness.STEADY
    assert summary.window_s == pytest.approx((1070.0, 1120.0))
    falling = make_table(make_intervals(noisy(np.linspace(1000, 500, 100))))
    summary = summarise(falling, met=["storperf"], **STORPERF)
    assert summary.steadiness is Steadiness.NOT_STEADY
    assert "Not steady: over the last 5 rounds of 10 s" in summary.figures[0].sentence


def test_a_trial_that_the_old_rule_ended_before_five_rounds_is_not_judged():
    table = make_table(make_intervals(noisy([1000.0] * 40)))
    rule = {"until_storperf": StorperfRule(sample_s=10.0, samples=4)}
    summary = summarise(table, met=["storperf"], **rule)
    assert summary.steadiness is Steadiness.NOT_JUDGED
    assert value(summary, "iops").value == pytest.approx(1000, rel=0.01)


def test_a_deadline_of_the_old_rule_is_not_steady():
    table = make_table(make_intervals(noisy([1000.0] * 120)))
    assert summarise(table, **STORPERF).steadiness is Steadiness.NOT_STEADY


def test_steady_by_both_rules_is_summed_over_the_last_window_not_the_first():
    rows = make_table(make_intervals(noisy(CLIFF)))
    summary = summarise(rows, until=RULE, met=["steady", "storperf"], **STORPERF)
    assert summary.window_s == pytest.approx((1070.0, 1120.0))
    assert value(summary, "iops").value == pytest.approx(1000, rel=0.01)
