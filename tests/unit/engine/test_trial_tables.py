"""A trial's intervals on their way from the journals to its file: all of them, few at a time."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from storperf.engine import trial_tables
from storperf.remote.journal_copy import JournalCopy
from storperf.store.intervals import FEW_ROWS, read_intervals

KEY = {"trial": "t001", "attempt": 1}
TRIAL = SimpleNamespace(id="t001", attempt=1, step_key="s", side="candidate", facts={})


def interval(index, **changes):
    start_s = 1000.0 + index
    return {
        **KEY,
        "kind": "interval",
        "target": 0,
        "op": "read",
        "index": index,
        "start_s": start_s,
        "end_s": start_s + 1,
        "duration_s": 1.0,
        "ios": index + 3,
        "bytes": 4096 * (index + 3),
        "clat_count": index + 3,
        "clat_sum_ns": 5000.0,
        "slat_sum_ns": 0.0,
        "lat_sum_ns": 5000.0,
        "bins": [1000, index, 2000 + index, 3],
        **changes,
    }


def sample(index):
    times = {"start_s": 1000.0 + index, "end_s": 1001.0 + index}
    return {**KEY, "kind": "sensors", **times, "figures": {"cpu.user": float(index)}}


def context_of(folder, *journals):
    """A run whose agents' journals hold these records."""
    agents = []
    for number, records in enumerate(journals, start=1):
        name = f"agent-{number:02}"
        journal = JournalCopy(folder / f"{name}.journal")
        for n, record in enumerate(records, start=1):
            journal.take({"n": n, **record})
        agents.append(SimpleNamespace(name=name, journal=journal))
    store = SimpleNamespace(intervals_path=lambda *_: folder / "t.zip")
    return SimpleNamespace(run_id="r", agents=agents, store=store)


def written(context, trial):
    """The rows of a trial with every agent in it."""
    return trial_tables.write(context, trial, context.agents)


@pytest.mark.parametrize("count", [1, FEW_ROWS, 3 * FEW_ROWS + 5])
def test_the_file_holds_every_interval_and_sample_of_every_agent(tmp_path, count):
    one = [record for n in range(count) for record in (sample(n), interval(n))]
    two = [interval(n, op="write") for n in range(count)]
    rows = written(context_of(tmp_path, one, two), TRIAL)
    table, sensors, meta = read_intervals(tmp_path / "t.zip")
    assert table.agents == rows.agents == ("agent-01", "agent-02")
    assert table.agent.tolist() == [0] * count + [1] * count
    assert table.ios.tolist() == 2 * list(range(3, count + 3))
    assert table.bin_value_ns.tolist() == 2 * [v for n in range(count) for v in (1000, 2000 + n)]
    assert sensors.figures["cpu.user"].tolist() == list(range(count))
    assert meta == {"run": "r", **KEY, "step": "s", "side": "candidate"}
    bare = table.without_bins()
    for name in ("agent", "op", "index", "start_s", "ios", "clat_sum_ns", "bin_offset"):
        assert np.array_equal(getattr(rows, name), getattr(bare, name))
    assert len(rows.bin_count) == 0


def test_other_trials_and_what_comes_after_the_end_are_left_out(tmp_path):
    records = [
        interval(0, attempt=2),
        interval(1, ramp=True),
        interval(2),
        {**KEY, "kind": "trial_ended"},
        interval(3),
    ]
    rows = written(context_of(tmp_path, records), TRIAL)
    assert rows.index.tolist() == [2]


def test_without_an_interval_there_is_no_file(tmp_path):
    records = [sample(0), interval(0, ramp=True), {**KEY, "kind": "trial_ended"}]
    assert len(written(context_of(tmp_path, records, []), TRIAL)) == 0
    assert not (tmp_path / "t.zip").exists()


def test_an_agent_without_an_interval_has_no_row(tmp_path):
    rows = written(context_of(tmp_path, [sample(0)], [interval(0)]), TRIAL)
    assert [rows.agents[number] for number in rows.agent] == ["agent-02"]


def test_times_are_those_of_the_managers_clock(tmp_path):
    clocks = {"clocks": {"agent-01": {"applied_s": 100.0}}}
    ahead = SimpleNamespace(**{**vars(TRIAL), "facts": clocks})
    context = context_of(tmp_path, [sample(0), interval(0)], [interval(0)])
    assert written(context, ahead).start_s.tolist() == [900.0, 1000.0]
    assert read_intervals(tmp_path / "t.zip")[1].start_s.tolist() == [900.0]


def test_how_far_apart_agents_were_is_told_by_their_starts_and_rows(tmp_path):
    started = {**KEY, "kind": "trial_started"}
    context = context_of(
        tmp_path,
        [{**started, "start_s": 999.5}, interval(0), interval(1)],
        [{**started, "start_s": 999.8}, interval(1), interval(2)],
    )
    found = trial_tables.together(context.agents, TRIAL, written(context, TRIAL))
    assert (found.pop("first_done"), found.pop("last_done")) == ("agent-01", "agent-02")
    assert found == pytest.approx(
        {"gate_skew_s": 0.3, "start_skew_s": 1.0, "end_skew_s": 1.0, "overlap": 0.5}
    )


def test_an_agent_that_does_not_count_is_in_no_row(tmp_path):
    context = context_of(tmp_path, [interval(0)], [interval(0), interval(1)])
    assert len(trial_tables.write(context, TRIAL, context.agents[:1])) == 1
    assert read_intervals(tmp_path / "t.zip")[0].agents == ("agent-01",)
