"""Interval files: exact, whole or absent, refused when damaged or newer, flat in memory."""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storperf.errors import StoreError
from storperf.model.interval import Interval, SensorSample
from storperf.model.job import Op
from storperf.stats.table import IntervalTable, SensorTable
from storperf.store.intervals import (
    GROUP_ROWS,
    iter_intervals,
    read_intervals,
    read_rows,
    read_sensors,
    write_intervals,
    writing_intervals,
)
from storperf.version import STORE_INTERVALS_FORMAT

NO_SENSORS = SensorTable.from_samples(())
FINITE = st.floats(allow_nan=False, allow_infinity=False)
COUNT = st.integers(0, 2**63 - 1)
AGENT = st.text(min_size=1, max_size=5)
SHARED_PATH = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

INTERVAL = st.builds(
    Interval,
    trial=st.just("t"),
    attempt=st.just(1),
    agent=AGENT,
    target=st.integers(0, 9),
    op=st.sampled_from(Op),
    index=COUNT,
    start_s=FINITE,
    end_s=FINITE,
    duration_s=FINITE,
    ios=COUNT,
    bytes=COUNT,
    clat_count=COUNT,
    clat_sum_ns=FINITE,
    slat_sum_ns=FINITE,
    lat_sum_ns=FINITE,
    bins=st.lists(st.tuples(COUNT, COUNT), max_size=5).map(tuple),
)
SAMPLE = st.builds(
    SensorSample,
    trial=st.none(),
    agent=AGENT,
    start_s=FINITE,
    end_s=FINITE,
    figures=st.dictionaries(st.text(max_size=5), FINITE, max_size=3).map(
        lambda figures: tuple(figures.items())
    ),
)


def same(one, two):
    """Whether two tables hold the same, named agents instead of their numbers."""
    for field in fields(one):
        left, right = getattr(one, field.name), getattr(two, field.name)
        if field.name == "agents":
            continue
        if field.name == "agent":
            left = np.array([one.agents[number] for number in left], dtype=object)
            right = np.array([two.agents[number] for number in right], dtype=object)
        if field.name == "figures":
            if left.keys() != right.keys():
                return False
            if not all(np.array_equal(left[k], right[k], equal_nan=True) for k in left):
                return False
        elif not np.array_equal(left, right) or np.result_type(left) != np.result_type(right):
            return False
    return True


def rows(count, start=0, agent="agent-01", op=Op.READ):
    return IntervalTable.from_intervals(
        Interval(
            trial="t",
            attempt=1,
            agent=agent,
            target=0,
            op=op,
            index=number,
            start_s=1.79e9 + number,
            end_s=1.79e9 + number + 1,
            duration_s=1.0,
            ios=12_000 + number % 7,
            bytes=4096 * (12_000 + number % 7),
            clat_count=3,
            clat_sum_ns=1e9 + number / 7,
            slat_sum_ns=1e7 + number / 9,
            lat_sum_ns=1.01e9 + number / 3,
            bins=((1000 + number % 5, 1), (2000, 2)),
        )
        for number in range(start, start + count)
    )


@SHARED_PATH
@given(
    intervals=st.lists(INTERVAL, max_size=8),
    samples=st.lists(SAMPLE, max_size=5),
    meta=st.dictionaries(st.text(max_size=5), st.integers() | st.text() | st.none()),
)
def test_what_was_written_is_read_back_bit_for_bit(tmp_path, intervals, samples, meta):
    table, sensors = IntervalTable.from_intervals(intervals), SensorTable.from_samples(samples)
    write_intervals(tmp_path / "t.zip", table, sensors, meta=meta)
    read, found_sensors, read_meta = read_intervals(tmp_path / "t.zip")
    assert same(read, table)
    assert same(found_sensors, sensors)
    assert read_meta == meta
    assert same(read_rows(tmp_path / "t.zip"), table.without_bins())


@SHARED_PATH
@given(st.lists(st.lists(INTERVAL, max_size=4), max_size=4))
def test_a_table_in_pieces_is_the_table_in_one(tmp_path, pieces):
    with writing_intervals(tmp_path / "t.zip", meta={}) as writer:
        for piece in pieces:
            writer.append(IntervalTable.from_intervals(piece))
    read, _sensors, _meta = read_intervals(tmp_path / "t.zip")
    assert same(read, IntervalTable.from_intervals(row for piece in pieces for row in piece))


