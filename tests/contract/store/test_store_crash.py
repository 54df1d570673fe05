"""Killed writers and writers side by side leave a store that can be read."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest
from contract.store.store_values import a_plan, a_run

from storperf.model.run import TrialState
from storperf.store.intervals import read_intervals
from storperf.store.store import Store

SUMMARIES = 12

# One process that has imported everything; each line on stdin makes it fork a writer.
FORKING = """
import os, sys
from itertools import count
from pathlib import Path
from contract.store.store_values import STEP, a_plan, a_run, a_summary, a_trial
from storperf.model.interval import Interval
from storperf.model.job import Op
from storperf.model.run import Phase
from storperf.stats.table import IntervalTable, SensorTable
from storperf.store.intervals import write_intervals
from storperf.store.store import Store

def table(attempt):
    return IntervalTable.from_intervals(
        Interval(trial="t", attempt=attempt, agent="agent-01", target=0, op=Op.READ, index=n,
                 start_s=n, end_s=n + 1, duration_s=1.0, ios=attempt, bytes=0, clat_count=2,
                 clat_sum_ns=1.0, slat_sum_ns=1.0, lat_sum_ns=1.0, bins=((100, 2), (200, 3)))
        for n in range(50))

def write(root, attempts):
    with Store.open(Path(root)) as store:
        for attempt in attempts:
            store.set_phase("r", Phase.MEASURE, at_s=float(attempt))
            write_intervals(store.intervals_path("r", "t", 1), table(attempt),
                            SensorTable.from_samples(()), meta={"attempt": attempt})
            store.store_trial("r", a_trial(attempt=attempt),
                              [a_summary(float(attempt), metric=f"m{n}") for n in range(12)])

def begin(root, run_id, number):
    with Store.open(Path(root)) as store:
        store.create_run(a_run(run_id), a_plan())
        for attempt in range(1, number + 1):
            store.store_trial(run_id, a_trial(attempt=attempt), [a_summary(1.0)])

for line in sys.stdin:
    act, *words = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        if act == "write":
            write(words[0], count(int(words[1])))
        else:
            begin(words[0], words[1], int(words[2]))
        os._exit(0)
    print(child, flush=True)
    awaited = {"write": 1, "begin": 0, "begin-last": 3}[act]
    if awaited:
        print(*(os.wait()[1] for _ in range(awaited)), flush=True)
"""


@pytest.fixture
def forking():
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", FORKING],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def ask(*words):
            process.stdin.write("\t".join(map(str, words)) + "\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        ask.more = lambda: process.stdout.readline().strip()
        yield ask
        process.stdin.close()


def attempts_are_whole(root):
    """How many attempts are stored, each with all its summaries or none at all."""
    connection = sqlite3.connect(root / "storperf.sqlite3")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    stored = connection.execute(
        "SELECT attempt, (SELECT count(*) FROM summaries s WHERE s.attempt = t.attempt)"
        " FROM trials t WHERE state = ? ORDER BY attempt",
        (TrialState.STORED,),
    ).fetchall()
    connection.close()
    assert {number for _attempt, number in stored} <= {SUMMARIES}
    return len(stored)


def test_twenty_kills_at_random_moments_leave_a_whole_store_each_time(tmp_path, forking):
    with Store.open(tmp_path) as store:
        store.create_run(a_run("r"), a_plan())
    done = 0
    for kill in range(100):
        if kill >= 20 and done > 20:
            break
        child = int(forking("write", tmp_path, done + 1))
        # Opening takes some 10 ms, a trial with its files some 5 ms; more on a busy machine.
        delay_s = random.uniform(0.005, 0.12) * (1 + kill / 20)  # noqa: S311 - no secret
        timer = threading.Timer(delay_s, os.kill, (child, signal.SIGKILL))
        timer.start()
        assert int(forking.more()) == signal.SIGKILL, "the writer ended by itself"
        timer.join()
        before, done = done, attempts_are_whole(tmp_path)
        assert done >= before
        with Store.open(tmp_path) as store:
            phases = store.transitions("r")
            assert done <= len(phases), "a phase is stored before its act"
            assert len(store.trials("r")) == max(done, 1)
            path = store.intervals_path("r", "t", 1)
        if path.exists():
            table, _sensors, meta = read_intervals(path)
            assert len(table) == 50
            assert set(table.ios) == {meta["attempt"]}
            assert meta["attempt"] >= done
    assert done > 20, "the kills came too early to test anything"


def test_writers_of_several_processes_on_one_new_store_all_succeed(tmp_path, forking):
    for number in range(3):
        root = tmp_path / str(number)
        forking("begin", root, "a", 40)
        forking("begin", root, "b", 40)
        forking("begin-last", root, "c", 40)
        assert forking.more() == "0 0 0"
        with Store.open(root) as store:
            assert {run.id for run in store.find_runs()} == {"a", "b", "c"}
            for run in "abc":
                assert len(store.trials(run)) == 40


def test_threads_may_share_a_store(tmp_path):
    with Store.open(tmp_path) as store:
        store.create_run(a_run("r"), a_plan())
        threads = [
            threading.Thread(
                target=lambda name=name: [
                    store.add_event("r", float(n), "kind", name) for n in range(25)
                ]
            )
            for name in "abcd"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told = [event.text for event in store.events("r")]
    assert {name: told.count(name) for name in "abcd"} == dict.fromkeys("abcd", 25)
