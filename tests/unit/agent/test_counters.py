"""Differences of cumulative documents are the true figures of each slice, and lose nothing."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.agent.counters import OPS, CounterDiffer, bin_difference, cumulative, errors
from storperf.agent.documents import DocumentSplitter

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fio"
CONCATENATED = [
    "jsonplus_status-interval1_concat.json",
    "single-job_randrw70_status-interval1_concat.json",
    "SIGUSR1-midrun.stdout",
]


def documents_of(name):
    splitter = DocumentSplitter()
    return splitter.feed((FIXTURES / name).read_bytes()) + splitter.finish()


def figures(ios, runtime_ms, *, clat=None, bins=None, size=4096):
    count = ios if clat is None else clat
    return {
        "total_ios": ios,
        "io_bytes": ios * size,
        "runtime": runtime_ms,
        "clat_ns": {
            "N": count,
            "mean": 100.0,
            "bins": bins if bins is not None else {"100": count},
        },
        "slat_ns": {"N": 0, "mean": 0.0},
        "lat_ns": {"N": count, "mean": 110.0},
    }


def document(*reads, options=None):
    return {"jobs": [{"error": 0, "job options": options or {}, "read": read} for read in reads]}


def slices(*documents):
    differ = CounterDiffer()
    return [differ.intervals(one) for one in documents], differ


@pytest.mark.parametrize("name", CONCATENATED)
def test_the_slices_sum_up_to_what_fio_says_in_the_end(name):
    documents = documents_of(name)
    found, differ = slices(*documents)
    last = cumulative(documents[-1])
    for op in OPS:
        of_op = [one for slice_ in found for one in slice_ if one["op"] == op]
        assert sum(one["ios"] for one in of_op) == last[op].ios
        assert sum(one["bytes"] for one in of_op) == last[op].bytes
        assert sum(one["clat_count"] for one in of_op) == last[op].clat_count
        assert round(sum(one["duration_s"] for one in of_op) * 1000) == last[op].runtime_ms
        assert sum(one["clat_sum_ns"] for one in of_op) == pytest.approx(last[op].clat)
    assert differ.resets == 0


def test_the_histogram_of_a_slice_holds_its_ios():
    found, _ = slices(*documents_of("jsonplus_status-interval1_concat.json"))
    for one in (one for slice_ in found for one in slice_):
        assert abs(sum(one["bins"][1::2]) - one["ios"]) <= 1
        values = one["bins"][::2]
        assert values == sorted(set(values))
        assert min(one["bins"][1::2], default=1) > 0


def test_the_first_and_the_last_slice_are_as_long_as_they_were():
    found, _ = slices(*documents_of("jsonplus_status-interval1_concat.json"))
    durations = [slice_[0]["duration_s"] for slice_ in found]
    assert durations[0] == 0.897
    assert durations[1:-1] == pytest.approx([1.0, 1.0], abs=0.01)
    assert 0 < durations[-1] < 0.2


def test_a_direction_without_time_has_no_slice():
    found, _ = slices(document(figures(10, 900)))
    assert [one["op"] for one in found[0]] == ["read"]


def test_a_stall_is_a_slice_without_ios():
    found, _ = slices(document(figures(10, 900)), document(figures(10, 1900)))
    (one,) = found[1]
    assert (one["ios"], one["duration_s"], one["bins"]) == (0, 1.0, [])


def test_the_same_document_twice_is_no_slice():
    one = document(figures(10, 900))
    assert slices(one, copy.deepcopy(one))[0][1] == []


def test_several_fio_jobs_are_one_sum_over_the_longest_time():
    found, _ = slices(
        document(figures(10, 900, bins={"100": 6, "200": 4}), figures(5, 880, bins={"200": 5})),
        document(figures(30, 1900, bins={"100": 26, "200": 4}), figures(7, 1880, bins={"200": 7})),
    )
    (first,), (second,) = found
    assert (first["ios"], first["duration_s"], first["bins"]) == (15, 0.9, [100, 6, 200, 9])
    assert (second["ios"], second["duration_s"], second["bins"]) == (22, 1.0, [100, 20, 200, 2])


def test_fixtures_with_and_without_group_reporting_agree_on_what_is_summed():
    apart = documents_of("numjobs4_no-group-reporting.json")[0]
    assert len(apart["jobs"]) == 4
    total = cumulative(apart)
    for op in ("read", "write"):
        assert total[op].ios == sum(job[op]["total_ios"] for job in apart["jobs"])
        assert total[op].runtime_ms == max(job[op]["runtime"] for job in apart["jobs"])
    assert cumulative(documents_of("numjobs4_group-reporting.json")[0])["read"].ios > 0


@pytest.mark.parametrize("behind", [50, 200])
def test_the_end_of_ramp_time_is_seen_even_when_more_was_counted_since(behind):
    ramp = {"ramp_time": "1500ms"}
    found, differ = slices(
        document(figures(100, 900, clat=0), options=ramp),
        document(figures(behind, 1000), options=ramp),
    )
    (before,), (after,) = found
    assert before["ramp"] is True
    assert (after["ios"], after["clat_count"], after["duration_s"]) == (behind, behind, 1.0)
    assert sum(after["bins"][1::2]) == behind
    assert "ramp" not in after
    assert differ.resets == 1


@pytest.mark.parametrize(("ios", "runtime_ms"), [(30, 500), (30, 950), (120, 500)])
def test_counters_that_go_back_start_anew(ios, runtime_ms):
    found, differ = slices(document(figures(100, 900)), document(figures(ios, runtime_ms)))
    (one,) = found[1]
    assert (one["ios"], one["duration_s"], differ.resets) == (ios, runtime_ms / 1000, 1)


def test_the_errors_of_each_fio_job_are_told():
    assert errors(documents_of("mixed_one-ok-one-failed_enospc.stdout")[0]) == [0, 28]
    assert errors(documents_of("verify-error.stdout")[0]) == [84]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"jobs": None},
        {"jobs": [1]},
        document({}),
        document(figures(float("inf"), 900)),
        document(figures(1, 900, bins={"100": float("inf")})),
        document({**figures(1, 900), "clat_ns": {"N": 1, "mean": float("inf")}}),
        document({**figures(1, 900), "runtime": None}),
        document(figures(1, 900, bins={"fast": 1})),
    ],
)
def test_a_document_that_is_no_fio_is_an_error_and_never_a_figure(broken):
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError, OverflowError)):
        CounterDiffer().intervals(broken)


counts = st.dictionaries(st.integers(0, 10**9).map(str), st.integers(1, 1000), max_size=20)


@given(counts, counts)
def test_what_was_added_is_the_difference(before, added):
    now = {v: before.get(v, 0) + added.get(v, 0) for v in {*before, *added}}
    flat = bin_difference(now, before)
    assert dict(zip(flat[::2], flat[1::2], strict=True)) == {int(v): n for v, n in added.items()}


def test_fio_jobs_one_after_the_other_have_their_own_time():
    """Stonewalled fio jobs: the longest runtime stands still while the second one runs."""
    done, waiting, running = figures(300, 3000), figures(0, 0), figures(50, 1000)
    (_, (slice_,)), _ = slices(document(done, waiting), document(done, running))
    assert (slice_["duration_s"], slice_["ios"]) == (1.0, 50)
