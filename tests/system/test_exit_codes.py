"""Every exit code, and which wins when several things happen at once."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path

import pytest
from system.together import Facts
from tools.fake_fio import set_fio

# A tenth of a second an interval: forty of them, twice what it takes to see a drift.
LONGER = {"duration": "4s", "interval": "100ms"}


fact = Facts()


def verdict_of(ended):
    return ended.json["run"]["verdict"], ended.json["run"]["reason"]


@fact
def exits_with_0_when_every_limit_is_kept(storperf):
    ended = storperf.run_job(provider=storperf.lying_fio())
    assert ended.exit_code == 0, ended
    assert verdict_of(ended) == ("pass", "within_limits")
    assert ended.json["run"]["exit_code"] == 0


@fact
def exits_with_1_when_a_limit_is_broken(storperf):
    ended = storperf.run_job(
        provider=storperf.lying_fio(), limits=["iops >= 100000", "p99 clat <= 1s"]
    )
    assert ended.exit_code == 1, ended
    assert verdict_of(ended) == ("fail", "limit_broken")
    assert "iops >= 100000" in ended.json["verdict"]["sentence"]
    entries = storperf("baseline", "show", "quick", "--json").json["entries"]
    assert not [entry for entry in entries if entry["accepted"]]


IMPOSSIBLE = [
    ("run", "missing.yaml"),
    ("show", "last"),
    ("show", "20200101-000000-0000"),
    ("show", "--nonsense"),
    ("resume",),
    ("cancel", "nothing"),
    ("compare", "last", "last"),
    ("export", "last"),
    ("export", "--format", "pdf"),
    ("baseline", "set", "nothing"),
    ("list", "--limit", "0"),
    ("schema", "nothing"),
    ("nonsense",),
]


@fact
def exits_with_2_when_the_user_says_what_cannot_be(storperf):
    for command in IMPOSSIBLE:
        ended = storperf(*command)
        assert ended.exit_code == 2, ended
        assert ended.stdout == ""
        assert ended.stderr.strip()
        assert "Traceback" not in ended.stderr


@fact
def an_error_is_json_too_when_json_was_asked_for(storperf):
    ended = storperf("show", "nothing", "--json")
    assert ended.json["schema"] == "storperf-error/1"
    assert ended.json["exit_code"] == ended.exit_code == 2
    assert "nothing" in ended.json["error"]


@fact
def exits_with_3_without_baseline_and_without_limits(storperf):
    ended = storperf.run_job(provider=storperf.lying_fio(), limits=None)
    assert ended.exit_code == 3, ended
    assert verdict_of(ended) == ("inconclusive", "no_baseline")
    assert ended.json["verdict"]["enters_baseline"]


@fact
def exits_with_3_when_a_run_is_suspiciously_slow_and_it_never_enters_the_baseline(storperf):
    provider = storperf.lying_fio()
    job = storperf.job(provider=provider)
    assert storperf("run", job).exit_code == 0
    set_fio(Path(provider["fio"]), "slow_rate", factor=0.2)
    slow = storperf("run", job, "--json")
    assert slow.exit_code == 3, slow
    assert verdict_of(slow) == ("inconclusive", "suspicious")
    compared = storperf("compare", "last", "last")
    assert compared.exit_code == 0
    first, _ = reversed(storperf("list", "--json").json["runs"])
    assert storperf("compare", first["id"], "last").exit_code == 3
    entries = storperf("baseline", "show", "quick", "--json").json["entries"]
    assert [entry["run"] for entry in entries] == [first["id"]]


@fact
def exits_with_3_when_a_trial_was_not_steady(storperf):
    ended = storperf.run_job(provider=storperf.lying_fio("drifting", factor=0.2), **LONGER)
    assert ended.exit_code == 3, ended
    assert verdict_of(ended) == ("inconclusive", "not_steady")
    assert [trial["steadiness"] for trial in ended.trials] == ["not_steady"]
    assert not ended.json["verdict"]["enters_baseline"]


CHANGES = [
    ({"target": {"directory": "scratch", "size": "32M"}}, "span_bytes was 16777216"),
    ({"direct": False}, "direct was true, is false"),
    ({"precondition": {"fill": False}}, "fill was true, is false"),
]


@fact
def exits_with_3_when_the_job_measures_something_else_than_before(storperf):
    # Writes: reading what nobody filled is no measurement.
    workloads = [{"name": "wr", "rw": "randwrite", "rate_iops": 500}]
    same = {"provider": storperf.lying_fio(), "limits": None, "workloads": workloads}
    assert storperf.run_job(**same).exit_code == 3
    for change, names in CHANGES:
        ended = storperf.run_job(**same, **change)
        assert ended.exit_code == 3, ended
        assert verdict_of(ended) == ("inconclusive", "not_comparable")
        assert names in ended.json["verdict"]["sentence"]


@fact
def another_depth_is_another_step_without_a_baseline(storperf):
    provider = storperf.lying_fio()
    assert storperf.run_job(provider=provider, limits=None).exit_code == 3
    deeper = storperf.run_job(provider=provider, limits=None, matrix={"queue_depth": 2})
    assert verdict_of(deeper) == ("inconclusive", "no_baseline")
    both = storperf("compare", storperf("list", "--json").json["runs"][1]["id"], "last")
    assert both.exit_code in {2, 3}


@fact
def exits_with_5_when_the_store_holds_what_storperf_never_writes(storperf):
    run = storperf.run_job(provider=storperf.lying_fio()).json["run"]["id"]
    with sqlite3.connect(storperf.results / "storperf.sqlite3") as store:
        store.execute("UPDATE trials SET state = 'nonsense'")
    store.close()
    ended = storperf("show", run, "--json")
    assert ended.exit_code == 5, ended
    assert "a bug in storperf" in ended.stderr
    assert "please report it" in ended.stderr
    assert ended.json["exit_code"] == 5


@fact
def exits_with_5_when_the_installation_is_broken(storperf):
    (storperf.top / "typer.py").write_text("raise ImportError('half of it is missing')")
    ended = storperf("run", storperf.job(), PYTHONPATH=str(storperf.top))
    assert ended.exit_code == 5, ended
    assert "this installation is broken: half of it is missing" in ended.stderr


@fact
def exits_with_130_when_somebody_asks_for_the_end(storperf):
    running = storperf.start("run", storperf.job(provider=storperf.lying_fio(), duration="30s"))
    running.until("rr-bs4k-qd1-nj1-a1: started")
    running.process.send_signal(signal.SIGINT)
    assert running.end().exit_code == 130
    storperf.assert_nothing_left()


@fact
def a_broken_limit_wins_over_a_failed_trial(storperf):
    provider = storperf.fio_by_pattern(
        randread=storperf.lying_fio("crashes"), randwrite=storperf.lying_fio()
    )
    ended = storperf.run_job(
        provider=provider, workloads=["rr", "wr"], limits=["wr: iops >= 100000"]
    )
    assert ended.exit_code == 1, ended
    assert verdict_of(ended) == ("fail", "limit_broken")
    reasons = {check["reason"] for check in ended.json["verdict"]["checks"]}
    assert {"invalid", "limit_broken"} <= reasons


@fact
def a_failed_trial_wins_over_a_missing_baseline_and_over_a_pass(storperf):
    provider = storperf.fio_by_pattern(
        randread=storperf.lying_fio("crashes"), randwrite=storperf.lying_fio()
    )
    for limits in (["iops >= 1"], None):
        ended = storperf.run_job(provider=provider, workloads=["rr", "wr"], limits=limits)
        assert ended.exit_code == 4, ended
        assert verdict_of(ended) == ("inconclusive", "invalid")


@fact
def an_unsteady_trial_does_not_hide_a_broken_limit(storperf):
    provider = storperf.fio_by_pattern(
        randread=storperf.lying_fio("drifting", factor=0.2), randwrite=storperf.lying_fio()
    )
    ended = storperf.run_job(
        provider=provider, workloads=["rr", "wr"], limits=["wr: iops >= 100000"], **LONGER
    )
    assert ended.exit_code == 1, ended


@fact
def a_cancel_wins_over_a_broken_limit_and_a_failed_trial(storperf):
    provider = storperf.fio_by_pattern(
        randread=storperf.lying_fio("crashes"), randwrite=storperf.lying_fio()
    )
    job = storperf.job(
        provider=provider,
        workloads=["rr", "wr", {"name": "third", "rw": "write"}],
        limits=["wr: iops >= 100000"],
    )
    running = storperf.start("run", job, "--json")
    running.until("third-bs4k-qd1-nj1-a1: started")
    running.process.send_signal(signal.SIGTERM)
    ended = running.end()
    assert ended.exit_code == 130, ended
    assert ended.json["run"]["state"] == "cancelled"
    assert [trial["end"] for trial in ended.trials] == ["failed", "completed", "cancelled"]
    assert ended.trials[1]["figures"]
    storperf.assert_nothing_left()


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
