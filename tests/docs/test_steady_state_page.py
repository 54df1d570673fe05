"""The numbers of docs/explanation/steady-state.md are what the program computes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter
from unit.stats.builders import RANDREAD, make_intervals, make_job, make_step, make_table

from storperf.engine.ending_watch import EndingWatch
from storperf.engine.steady_watch import StorperfWatch
from storperf.engine.trial_end import end_of, rules_met
from storperf.model.ending import ConfidentRule, SteadyRule, StorperfRule
from storperf.model.job import Op
from storperf.stats.batch import batch_interval
from storperf.stats.steady import snia_window
from storperf.stats.storperf_rule import storperf_window
from storperf.stats.summary import summarise_trial
from storperf.stats.warmup import mser5_cut

PAGE = Path(__file__).parents[2] / "docs/explanation/steady-state.md"
# 100 for five minutes, then 70 for good; twenty minutes of seconds.
DEVICE = [100.0] * 300 + [70.0] * 900
MINUTES = [100.0] * 5 + [70.0] * 15
OLD = StorperfRule()
TWO_MINUTES = SteadyRule(round_s=120.0)


def rows_of(heading):
    """The cells of the table below a heading of the page, without its two head rows."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n{heading}\n", 1)[1]
    lines = text[text.index("\n|") :].splitlines()[1:]
    table = [line for line in lines[: lines.index("")] if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def text():
    return PAGE.read_text(encoding="utf-8")


# --- 100 for five minutes, then 70 for good ------------------------------------------------------


def old_windows():
    """For each minute the running average, and the old rule's figures once it has ten."""
    watch = StorperfWatch(RANDREAD, OLD, streams=1)
    for second, interval in enumerate(make_intervals(DEVICE), start=1):
        watch.feed(interval)
        if second % 60 == 0:
            figures = {each["metric"]: each for each in watch.figures()}
            yield second // 60, watch.samples[Op.READ, "iops"][-1], watch.is_met, figures


def test_minute_by_minute_the_old_rule_saw_what_the_page_shows():
    shown = []
    for minute, average, is_met, figures in old_windows():
        own = MINUTES[minute - 10 : minute]
        window = figures["iops"]["range"] / figures["iops"]["average"] if figures else None
        true = storperf_window(own, OLD) if len(own) == 10 else None
        shown.append(
            [
                str(minute),
                f"{MINUTES[minute - 1]:.0f}",
                f"{average:.1f}",
                "" if window is None else f"{window:.1%}".replace("%", " %"),
                "steady" if is_met else "",
                "" if true is None else f"{true.range / true.average:.0%}".replace("%", " %"),
                "steady" if true is not None and true.is_steady else "",
            ]
        )
    assert rows_of("### Minute by minute") == shown[4:16]


def test_the_old_rule_is_met_at_minute_ten_with_an_average_of_nothing_that_was():
    first = next(each for each in old_windows() if each[2])
    minute, _, _, figures = first
    assert minute == 10
    assert figures["iops"]["average"] == pytest.approx(94.7, abs=0.05)
    assert figures["iops"]["range"] / figures["iops"]["average"] == pytest.approx(0.158, abs=5e-4)
    own = storperf_window(MINUTES[:10], OLD)
    assert own.range / own.average == pytest.approx(0.35, abs=0.005)
    steady = [m for m in range(10, 21) if storperf_window(MINUTES[m - 10 : m], OLD).is_steady]
    assert (steady[0], np.mean(MINUTES[5:15])) == (15, 70)


def by_our_rules(**rules):
    """When a trial of these rules ends, how it is called, and what it is judged to be."""
    job = make_job(runtime_s=1200.0, workloads=(RANDREAD,), **rules)
    watch = EndingWatch(RANDREAD, job.ending, 1.0, streams=1) if job.ending.rules else None
    intervals = make_intervals(DEVICE)
    for second, interval in enumerate(intervals, start=1):
        if watch is not None:
            watch.feed(interval)
            if watch.why:
                intervals = intervals[:second]
                break
    met = rules_met(watch.why) if watch else frozenset()
    found = summarise_trial(
        table=make_table(intervals), step=make_step(), job=job, trial_id="t", met=met
    )
    [iops] = [
        each.value for each in found.summaries if (each.metric, each.agent) == ("iops", "all")
    ]
    return [
        f"{len(intervals) / 60:g}",
        f"`{end_of(job, make_step(), met).value}`",
        f"`{found.steadiness.value}`",
        f"{iops:.1f}",
    ]


RULES = {
    "`storperf`": {"until_storperf": OLD},
    "`duration: 20m`": {},
    "`steady`, rounds of 1 minute": {"until": SteadyRule(round_s=60.0)},
    "`steady`, rounds of 2 minutes": {"until": TWO_MINUTES},
    "`confident`": {"until_confident": ConfidentRule()},
    "`steady`, rounds of 2 minutes, and `confident`": {
        "until": TWO_MINUTES,
        "until_confident": ConfidentRule(),
    },
}


def test_what_our_rules_make_of_it_stands_on_the_page():
    assert rows_of("### What our rules make of it") == [
        [name, *by_our_rules(**rules)] for name, rules in RULES.items()
    ]


def test_a_ramp_passes_the_old_slope_and_not_snias():
    # 19 % from the first to the last of ten samples.
    ramp = np.linspace(100 - 9.5, 100 + 9.5, 10)
    assert storperf_window(ramp, OLD).is_steady
    ten = SteadyRule(round_s=60.0, rounds=10)
    assert not snia_window(ramp.tolist(), ten).is_steady
    assert "a ramp of 19 % over the window passes" in text()


# --- looking until it is narrow ------------------------------------------------------------------


def series(rng, count, phi, sigma):
    noise = rng.normal(size=count)
    noise[0] /= math.sqrt(1 - phi**2)
    return 1e4 * (1 + sigma * math.sqrt(1 - phi**2) * lfilter([1.0], [1.0, -phi], noise))


def stopped(values, rule):
    """Whether the interval that the result shows holds the mean, and the length of the trial."""
    watch = EndingWatch(RANDREAD, make_job(until_confident=rule).ending, 1.0, streams=1)
    count = len(values)
    for second, interval in enumerate(make_intervals(values), start=1):
        watch.feed(interval)
        if watch.why:
            count = second
            break
    cut = mser5_cut(values[:count])
    found = batch_interval(values[cut.values : count])
    return abs(found.mean - 1e4) <= found.half_width, count


@pytest.mark.parametrize(
    ("autocorrelation", "deviation", "at_least"),
    [("0.5", "5 %", "60"), ("0.5", "5 %", "300"), ("0.8", "3 %", "60"), ("0.8", "3 %", "300"),
     ("0.8", "5 %", "300")],
)  # fmt: skip
def test_the_interval_of_who_looks_until_it_is_narrow_holds_as_often_as_the_page_says(
    autocorrelation, deviation, at_least
):
    [row] = [
        row
        for row in rows_of("### How often such an interval is right")
        if row[:3] == [autocorrelation, deviation, at_least]
    ]
    rng = np.random.default_rng([8, int(at_least)])
    rule = ConfidentRule(at_least=int(at_least))
    repetitions = 60
    hits, lengths = zip(
        *(
            stopped(series(rng, 2400, float(autocorrelation), float(deviation[0]) / 100), rule)
            for _ in range(repetitions)
        ),
        strict=True,
    )
    stated = float(row[3]) / 100
    # Three standard errors of this small sample about what the large one gave.
    tolerance = 3 * math.sqrt(stated * (1 - stated) / repetitions)
    assert np.mean(hits) == pytest.approx(stated, abs=tolerance)
    assert np.median(lengths) == pytest.approx(float(row[4]), rel=0.35)
