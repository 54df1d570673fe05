"""`storperf judge` of the installed program: plain numbers in, a verdict and its exit code out."""

from __future__ import annotations

import json
import subprocess

import pytest
from system.conftest import PROGRAM, TREE

ACCEPTED = "14200\n14010\n14333\n13980\n14120\n"
PAIRS = "reference,candidate\n14100,12200\n14000,12100\n14250,12150\n"


def write(storperf, name, text):
    (storperf.folder / name).write_text(text)
    return name


@pytest.fixture
def files(storperf):
    return ("--baseline", write(storperf, "accepted.csv", ACCEPTED), "--candidate", "new.csv")


def test_one_bad_run_is_suspicious_and_pairs_make_it_a_fail(storperf, files):
    write(storperf, "new.csv", "12100\n")
    screened = storperf("judge", *files, "--json")
    assert screened.exit_code == 3, screened
    assert screened.json["schema"] == "storperf-judgement/1"
    assert (screened.json["verdict"], screened.json["reason"]) == ("inconclusive", "suspicious")
    write(storperf, "pairs.csv", PAIRS)
    confirmed = storperf(
        "judge", *files, "--pairs", "pairs.csv", "--prior-spread", "0.01", "--json"
    )
    assert confirmed.exit_code == 1, confirmed
    said = confirmed.json
    assert (said["verdict"], said["reason"], said["pairs_used"]) == ("fail", "regression", 3)
    low, high = said["interval"]
    assert low < said["change"] < high < 0
    assert said["pairs_needed"] == 0


def test_equal_run_passes_with_what_would_have_been_seen(storperf, files):
    write(storperf, "new.csv", "14150\n")
    ended = storperf("judge", *files, "--prior-spread", "0.05")
    assert ended.exit_code == 0, ended
    assert ended.stdout.startswith("Pass (nothing seen; would have seen")


def test_metrics_know_their_direction_and_pairs_without_a_name_are_the_first_ones(storperf):
    rows = [f"iops,{14000 + 10 * n}\nclat_p99,{900 + n}" for n in range(10)]
    write(storperf, "accepted.csv", "\n".join(["metric,value", *rows]))
    write(storperf, "new.csv", "metric,value\nclat_p99,1500\niops,12100\n")
    write(storperf, "pairs.csv", PAIRS)
    ended = storperf(
        *("judge", "--baseline", "accepted.csv", "--candidate", "new.csv"),
        *("--pairs", "pairs.csv", "--prior-spread", "0.01", "--json"),
    )
    assert ended.exit_code == 1, ended
    said = {each["metric"]: each for each in ended.json["metrics"]}
    assert (said["iops"]["reason"], said["clat_p99"]["reason"]) == ("regression", "suspicious")
    assert said["clat_p99"]["change"] > 0
    assert ended.json["metric"] == "iops"


def test_how_to_page_says_what_the_program_says(storperf, files):
    write(storperf, "new.csv", "12100\n")
    ended = storperf("judge", *files)
    page = TREE / "docs/how-to/judge-numbers-from-elsewhere.md"
    assert ended.stdout in page.read_text()


def test_table_of_cases_gives_a_line_each_and_reads_standard_input(storperf):
    rows = [f"a,base,{n},{100 + n % 3},0.01" for n in range(5)]
    rows += ["a,cand,0,100,0.01", "b,cand,0,100,", "c,base,0,5,", "c,cand,0,5,"]
    rows += ["d,base,0,nan,", "d,cand,0,5,"]
    text = "\n".join(["case,role,idx,value,prior_spread", *rows])
    ended = subprocess.run(
        [PROGRAM, "judge", "--cases", "-", "--json-lines"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 3, ended
    said = {each["case"]: each for each in map(json.loads, ended.stdout.splitlines())}
    assert [each["reason"] for each in said.values()] == [
        *("proven", "no_baseline", "not_worse", "invalid"),
    ]
    assert said["d"]["verdict"] == "inconclusive"
    assert set(said["a"]) == set(said["b"]) == set(said["d"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("14000\nabc\n0\n", "line 2: 'abc' is no number"),
        ("metric\niops\n", "line 1: the column value is missing"),
    ],
)
def test_bad_file_ends_with_exit_code_2_and_names_the_line(storperf, files, text, words):
    write(storperf, "new.csv", text)
    ended = storperf("judge", *files, "--json")
    assert ended.exit_code == 2, ended
    assert ended.json["exit_code"] == 2
    assert words in ended.json["error"]
    assert "new.csv" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--baseline", "accepted.csv"),
        ("--cases", "accepted.csv", "--pairs", "accepted.csv"),
        ("--pairs", "accepted.csv", "--prior-spread", "2.4"),
        ("--pairs", "missing.csv"),
    ],
)
def test_options_that_say_nothing_are_refused(storperf, options):
    write(storperf, "accepted.csv", ACCEPTED)
    assert storperf("judge", *options).exit_code == 2


def test_changes_and_steadiness_of_plain_series(storperf):
    rows = [f"a,r{n},{100 + n % 3 - 10 * (n >= 30)}" for n in range(50)]
    write(
        storperf,
        "history.csv",
        "\n".join(["series,run,value", *rows, "b,r0,5", "b,r1,", "b,r2,NaN"]),
    )
    ended = storperf("changes", "history.csv", "--json-lines")
    assert ended.exit_code == 0, ended
    first, second = map(json.loads, ended.stdout.splitlines())
    (change,) = first["changes"]
    assert (first["series"], change["index"], change["run"]) == ("a", 30, "r30")
    low, high = change["interval"]
    assert low < change["change"] < high < 0
    assert (second["series"], second["changes"], second["missing"]) == ("b", [], 2)
    window = zip((60, 120, 180, 240, 300), (228.90, 240.21, 240.60, 240.71, 240.71), strict=True)
    write(storperf, "t.csv", "\n".join(["t_s,value", *(f"{t},{value}" for t, value in window)]))
    said = json.loads(storperf("steady", "t.csv", "--json-lines").stdout)
    assert (said["steady"], said["reason"], said["warmup_s"]) == (True, "steady", 0.0)
    figures = [said[name] for name in ("range", "slope", "excursion")]
    assert figures == pytest.approx([11.81, 2.412, 9.648], abs=0.01)
    assert storperf("steady", "history.csv").exit_code == 2
    assert "steady, warm-up 0 s" in storperf("steady", "t.csv").stdout
    assert "b: no change of level" in storperf("changes", "history.csv").stdout