@pytest.mark.parametrize(
    "column", [(-1, 2**62), (0, 2**63 - 1), (-(2**63), 5), (0, 255), (-1, 255)]
)
def test_whole_numbers_of_any_span_stay_exact(tmp_path, column):
    table = replace(rows(2), ios=np.array(column, dtype=np.int64))
    write_intervals(tmp_path / "t.zip", table, NO_SENSORS, meta={})
    assert read_intervals(tmp_path / "t.zip")[0].ios.tolist() == list(column)


@SHARED_PATH
@given(st.lists(st.lists(SAMPLE, max_size=4), max_size=4))
def test_samples_in_pieces_are_the_samples_in_one(tmp_path, pieces):
    with writing_intervals(tmp_path / "t.zip", meta={}) as writer:
        for piece in pieces:
            writer.append_sensors(SensorTable.from_samples(piece))
    samples = [sample for piece in pieces for sample in piece]
    found = read_sensors(tmp_path / "t.zip", lambda _: True)
    assert [found.agents[number] for number in found.agent] == [each.agent for each in samples]
    expected = SensorTable.from_samples(samples)
    assert found.figures.keys() == expected.figures.keys()
    for name, values in expected.figures.items():
        assert np.array_equal(found.figures[name], values, equal_nan=True)


def test_samples_fill_their_groups_and_give_the_wanted_figures(tmp_path):
    with writing_intervals(tmp_path / "t.zip", meta={}) as writer:
        for start in range(0, 2 * GROUP_ROWS + 5, 5):
            writer.append_sensors(
                SensorTable.from_samples(
                    SensorSample(
                        trial="t001",
                        agent="agent-01",
                        start_s=float(number),
                        end_s=float(number + 1),
                        figures=(("cpu.user", number / 3), ("net.rx", 7.0)),
                    )
                    for number in range(start, start + 5)
                )
            )
    index = json.loads(zipfile.ZipFile(tmp_path / "t.zip").read("format.json"))
    assert [group["rows"] for group in index["sensor_groups"]] == [GROUP_ROWS, GROUP_ROWS, 5]
    found = read_sensors(tmp_path / "t.zip", lambda name: name.startswith("cpu."))
    assert list(found.figures) == ["cpu.user"]
    assert found.figures["cpu.user"].tolist() == [n / 3 for n in range(2 * GROUP_ROWS + 5)]


@pytest.mark.parametrize("piece", [1, 999, GROUP_ROWS, 3 * GROUP_ROWS + 1])
def test_row_groups_are_full_but_the_last_whatever_the_pieces(tmp_path, piece):
    total = 2 * GROUP_ROWS + 17
    table = rows(total)
    with writing_intervals(tmp_path / "t.zip", meta={}) as writer:
        for start in range(0, total, piece):
            writer.append(rows(min(piece, total - start), start))
    groups = list(iter_intervals(tmp_path / "t.zip"))
    assert [len(group) for group in groups] == [GROUP_ROWS, GROUP_ROWS, 17]
    read = read_intervals(tmp_path / "t.zip")[0]
    assert same(read, table)
    assert {group.agents for group in groups} == {("agent-01",)}


def test_agents_that_come_later_are_known_by_every_group(tmp_path):
    with writing_intervals(tmp_path / "t.zip", meta={}) as writer:
        writer.append(rows(GROUP_ROWS, agent="b"))
        writer.append(rows(1, agent="a"))
        writer.append_sensors(
            SensorTable.from_samples(
                [SensorSample(trial=None, agent="c", start_s=0.0, end_s=1.0, figures=())]
            )
        )
    groups = list(iter_intervals(tmp_path / "t.zip"))
    assert [group.agents for group in groups] == [("b", "a", "c")] * 2
    _rows, sensors, _meta = read_intervals(tmp_path / "t.zip")
    assert [sensors.agents[number] for number in sensors.agent] == ["c"]


def test_the_same_intervals_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_intervals(tmp_path / name, rows(10), NO_SENSORS, meta={"a": 1})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_file_says_what_is_inside_without_storperf(tmp_path):
    write_intervals(tmp_path / "t.zip", rows(3), NO_SENSORS, meta={"trial": "t"})
    with zipfile.ZipFile(tmp_path / "t.zip") as archive:
        index = json.loads(archive.read("format.json"))
        for column in index["units"]:
            with archive.open(f"intervals/000000/{column}.npy") as member:
                assert np.load(member, allow_pickle=False) is not None
    assert index["version"] == STORE_INTERVALS_FORMAT
    assert index["agents"] == ["agent-01"]
    assert index["meta"] == {"trial": "t"}
    assert index["units"]["clat_sum_ns"] == "ns"


def test_nobody_else_may_read_the_file(tmp_path):
    write_intervals(tmp_path / "t.zip", rows(3), NO_SENSORS, meta={})
    assert (tmp_path / "t.zip").stat().st_mode & 0o777 == 0o600


