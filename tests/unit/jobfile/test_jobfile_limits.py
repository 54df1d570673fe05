"""Limit sentences."""

from __future__ import annotations

import pytest

from storperf.jobfile.limits import FIGURES, read_limit
from storperf.model.job import Limit, LimitOn, Op
from storperf.model.metric import METRICS


@pytest.mark.parametrize(
    ("sentence", "limit"),
    [
        ("iops >= 5000", {"metric": "iops", "at_least": True, "bound": 5000}),
        ("iops>=5k", {"metric": "iops", "at_least": True, "bound": 5000}),
        ("iops <= 1.5M", {"metric": "iops", "at_least": False, "bound": 1_500_000}),
        ("p99 clat <= 2ms", {"metric": "clat_p99", "at_least": False, "bound": 2_000_000}),
        ("P99.9 clat <= 2 ms", {"metric": "clat_p99_9", "at_least": False, "bound": 2_000_000}),
        ("p99.99 clat >= 1us", {"metric": "clat_p99_99", "at_least": True, "bound": 1000}),
        ("max clat <= 1s", {"metric": "clat_max", "at_least": False, "bound": 1e9}),
        ("mean  lat <= 500us", {"metric": "lat_mean", "at_least": False, "bound": 500_000}),
        ("mean slat <= 9ns", {"metric": "slat_mean", "at_least": False, "bound": 9}),
        ("bandwidth >= 100MiB/s", {"metric": "bandwidth", "at_least": True, "bound": 100 << 20}),
        ("bandwidth >= 100M / s", {"metric": "bandwidth", "at_least": True, "bound": 100 << 20}),
        ("read iops >= 1", {"metric": "iops", "at_least": True, "bound": 1, "op": Op.READ}),
        (
            "write rr: iops >= 1",
            {"metric": "iops", "at_least": True, "bound": 1, "op": Op.WRITE, "workload": "rr"},
        ),
        (
            "trim my work: iops >= 1",
            {"metric": "iops", "at_least": True, "bound": 1, "op": Op.TRIM, "workload": "my work"},
        ),
        ("read: iops >= 1", {"metric": "iops", "at_least": True, "bound": 1, "workload": "read"}),
        ("a: b: iops >= 1", {"metric": "iops", "at_least": True, "bound": 1, "workload": "a: b"}),
    ],
)
def test_a_sentence_is_a_limit(sentence, limit):
    assert read_limit(sentence) == Limit(text=sentence, **limit)


def test_every_metric_can_be_limited():
    assert len(FIGURES) == len(METRICS)


def test_an_unknown_figure_names_the_nearest_and_all():
    with pytest.raises(ValueError, match="did you mean 'p99 clat'; there are iops, bandwidth"):
        read_limit("p98 clat <= 2ms")


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        ("", "shape is"),
        ("iops", "shape is"),
        ("iops > 5", "shape is"),
        ("iops == 5", "shape is"),
        ("iops >= 5 <= 6", "shape is"),
        ("5 <= iops", "not a figure"),
        ("iops >= fast", "operations per second"),
        ("iops >= -5", "operations per second"),
        ("iops >= 5ms", "operations per second"),
        ("iops >= 0", "more than 0"),
        ("iops >= " + "9" * 399, "short sentence"),
        ("iops >= " + "9" * 380, "more than 0"),
        ("p99 clat <= 2", "no unit"),
        ("p99 clat <= 2.5", "no unit"),
        ("p99 clat <= 2MB", "not a duration"),
        ("p99 clat <= 0ms", "more than 0"),
        ("bandwidth >= 100M", "write 100MiB/s"),
        ("bandwidth >= x/s", "not a size"),
        ("bandwidth >= 0/s", "more than 0"),
        ("p99 <= 2ms", "not a figure"),
        (None, "short sentence"),
        (["iops >= 5"], "short sentence"),
    ],
)
def test_what_is_no_limit_is_refused_with_what_is_possible(sentence, says):
    with pytest.raises(ValueError, match=says):
        read_limit(sentence)


@pytest.mark.parametrize("on", list(LimitOn))
def test_a_limit_may_say_on_what_it_is_judged(on):
    plain = read_limit("write rr: iops >= 5000")
    found = read_limit({"limit": "write rr: iops >= 5000", "on": on.value})
    assert found.on is on
    assert (found.metric, found.bound, found.op) == (plain.metric, plain.bound, plain.op)
    assert found.text == plain.text + ("" if on is LimitOn.EACH_STEP else f" ({on})")


def test_a_limit_of_nothing_but_its_sentence_is_that_sentence():
    assert read_limit({"limit": "iops >= 5"}) == read_limit("iops >= 5")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"iops": "5"}, "'iops' is no key"),
        ({"on": "sum"}, "no `limit`"),
        ({"limit": "iops >= 5", "where": "sum"}, "'where' is no key"),
        ({"limit": "iops >= 5", "on": "best agent"}, "each step, worst agent, sum"),
        ({"limit": "iops >= 5", "on": None}, "None is not one of"),
        ({"limit": {"limit": "iops >= 5"}}, "short sentence"),
        ({"limit": "p99 clat <= 2ms", "on": "sum"}, "latencies have no sum"),
    ],
)
def test_a_limit_with_a_wrong_place_is_refused(entry, says):
    with pytest.raises(ValueError, match=says):
        read_limit(entry)
