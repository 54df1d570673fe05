"""fio 2, fio 3 and terse output of the same thing are the same figures in ns and bytes."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.fio.buckets import PLACES_NS, values_of
from storperf.imports.figures import NotAResultError
from storperf.imports.fio_json import read_document
from storperf.imports.fio_terse import is_terse, read_line
from storperf.imports.fio_text import read_fio
from storperf.imports.understood import percentiles_of
from storperf.model.job import Op
from storperf.stats.histogram import merge_bins, percentile_nearest_rank

FIXTURES = Path(__file__).parents[2] / "fixtures"
TERSE = sorted((FIXTURES / "fio-terse").iterdir())
VALUES = values_of(range(PLACES_NS)).tolist()
WITH_BINS = [FIXTURES / "fio" / "jsonplus_status-interval1_concat.json", *TERSE]


def halves(path):
    """The terse line and the JSON of one run that printed both."""
    line, _, rest = path.read_text().partition("\n")
    return line, rest


# --- percentiles ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", WITH_BINS, ids=lambda path: path.name)
def test_percentiles_from_bins_are_fio_s_to_the_nanosecond(path):
    compared = 0
    for result in read_fio(path.read_bytes()):
        for snapshot in (*result.earlier, result.total):
            assert snapshot.form == "json+"
            for job in snapshot.jobs:
                for direction in job.directions:
                    ours = dict(percentiles_of(direction.clat))
                    for percent, value in direction.clat.percentiles:
                        assert ours[percent] == value
                        compared += 1
    assert compared >= 34


def test_every_bucket_that_fio_names_is_one_of_its_buckets():
    known = set(VALUES)
    for path in WITH_BINS:
        for result in read_fio(path.read_bytes()):
            for direction in result.total.jobs[0].directions:
                assert {value for value, _ in direction.clat.bins} <= known


BINS = st.lists(
    st.tuples(st.sampled_from(VALUES), st.integers(1, 10**6)),
    min_size=1,
    max_size=60,
)


@given(st.lists(BINS, min_size=1, max_size=5))
def test_p99_9_of_merged_histograms_is_exact_to_the_bucket(histograms):
    pairs = np.array([pair for each in histograms for pair in each], dtype=np.int64)
    values, counts = merge_bins(pairs[:, 0], pairs[:, 1])
    assert counts.sum() == sum(count for each in histograms for _, count in each)
    found = percentile_nearest_rank(values, counts, 0.999)
    total = int(counts.sum())
    below = int(counts[values < found].sum())
    # fio's 99.9 is a double, a little more than 999 in 1000.
    rank = Fraction(99.9) * total / 100
    assert below < rank <= below + int(counts[values == found].sum())


def test_bins_that_do_not_sum_up_to_the_count_are_refused():
    text = (FIXTURES / "fio" / "jsonplus_status-interval1_concat.json").read_text()
    tree = json.loads(text[: text.index("\n}\n") + 2])
    tree["jobs"][0]["read"]["clat_ns"]["bins"]["80"] += 1
    with pytest.raises(NotAResultError, match="histogram holds 17959 I/Os"):
        read_document(tree)


# --- fio 2 ------------------------------------------------------------------------------------


def test_fio_2_latencies_are_told_in_ns_and_its_kib_in_bytes():
    (result,) = read_fio((FIXTURES / "fio2" / "pkb-7fb0c9d8-0_fio.json").read_bytes())
    assert result.total.version == "fio-2.17"
    read = result.total.jobs[0].direction(Op.READ)
    assert (read.ios, read.bytes, read.runtime_ms) == (80891, 1294256 * 1024, 10003)
    assert read.clat.mean_ns == 238357.679
    assert (read.clat.min_ns, read.clat.max_ns) == (1000, 12176000)
    assert read.slat.mean_ns == pytest.approx(7173.443)
    assert dict(read.clat.percentiles)[1.0] == 48000
    assert read.iops == pytest.approx(8086.673998)


def test_old_fio_2_has_no_count_of_ios_and_none_is_made_up():
    (result,) = read_fio((FIXTURES / "fio2" / "fio-parser-sample-result.json").read_bytes())
    assert [job.group for job in result.total.jobs] == [0, 1, 2, 3, 4]
    read = result.total.jobs[1].direction(Op.READ)
    assert (read.ios, read.iops, read.bytes) == (None, 253.0, 361984 * 1024)
    assert result.total.timestamp_s is None
    assert [job.options for job in result.total.jobs] == [None] * 5
    assert all(percent for percent, _ in read.clat.percentiles)


def in_fio_2(tree):
    """A document of fio 3 as fio 2.17 would have printed it, buckets by number."""
    numbers = {value: number for number, value in enumerate(VALUES[:1216])}
    for job in tree["jobs"]:
        for op in Op:
            figures = job[op.value]
            figures["io_bytes"] = figures.pop("io_kbytes")
            for kind in ("slat", "clat", "lat"):
                latency = figures.pop(f"{kind}_ns")
                latency.pop("N", None)
                bins = latency.get("bins")
                if bins:
                    plain = {str(number): 0 for number in range(1216)}
                    plain |= {str(numbers[int(value)]): count for value, count in bins.items()}
                    latency["bins"] = {**plain, "FIO_IO_U_PLAT_BITS": 6, "FIO_IO_U_PLAT_NR": 1216}
                figures[kind] = latency
    return tree


def test_bins_of_fio_2_are_named_by_number_and_mean_us():
    text = (FIXTURES / "fio" / "jsonplus_status-interval1_concat.json").read_text()
    tree = json.loads(text[: text.index("\n}\n") + 2])
    before = read_document(json.loads(json.dumps(tree))).jobs[0].direction(Op.READ)
    after = read_document(in_fio_2(tree)).jobs[0].direction(Op.READ)
    assert after.clat.bins == tuple((value * 1000, count) for value, count in before.clat.bins)
    assert after.clat.percentiles == tuple((p, v * 1000) for p, v in before.clat.percentiles)
    assert dict(percentiles_of(after.clat))[99.0] == dict(after.clat.percentiles)[99.0]
    assert (after.bytes, after.ios) == (before.bytes, before.ios)


# --- terse ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", TERSE, ids=lambda path: path.name)
def test_terse_output_says_what_the_json_beside_it_says(path):
    line, text = halves(path)
    (terse,), (jsonplus,) = read_fio(line.encode()), read_fio(text.encode())
    assert terse.total.form == f"terse v{line[0]}"
    if line[0] != "2":
        assert terse.total.version == jsonplus.total.version
    (ours,), (its,) = terse.total.jobs, jsonplus.total.jobs
    assert (ours.name, ours.group, ours.error) == (its.name, its.group, its.error)
    assert [each.op for each in ours.directions] == [each.op for each in its.directions]
    for found, said in zip(ours.directions, its.directions, strict=True):
        assert found.ios is None
        assert found.runtime_ms == said.runtime_ms
        assert found.bytes == said.bytes // 1024 * 1024
        assert found.iops == int(said.iops)
        assert found.bandwidth_bytes_per_s == pytest.approx(said.bandwidth_bytes_per_s, rel=1e-3)
        for kind in ("clat", "lat"):
            latency, exact = getattr(found, kind), getattr(said, kind)
            assert latency.mean_ns == pytest.approx(exact.mean_ns, abs=0.001)
            assert latency.stddev_ns == pytest.approx(exact.stddev_ns, abs=0.001)
            assert latency.max_ns == exact.max_ns // 1000 * 1000
        for percent, value in said.clat.percentiles:
            assert dict(found.clat.percentiles)[percent] == value // 1000 * 1000
        assert found.slat is None


@pytest.mark.parametrize("path", TERSE, ids=lambda path: path.name)
@pytest.mark.parametrize("cut", [1, 5, 60])
def test_a_terse_line_without_all_its_fields_is_refused(path, cut):
    line = halves(path)[0]
    whole = {"2": 161, "3": 121, "4": 162, "5": 180}[line[0]]
    line = ";".join(line.split(";")[: whole - cut])
    with pytest.raises(NotAResultError, match="fields instead of"):
        read_fio(line.encode())


@given(st.integers(0, 120), st.sampled_from(["", "x", "-1", "nan", "1e999", "5%=3"]))
def test_a_terse_field_that_cannot_be_is_refused_or_changes_nothing_that_is_read(place, text):
    line = halves(TERSE[1])[0]
    fields = line.split(";")
    fields[place] = text
    changed = ";".join(fields)
    if not is_terse(changed):
        return
    try:
        job = read_line(changed)[1]
    except NotAResultError:
        return
    for direction in job.directions:
        assert direction.bytes >= 0
        assert direction.clat.mean_ns >= 0


def test_a_terse_line_that_contradicts_itself_is_refused():
    fields = halves(TERSE[1])[0].split(";")
    fields[6] = "159800"
    with pytest.raises(NotAResultError, match="KiB/s"):
        read_fio(";".join(fields).encode())


def later(line, factor):
    """The same fio job at a later status interval: its counters, grown."""
    fields = line.split(";")
    for first in (5, 46):
        for place in (first, first + 3):
            fields[place] = str(int(fields[place]) * factor)
    return ";".join(fields)


def test_terse_lines_of_one_fio_job_that_grow_are_status_intervals():
    line = halves(TERSE[1])[0]
    lines = [line, later(line, 2), later(line, 3)]
    (result,) = read_fio("\n".join(lines).encode())
    assert len(result.earlier) == 2
    (job,) = result.total.jobs
    assert job.runtime_ms == 3003


def test_terse_lines_of_one_length_are_fio_jobs_side_by_side():
    line = halves(TERSE[1])[0]
    (result,) = read_fio(f"{line}\n{line}\n".encode())
    assert (len(result.earlier), len(result.total.jobs)) == (0, 2)


def test_terse_lines_that_can_be_neither_are_refused():
    line = halves(TERSE[1])[0]
    with pytest.raises(NotAResultError, match="nothing tells"):
        read_fio(f"{later(line, 3)}\n{line}\n".encode())


def test_one_bad_line_among_terse_lines_refuses_them_all():
    line = halves(TERSE[1])[0]
    with pytest.raises(NotAResultError):
        read_fio(f"{line}\n{line[:-200]}\n".encode())
