"""A run's verdict on its way to systems that know PASS and FAIL."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from system.together import Facts
from tools.results_database import ResultsDatabase, letters

REPORTS = Path(__file__).parents[1] / "fixtures" / "storperf"

fact = Facts()


def push(storperf, database, *more):
    return storperf("hook", "testapi", "--url", database.url, "--pod", "pod9", *more)


def words_of(storperf, code):
    """What both hooks make of the newest run, whose exit code is given."""
    task = storperf("hook", "yardstick").json["result"]
    sent = storperf("hook", "testapi", "--dry-run").json
    record = task["testcases"]["opnfv_yardstick_tc074"]["tc_data"][0]
    assert record["data"]["exit_code"] == sent["details"]["exit_code"] == code
    assert task["criteria"] == sent["criteria"]
    assert record["errors"] == sent["details"]["violations"]
    left_out = [storperf("hook", kind, "--undecided", "skip") for kind in ("yardstick", "testapi")]
    for ended in left_out[: 1 if code in {0, 1} else 2]:
        assert (ended.exit_code, bool(ended.stdout)) == (0, code in {0, 1}), ended
    return sent["criteria"], sent["details"]["verdict"], record["errors"]


@fact
def exit_code_0_is_pass_and_the_result_is_pushed_once(storperf):
    assert storperf.run_job(provider=storperf.lying_fio()).exit_code == 0
    assert words_of(storperf, 0) == ("PASS", "pass", "")
    with ResultsDatabase() as database:
        first = push(storperf, database, "--json")
        assert first.json["letters"][0]["href"] == f"{database.url}/results/1"
        assert push(storperf, database).exit_code == 0
        assert len(database.taken) == 1
        assert push(storperf, database, "--again").exit_code == 0
        assert len(database.taken) == 2
    document = database.taken[0]
    assert document["criteria"] == "PASS"
    assert document["details"]["metrics"]["rr.queue-depth.1.block-size.4096.read.iops"] > 0


@fact
def exit_code_1_is_fail_with_every_violation(storperf):
    limits = ["iops >= 100000", "p99 clat <= 1us"]
    assert storperf.run_job(provider=storperf.lying_fio(), limits=limits).exit_code == 1
    word, verdict, errors = words_of(storperf, 1)
    assert (word, verdict) == ("FAIL", "fail")
    assert len(errors.split("; ")) == 2
    kept = storperf("hook", "yardstick", "-o", "yardstick.json")
    assert (kept.exit_code, kept.stdout) == (0, "")
    assert json.loads((storperf.folder / "yardstick.json").read_bytes())["status"] == 1


@fact
def exit_code_3_is_never_pass(storperf):
    assert storperf.run_job(provider=storperf.lying_fio(), limits=None).exit_code == 3
    word, verdict, errors = words_of(storperf, 3)
    assert (word, verdict) == ("FAIL", "inconclusive")
    assert errors.startswith("inconclusive, no_baseline: ")
    earlier = storperf.folder / "yardstick.json"
    earlier.write_text('{"criteria": "PASS"}')
    assert storperf("hook", "yardstick", "--undecided", "skip", "-o", earlier.name).exit_code == 0
    assert not earlier.exists()


@fact
def exit_code_4_is_never_pass(storperf):
    assert storperf.run_job(provider=storperf.lying_fio("crashes")).exit_code == 4
    word, verdict, errors = words_of(storperf, 4)
    assert (word, verdict) == ("FAIL", "inconclusive")
    assert errors.startswith("inconclusive, invalid: ")


@fact
def exit_code_130_is_never_pass(storperf):
    running = storperf.start("run", storperf.job(provider=storperf.lying_fio(), duration="30s"))
    running.until("rr-bs4k-qd1-nj1-a1: started")
    running.process.send_signal(signal.SIGINT)
    assert running.end().exit_code == 130
    assert words_of(storperf, 130)[0] == "FAIL"


@fact
def exit_code_2_leaves_no_run_and_so_nothing_to_hand_on(storperf):
    assert storperf("run", "missing.yaml").exit_code == 2
    for command in (("hook", "yardstick"), ("hook", "testapi", "--url", "http://127.0.0.1:9")):
        ended = storperf(*command)
        assert (ended.exit_code, ended.stdout) == (2, ""), ended


@fact
def a_result_outlives_a_server_that_is_away_and_refusals_are_not_repeated(storperf):
    assert storperf.run_job(provider=storperf.lying_fio()).exit_code == 0
    with ResultsDatabase() as database:
        pass
    port = int(database.url.split(":")[2].split("/")[0])
    away = push(storperf, database, "--patience", "0s")
    assert away.exit_code == 4, away
    assert "does not answer" in away.stdout
    assert [letter["state"] for letter in letters(storperf.results)] == ["waiting"]
    # What waits goes along with the next one that is taken.
    with ResultsDatabase(port=port, answers=[503, 429], cases=("other",)) as busy:
        ended = push(storperf, busy, "--case", "other", "--patience", "20s")
        assert busy.requests == 4, ended
        assert ended.exit_code == 2, ended
        assert "registered" in ended.stdout
        assert [each["case_name"] for each in busy.taken] == ["other"]
        assert storperf("hook", "testapi", "--flush").exit_code == 0
        assert busy.requests == 4
    # Once the case is registered, somebody pushes it again.
    with ResultsDatabase(port=port) as registered:
        assert push(storperf, registered).exit_code == 0
        assert len(registered.taken) == 1
    assert {letter["state"] for letter in letters(storperf.results)} == {"sent"}


@fact
def what_is_no_testapi_is_not_believed(storperf):
    assert storperf.run_job(provider=storperf.lying_fio()).exit_code == 0
    with ResultsDatabase(answers=[200, 302, 401]) as portal:
        portal.headers = {"Location": f"{portal.url}/login"}
        for words in ("no TestAPI", "moved to", "401"):
            ended = push(storperf, portal, "--patience", "0s")
            assert ended.exit_code == 2, ended
            assert words in ended.stdout
        assert not portal.taken


@fact
def letters_that_wait_are_sent_by_flush(storperf):
    assert storperf.run_job(provider=storperf.lying_fio()).exit_code == 0
    with ResultsDatabase(answers=[500]) as database:
        assert push(storperf, database, "--patience", "0s").exit_code == 4
        flushed = storperf("hook", "testapi", "--flush", "--json")
        assert flushed.exit_code == 0, flushed
        assert [each["state"] for each in flushed.json["letters"]] == ["sent"]
        assert len(database.taken) == 1


@fact
def the_storage_index_is_2048_for_what_is_as_fast_as_its_baseline(storperf):
    job = storperf.job(
        provider=storperf.lying_fio(),
        workloads=["rr", "rs"],
        matrix={"block_size": "16k", "queue_depth": 1},
        limits=["iops >= 1"],
    )
    assert storperf("run", job).exit_code == 0
    nothing = storperf("hook", "qtip")
    assert nothing.exit_code == 2
    assert "accepted runs" in nothing.stderr
    own = storperf("hook", "qtip", "--baseline", "last", "--json")
    assert (own.exit_code, own.json["score"], own.json["method"]) == (0, 2048, "described")
    assert own.json["verdict"]["verdict"] == "pass"
    # Whatever the verdict on the second run is: its index is beside the first.
    assert storperf("run", job).exit_code in {0, 3}
    accepted = storperf("hook", "qtip", "--json")
    assert accepted.json["baseline"] == "accepted runs"
    assert accepted.json["score"] > 0
    # The published expressions know none of these workloads as sequential.
    compat = storperf("hook", "qtip", "--baseline", "last", "--compat")
    assert compat.exit_code == 3
    assert "Througput: - of 0 figures" in compat.stdout


@fact
def reports_of_the_earlier_storperf_have_an_index_as_published(storperf):
    now, then = (str(REPORTS / f"storperf-{name}.json") for name in ("master", "danube"))
    ended = storperf("hook", "qtip", now, "--baseline", then, "--compat", "--json")
    assert ended.exit_code == 0, ended
    assert ended.json["method"] == "compat"
    assert 1900 < ended.json["score"] < 2200
    assert storperf("hook", "qtip", now).exit_code == 2


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