def test_an_exception_inside_leaves_what_was_there(tmp_path):
    path = tmp_path / "t.zip"
    write_intervals(path, rows(3), NO_SENSORS, meta={"n": 1})

    def fail_half_way():
        with writing_intervals(path, meta={"n": 2}) as writer:
            writer.append(rows(5000))
            raise ConnectionError("the agent is gone")

    with pytest.raises(ConnectionError, match="the agent is gone"):
        fail_half_way()
    assert read_intervals(path)[2] == {"n": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["t.zip"]


def test_what_a_killed_writer_left_is_no_hindrance(tmp_path):
    (tmp_path / ".t.zip.part").write_bytes(b"half")
    write_intervals(tmp_path / "t.zip", rows(3), NO_SENSORS, meta={})
    assert [each.name for each in tmp_path.iterdir()] == ["t.zip"]


def test_meta_that_is_no_number_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_intervals(tmp_path / "t.zip", rows(1), NO_SENSORS, meta={"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def rewritten(path, change):
    """The same archive with another index."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    index = json.loads(members["format.json"])
    change(index, members)
    members["format.json"] = json.dumps(index).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_newer_form_is_refused_by_its_number(tmp_path):
    path = tmp_path / "t.zip"
    write_intervals(path, rows(3), NO_SENSORS, meta={})
    rewritten(path, lambda index, _members: index.update(version=STORE_INTERVALS_FORMAT + 1))
    with pytest.raises(StoreError, match=r"newer storperf \(form 2, this one reads up to 1\)"):
        read_intervals(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda index, _members: index.update(format="else"),
        lambda index, _members: index.pop("version"),
        lambda index, _members: index.update(version="x"),
        lambda index, _members: index.update(agents=[]),
        lambda index, _members: index.pop("meta"),
        lambda index, _members: index["groups"][0].update(rows=2),
        lambda index, _members: index["groups"][0].update(bins=1),
        lambda index, _members: index["groups"].append({"rows": 1, "bins": 0}),
        lambda index, _members: index["sensor_groups"][0].update(figures=["a", "b"]),
        lambda index, _members: index["sensor_groups"][0].update(rows=7),
        lambda _index, members: members.pop("intervals/000000/ios.npy"),
        lambda _index, members: members.update(
            {"intervals/000000/ios.npy": members["intervals/000000/bin_values_ns.npy"]}
        ),
        lambda _index, members: members.update({"intervals/000000/ios.npy": b"rubbish"}),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, change):
    path = tmp_path / "t.zip"
    sensors = SensorTable.from_samples(
        [SensorSample(trial=None, agent="a", start_s=0.0, end_s=1.0, figures=(("a", 1.0),))]
    )
    write_intervals(path, rows(3), sensors, meta={})
    rewritten(path, change)
    with pytest.raises(StoreError, match="is damaged"):
        read_intervals(path)


def test_rows_of_an_agent_without_a_name_are_refused(tmp_path):
    path = tmp_path / "t.zip"
    write_intervals(path, rows(3), NO_SENSORS, meta={})
    rewritten(path, lambda index, _members: index.update(agents=[]))
    with pytest.raises(StoreError, match="an agent that has no name"):
        read_intervals(path)


def test_a_pickle_inside_is_refused(tmp_path):
    path = tmp_path / "t.zip"
    write_intervals(path, rows(3), NO_SENSORS, meta={})
    np.save(tmp_path / "p.npy", np.array([{}, {}, {}], dtype=object), allow_pickle=True)
    pickled = (tmp_path / "p.npy").read_bytes()
    rewritten(path, lambda _i, members: members.update({"intervals/000000/ios.npy": pickled}))
    with pytest.raises(StoreError, match="allow_pickle"):
        read_intervals(path)


def test_a_missing_file_is_a_store_error(tmp_path):
    with pytest.raises(StoreError, match="No such file") as at:
        read_intervals(tmp_path / "t.zip")
    assert isinstance(at.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize("length", [0, 1, 100, -1])
def test_a_file_cut_short_is_refused(tmp_path, length):
    path = tmp_path / "t.zip"
    write_intervals(path, rows(30), NO_SENSORS, meta={})
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(StoreError, match="is damaged"):
        read_intervals(path)


def test_a_changed_byte_is_refused_or_changes_nothing(tmp_path):
    path = tmp_path / "t.zip"
    table = rows(50)
    write_intervals(path, table, NO_SENSORS, meta={"a": 1})
    whole = path.read_bytes()
    seeded = random.Random(1)  # noqa: S311 - no secret
    refused = 0
    for place in seeded.sample(range(len(whole)), 400):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << seeded.randrange(8)
        path.write_bytes(damaged)
        try:
            read, _sensors, meta = read_intervals(path)
        except StoreError:
            refused += 1
        else:
            assert same(read, table)
            assert meta == {"a": 1}
    assert refused > 200


@pytest.mark.parametrize("bit", [0, 5, 6])
def test_a_member_that_seems_encrypted_or_patched_is_damage(tmp_path, bit):
    path = tmp_path / "t.zip"
    write_intervals(path, rows(5), NO_SENSORS, meta={})
    damaged = bytearray(path.read_bytes())
    flags_at = damaged.index(b"PK\x01\x02") + 8
    damaged[flags_at] |= 1 << bit
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match="is damaged"):
        read_intervals(path)


def test_a_folder_that_is_not_there_is_a_store_error(tmp_path):
    with pytest.raises(StoreError, match=r"cannot write at .*: No such file"):
        write_intervals(tmp_path / "no" / "t.zip", rows(1), NO_SENSORS, meta={})


LIMITED = """
import resource, sys
from pathlib import Path
from contract.store.test_intervals import NO_SENSORS, rows
from storperf.errors import StoreError
from storperf.store.intervals import write_intervals
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    write_intervals(Path(sys.argv[1]), rows(20_000), NO_SENSORS, meta={})
except StoreError as fault:
    print(fault)
"""


def test_a_file_system_that_takes_no_more_is_told_and_nothing_is_left(tmp_path):
    path = tmp_path / "t.zip"
    write_intervals(path, rows(1), NO_SENSORS, meta={"n": 1})
    child = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert child.stdout.startswith(f"cannot write at {path}: File too large; "), child.stderr
    assert read_intervals(path)[2] == {"n": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["t.zip"]


DAY = """
import resource, sys
from pathlib import Path
from contract.store.test_intervals import rows
from storperf.store.intervals import GROUP_ROWS, iter_intervals, writing_intervals
hour = rows(GROUP_ROWS)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
def go(hours):
    with writing_intervals(Path(sys.argv[1]), meta={}) as writer:
        for _ in range(hours):
            writer.append(hour)
    assert sum(len(part) for part in iter_intervals(Path(sys.argv[1]))) == hours * GROUP_ROWS
    return peak()
short = go(3)
print(go(72) - short)
"""


def test_three_days_take_no_more_memory_than_three_hours(tmp_path):
    child = subprocess.run(
        [sys.executable, "-c", DAY, str(tmp_path / "t.zip")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    # KiB; the rows alone would be 70 MB.
    assert int(child.stdout) < 5_000
    assert resource.RUSAGE_SELF == 0


def test_a_row_takes_at_most_60_bytes_and_a_bin_at_most_2(tmp_path):
    """Figures as noisy as real ones: every float differs in all of its digits."""
    noise = np.random.default_rng(7)
    count = GROUP_ROWS
    start = 1.79e9 + np.arange(count) + noise.normal(0, 0.002, count)
    ios = noise.poisson(12_000, count)
    clat = ios * noise.normal(1e5, 3e3, count)
    edges = np.round(2 ** np.arange(14, 22, 1 / 64)).astype(np.int64)  # fio: 64 an octave
    histograms = [
        np.unique(np.digitize(noise.lognormal(11.5, 0.4, number), edges[1:-1]), return_counts=True)
        for number in ios
    ]
    lengths = [len(places) for places, _counts in histograms]
    zero = np.zeros(count, dtype=np.int64)
    table = IntervalTable(
        agents=("agent-01",),
        agent=zero,
        target=zero,
        op=zero,
        index=np.arange(count),
        start_s=start,
        end_s=start + 1,
        duration_s=np.round(noise.normal(1, 0.002, count), 3),
        ios=ios,
        bytes=ios * 4096,
        clat_count=ios,
        clat_sum_ns=clat,
        slat_sum_ns=clat * 0.02,
        lat_sum_ns=clat * 1.02,
        bin_offset=np.cumsum([0, *lengths]),
        bin_value_ns=edges[np.concatenate([places for places, _counts in histograms])],
        bin_count=np.concatenate([counts for _places, counts in histograms]),
    )
    write_intervals(tmp_path / "t.zip", table, NO_SENSORS, meta={})
    with zipfile.ZipFile(tmp_path / "t.zip") as archive:
        of_bins = sum(m.compress_size for m in archive.infolist() if "/bin_" in m.filename)
    size = (tmp_path / "t.zip").stat().st_size
    assert min(lengths) > 100
    assert (size - of_bins) / count <= 60
    assert of_bins / sum(lengths) <= 2
