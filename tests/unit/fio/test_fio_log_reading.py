"""What fio's logs say: exact figures, and a word on everything that the file does not tell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storperf.errors import UsageError
from storperf.fio.buckets import places_of, values_of
from storperf.fio.log_kind import form_of
from storperf.fio.log_reading import read_log, render_log, render_together
from storperf.fio.log_tally import PERCENTILES, Tally
from storperf.model.fio_log import Exactness, KnownFrom, LogKind, LogUnit

FIXTURES = Path(__file__).parents[2] / "fixtures"
MERGE = FIXTURES / "fio-histogram-merge/hist"
VALUES = st.lists(st.one_of(st.integers(0, 5000), st.integers(0, 2**33)), min_size=1)


def begin(text, name="x_lat.1.log", *, size=1 << 20, interval_ms=None, **said):
    chunks = (text[start : start + size] for start in range(0, len(text), size))
    return read_log(name, chunks, form_of(name, said.get("kind"), said.get("unit")), interval_ms)


def read(text, *args, **more):
    return render_log(begin(text, *args, **more))


def fixture(path, **more):
    return read(path.read_bytes(), path.name, **more)


def by_op(log):
    return {each.op: each for each in log.figures}


def text_of(rows):
    return "".join(f"{t}, {v}, {op}, 4096, 0\n" for t, v, op in rows).encode()


# --- single I/Os ---------------------------------------------------------------------------


@given(reads=VALUES, writes=VALUES)
def test_figures_are_those_of_every_single_value(reads, writes):
    rows = [(n, v, 0) for n, v in enumerate(reads)] + [(n, v, 1) for n, v in enumerate(writes)]
    found = by_op(read(text_of(rows), size=150))
    for op, values in (("read", reads), ("write", writes)):
        figures, rising = found[op], sorted(values)
        assert (figures.count, figures.bytes) == (len(values), 4096 * len(values))
        assert (figures.minimum, figures.maximum) == (rising[0], rising[-1])
        assert figures.mean == pytest.approx(np.mean(values))
        assert figures.percentiles_from is Exactness.VALUES
        for name, value in figures.percentiles:
            share = PERCENTILES[name]
            assert sum(each <= value for each in values) >= share * len(values) - 1e-6
            assert sum(each < value for each in values) <= share * len(values) + 1e-6


def test_a_percentile_is_the_value_of_its_rank():
    rows = [(0, value, 0) for value in range(10_000, 0, -1)]
    (figures,) = read(text_of(rows)).figures
    assert dict(figures.percentiles) == {
        "p50": 5000,
        "p90": 9000,
        "p95": 9500,
        "p99": 9900,
        # fio's own arithmetic: 99.9 is a little more than 99.9.
        "p99.9": 9991,
        "p99.99": 9999,
    }


@given(values=VALUES, more=VALUES)
def test_of_more_values_than_are_kept_percentiles_are_those_of_buckets(values, more):
    tally, exact = Tally(most=len(values)), Tally()
    for part in (values, more):
        tally.add(np.array(part, dtype=np.uint64), 0)
        exact.add(np.array(part, dtype=np.uint64), 0)
    assert (tally.exactness, exact.exactness) == (Exactness.BUCKETS, Exactness.VALUES)
    for (_, bucket), (_, value) in zip(tally.percentiles(), exact.percentiles(), strict=True):
        assert bucket == values_of(places_of(np.array([value], dtype=np.uint64)))[0]
    assert (tally.count, tally.total) == (exact.count, exact.total)


@given(values=VALUES, more=VALUES, most=st.sampled_from((3, 1000)))
def test_tallies_add_up_to_the_tally_of_all(values, more, most):
    parts, whole = [Tally(most=most), Tally(most=most)], Tally(most=most)
    for tally, part in zip(parts, (values, more), strict=True):
        tally.add(np.array(part, dtype=np.uint64), 7)
        whole.add(np.array(part, dtype=np.uint64), 7)
    parts[0].absorb(parts[1])
    parts[0].absorb(Tally(most=most))
    for name in ("count", "total", "bytes", "minimum", "maximum", "exactness"):
        assert getattr(parts[0], name) == getattr(whole, name)
    assert parts[0].percentiles() == whole.percentiles()


def test_the_unit_is_asked_for_or_assumed_and_the_log_says_which():
    text = text_of([(0, 7, 0)])
    assumed, asked = read(text), read(text, unit=LogUnit.US)
    assert (assumed.unit, assumed.unit_from) == (LogUnit.NS, KnownFrom.ASSUMED)
    assert "--unit us" in " ".join(assumed.notes)
    assert (asked.unit, asked.unit_from, asked.notes) == (LogUnit.US, KnownFrom.ASKED, ())
    assert (assumed.figures[0].maximum, asked.figures[0].maximum) == (7, 7000)
    assert dict(asked.figures[0].percentiles)["p50"] == 7000


@pytest.mark.parametrize(
    ("name", "kind", "unit"),
    [
        ("a_lat.1.log", LogKind.LAT, LogUnit.NS),
        ("a_clat.12.log", LogKind.CLAT, LogUnit.NS),
        ("a_slat.log", LogKind.SLAT, LogUnit.NS),
        ("my_lat_bw.1.log", LogKind.BANDWIDTH, LogUnit.KIB_PER_S),
        ("a_iops.1.log", LogKind.IOPS, LogUnit.PER_S),
    ],
)
def test_the_name_that_fio_gives_says_what_it_is_a_log_of(name, kind, unit):
    log = read(text_of([(0, 7, 0)]), name)
    assert (log.kind, log.kind_from, log.unit) == (kind, KnownFrom.FILE, unit)


def test_a_name_that_says_nothing_is_assumed_to_be_a_log_of_lat():
    log = read(text_of([(0, 7, 0)]), "day.txt")
    assert (log.kind, log.kind_from) == (LogKind.LAT, KnownFrom.ASSUMED)
    assert "nothing in the name" in log.notes[0]
    assert read(text_of([(0, 7, 0)]), "day.txt", kind=LogKind.CLAT).kind_from is KnownFrom.ASKED


def test_times_since_1970_are_recognised():
    log = read(text_of([(1795332064725, 7, 0), (1795332065725, 7, 0)]))
    assert (log.is_epoch, log.first_s, log.last_s) == (True, 1795332064.725, 1795332065.725)
    assert not read(text_of([(1000, 7, 0)])).is_epoch


def test_a_torn_last_line_is_left_out_and_said():
    log = read(text_of([(0, 7, 0)]) + b"1, 99999, 0, 40")
    assert (log.lines, log.figures[0].maximum) == (1, 7)
    assert log.torn == ("1, 99999, 0, 40",)
    assert "left out: '1, 99999, 0, 40'" in log.notes[-1]


@pytest.mark.parametrize("text", [b"", b"1, 99999, 0, 40", b"\n"])
@pytest.mark.parametrize("name", ["x_lat.1.log", "x_clat_hist.1.log"])
def test_a_file_without_a_whole_line_is_refused(text, name):
    with pytest.raises(UsageError, match=name.replace(".", r"\.")):
        read(text, name)


# --- averages ------------------------------------------------------------------------------


def test_averages_have_no_percentiles_and_averages_of_latency_no_mean():
    log = fixture(FIXTURES / "fio/logs/lg_lat.1.log")
    assert (log.lines, log.averaged_ms) == (8, 1000)
    figures = by_op(log)
    assert (figures["read"].minimum, figures["read"].maximum) == (137, 153)
    for each in log.figures:
        assert (each.mean, each.percentiles, each.percentiles_from) == (None, (), None)
        assert each.bytes is None
    assert "an average over 1000 ms" in " ".join(log.notes)


def test_averages_of_equal_windows_of_iops_have_a_mean():
    log = fixture(FIXTURES / "fio/logs/lg_iops.1.log", interval_ms=1000)
    read_figures = by_op(log)["read"]
    assert (log.averaged_ms, log.unit, log.slices) == (1000, LogUnit.PER_S, ())
    assert read_figures.mean == (9993 + 10018 + 10006) / 3


def test_single_ios_of_a_bandwidth_log_have_no_mean():
    log = read(text_of([(0, 135876, 0), (0, 12047058, 0)]), "x_bw.1.log")
    assert (log.figures[0].mean, log.figures[0].percentiles) == (None, ())
    assert log.figures[0].bytes == 8192


# --- intervals -----------------------------------------------------------------------------


@settings(max_examples=50)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 5000), st.integers(0, 2**30), st.integers(0, 2)), min_size=1
    ),
    size=st.integers(30, 500),
)
def test_slices_hold_every_io_once_in_its_interval(rows, size):
    log = read(text_of(rows), interval_ms=1000, size=size)
    assert len({(each.op, each.start_s) for each in log.slices}) == len(log.slices)
    for each in log.slices:
        number = {"read": 0, "write": 1, "trim": 2}[each.op]
        own = [v for t, v, op in rows if op == number and t // 1000 == each.start_s]
        assert (each.ios, each.iops, each.bandwidth) == (len(own), len(own), 4096 * len(own))
        places, counts = np.unique(places_of(np.array(own, dtype=np.uint64)), return_counts=True)
        bins = zip(values_of(places).tolist(), counts.tolist(), strict=True)
        assert each.bins == tuple(bins)
    assert sum(each.ios for each in log.slices) == len(rows)
    starts = [each.start_s for each in log.slices]
    assert starts == sorted(starts)


def test_slices_of_a_log_that_is_not_of_latency_have_no_bins():
    (found,) = read(text_of([(0, 1, 0), (1, 1, 0)]), "x_iops.1.log", interval_ms=500).slices
    assert (found.ios, found.iops, found.bins, found.end_s) == (2, 4, (), 0.5)


# --- together ------------------------------------------------------------------------------


def test_logs_together_are_one_log_of_all_their_ios():
    rows = [(n, 17 * n % 1000, n % 2) for n in range(3000)]
    parts = [begin(text_of(rows[n::3]), f"x_lat.{n}.log", interval_ms=1000) for n in range(3)]
    whole, together = read(text_of(rows), interval_ms=1000), render_together(parts)
    assert together.figures == whole.figures
    assert together.slices == whole.slices
    assert together.files == ("x_lat.0.log", "x_lat.1.log", "x_lat.2.log")
    assert (together.lines, together.first_s, together.last_s) == (3000, 0, 2.999)


def test_logs_of_two_kinds_or_units_or_of_averages_are_not_added_up():
    text = text_of([(0, 7, 0)])
    others = (begin(text, "x_clat.2.log"), begin(text, unit=LogUnit.US), begin(b"1, 2, 0, 0, 0\n"))
    for other in others:
        with pytest.raises(UsageError, match=r"differ in kind or unit|cannot be added up"):
            render_together([begin(text), other])


# --- histograms ----------------------------------------------------------------------------


def test_histogram_logs_add_up_to_the_expected_histogram():
    middles = [float(line) for line in (MERGE / "bin_vals").read_text().split()]
    reads = [begin(path.read_bytes(), path.name) for path in sorted(MERGE.glob("*.log"))]
    figures = by_op(render_together(reads))
    for op in ("read", "write"):
        expected = json.loads((MERGE / f"expected_{op}.json").read_text())
        places = {middles.index(round(1000 * float(ms), 6)): n for ms, n in expected.items()}
        assert dict(figures[op].bins) == {1000 * int(values_of(at)): n for at, n in places.items()}
        assert figures[op].count == sum(expected.values())


def test_a_histogram_log_says_its_unit_itself():
    old = fixture(next(MERGE.glob("*.1.log")))
    new = fixture(FIXTURES / "fio/logs/lg_clat_hist.1.log")
    assert (old.unit, old.unit_from) == (LogUnit.US, KnownFrom.FILE)
    assert (new.unit, new.unit_from, new.averaged_ms) == (LogUnit.NS, KnownFrom.FILE, 0)
    with pytest.raises(UsageError, match="counts ns, not us"):
        fixture(FIXTURES / "fio/logs/lg_clat_hist.1.log", unit=LogUnit.US)


def test_percentiles_of_a_histogram_log_are_those_of_its_buckets():
    log = fixture(FIXTURES / "fio/logs/lg_clat_hist.1.log")
    figures = by_op(log)["write"]
    assert figures.count == 30011
    assert figures.percentiles_from is Exactness.BUCKETS
    values = np.repeat(*np.array(figures.bins).T)
    assert dict(figures.percentiles)["p50"] == values[int(np.ceil(0.5 * len(values))) - 1]
    assert (figures.minimum, figures.maximum, figures.mean) == (values[0], values[-1], None)
    assert "1/128" in " ".join(log.notes)


def test_windows_of_a_histogram_log_are_its_intervals():
    log = fixture(FIXTURES / "fio/logs/lg_clat_hist.1.log", interval_ms=1000)
    writes = [each for each in log.slices if each.op == "write"]
    assert [(each.start_s, each.ios) for each in writes] == [(0, 10011), (1, 10000), (2, 10000)]
    twice = fixture(FIXTURES / "fio/logs/lg_clat_hist.1.log", interval_ms=2000).slices
    assert [each.ios for each in twice if each.op == "write"] == [20011, 10000]
    with pytest.raises(UsageError, match="a histogram every 1000 ms"):
        fixture(FIXTURES / "fio/logs/lg_clat_hist.1.log", interval_ms=500)


def test_a_coarse_histogram_keeps_its_counts():
    counts = [0] * 464
    counts[200] = 5
    text = ", ".join(map(str, (1000, 0, 4096, *counts))) + "\n"
    (figures,) = read(text.encode(), "x_clat_hist.1.log").figures
    # log_hist_coarseness=2: four of fio's buckets are one, named by one in its middle.
    assert figures.bins == ((int(values_of(802)), 5),)


HIST = (FIXTURES / "fio/logs/lg_clat_hist.1.log").read_text().splitlines()


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (HIST[1].replace(", 4096", ""), "1855 buckets, those before 1856"),
        (HIST[1].replace("1001, 0", "1001, 3"), "direction is 3"),
        (HIST[1].replace(" 1011,", " -1011,"), "Expected `int` >= 0"),
        (HIST[1].replace(" 1011,", " 10.5,"), "Expected `int`"),
        (HIST[1].replace(" 1011,", " x,"), "malformed"),
        (HIST[1] + "]", "trailing"),
        ("1, 2", "Expected"),
        ("", "Expected"),
    ],
)
def test_a_garbled_histogram_is_refused_with_its_line(broken, why):
    text = "\n".join([HIST[0], broken, HIST[2]]) + "\n"
    with pytest.raises(UsageError, match=r"^x_clat_hist\.1\.log, line 2 ") as refused:
        read(text.encode(), "x_clat_hist.1.log", size=1000)
    assert why.casefold() in refused.value.message.casefold() or why == "Expected"


def test_a_number_of_buckets_that_no_fio_has_is_refused():
    with pytest.raises(UsageError, match="3 buckets, which no fio has"):
        read(b"1000, 0, 4096, 1, 2, 3\n", "x_clat_hist.1.log")
