"""One run with the real fio, and every command that looks at it."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET

import jsonschema
import pytest
import yaml
from tools.fake_fio import set_fio

STEPS = 2


@pytest.fixture(scope="module")
def history(tmp_path_factory, make_program):
    """A program with two runs of one job, and how they ended."""
    program = make_program(tmp_path_factory.mktemp("history"))
    job = program.job(
        name="nightly",
        lab="pod9",
        workloads=[
            {"name": "rr", "rw": "randread", "rate_iops": 500},
            {"name": "mix", "rw": "randrw", "rate_iops": "500,500"},
        ],
        matrix={"queue_depth": [1]},
    )
    first = program("run", job, "--title", "the first one")
    second = program("run", job, "--json")
    return program, job, first, second


@pytest.fixture
def program(history):
    return history[0]


@pytest.fixture
def ids(program):
    return [run["id"] for run in program("list", "--json").json["runs"]]


def test_a_run_prints_its_verdict_on_stdout_and_its_progress_on_stderr(history):
    _, _, first, _ = history
    assert first.exit_code == 0, first
    assert "PASS: within limits" in first.stdout
    assert "rr-bs4k-qd1-nj1-a1" in first.stdout
    assert "2 trials, about 2s left" in first.stderr
    assert "filling the target: started" in first.stderr
    assert "rr-bs4k-qd1-nj1-a1: completed" in first.stderr
    assert "left" not in first.stdout
    assert "PASS" not in first.stderr


def test_a_run_with_json_prints_one_document_and_nothing_else(history):
    _, _, _, second = history
    # Real storage on a busy machine may be slower than a moment ago; see the exact test below.
    assert (second.exit_code, second.json["run"]["reason"]) in {
        (0, "not_worse"),
        (0, "within_limits"),
        (3, "suspicious"),
    }
    assert second.json["schema"] == "storperf-result/1"
    assert second.json["run"]["state"] == "completed"
    assert len(second.trials) == STEPS
    assert {trial["end"] for trial in second.trials} == {"completed"}
    assert "rr-bs4k-qd1-nj1-a1: completed" in second.stderr


def test_the_figures_are_those_that_fio_was_asked_for(history):
    _, _, _, second = history
    figures = {
        (step["workload"], figure["op"], figure["metric"]): figure["value"]
        for step in second.json["steps"]
        for trial in step["trials"]
        for figure in trial["figures"]
        if figure["agent"] == "all"
    }
    assert 300 < figures["rr", "read", "iops"] <= 520, figures
    assert figures["rr", "read", "bandwidth"] == pytest.approx(
        figures["rr", "read", "iops"] * 4096, rel=0.01
    )
    assert figures["mix", "write", "iops"] > 0


def test_nothing_is_left_behind(history, program):
    program.assert_nothing_left()
    assert not (program.folder / "scratch").exists()


def test_the_second_run_is_compared_with_the_first(history, ids):
    _, _, first, second = history
    compared = [check for check in second.json["verdict"]["checks"] if check["kind"] == "baseline"]
    assert {(check["op"], check["metric"]) for check in compared} >= {
        ("read", "iops"),
        ("write", "iops"),
    }
    assert all(check["baseline_runs"] == [ids[1]] for check in compared)
    assert "No baseline" not in second.json["verdict"]["sentence"]
    assert "no baseline" in first.stdout


def test_list_names_the_runs_newest_first(program, ids):
    assert len(ids) == 2
    assert ids == sorted(ids, reverse=True)
    table = program("list")
    assert table.exit_code == 0
    assert table.stderr == ""
    assert all(run in table.stdout for run in ids)
    assert program("list", "--limit", 1, "--json").json["runs"][0]["id"] == ids[0]
    assert program("list", "--job", "nightly", "--lab", "pod9", "--json").json["runs"]
    assert program("list", "--job", "other", "--json").json == {
        "schema": "storperf-runs/1",
        "runs": [],
    }


def test_show_is_the_document_that_the_run_printed(history, program, ids):
    shown = program("show", "last", "--json")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert shown.json == history[3].json
    by_title = program("show", "the first one")
    assert ids[1] in by_title.stdout
    assert "PASS" in by_title.stdout
    assert program("show", ids[1], "--json").json["run"]["title"] == "the first one"


def test_show_raw_names_files_that_are_there(program, ids):
    text = program("show", ids[0], "--raw")
    paths = [line for line in text.stdout.splitlines() if line]
    assert paths == program("show", ids[0], "--raw", "--json").json["files"]
    kept = {path.removeprefix(f"{program.run_folder(ids[0])}/") for path in paths}
    assert {
        "intervals/t001.1.zip",
        "raw/t001.1.agent-01.target-0.json.gz",
        "journals/agent-01.journal",
        "result.json",
        "report.md",
        "figures.csv",
        "junit.xml",
    } <= kept


def test_export_writes_every_form(program, ids, tmp_path):
    shown = program("show", ids[0], "--json").json
    forms = {form: program("export", ids[0], "--format", form) for form in FORMS}
    assert {form: (each.exit_code, each.stderr) for form, each in forms.items()} == dict.fromkeys(
        FORMS, (0, "")
    )
    assert forms["json"].json == shown
    assert program("export", ids[0], "--json").json == shown
    assert yaml.safe_load(forms["yaml"].stdout)["run"]["id"] == ids[0]
    rows = list(csv.DictReader(io.StringIO(forms["csv"].stdout)))
    assert {row["op"] for row in rows} == {"read", "write"}
    assert ids[0] in forms["markdown"].stdout
    suite = ET.fromstring(forms["junit"].stdout)  # noqa: S314 - made by us
    assert not suite.findall(".//failure")
    assert len(suite.findall(".//testcase")) >= STEPS
    path = tmp_path / "result.json"
    quiet = program("export", ids[0], "--output", path)
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, "", "")
    assert json.loads(path.read_text()) == shown


FORMS = ("json", "csv", "yaml", "markdown", "junit")


def test_an_unwritable_export_is_the_users_fault(program):
    ended = program("export", "last", "--output", "/dev/null/result")
    assert ended.exit_code == 2
    assert "cannot write /dev/null/result" in ended.stderr


def test_compare_judges_every_figure_of_two_runs(program, ids):
    ended = program("compare", ids[1], ids[0], "--json")
    checks = ended.json["comparison"]["checks"]
    assert {check["op"] for check in checks} == {"read", "write"}
    reasons = {check["reason"] for check in checks}
    assert reasons <= {"not_worse", "suspicious"}
    assert ended.exit_code == (3 if "suspicious" in reasons else 0)
    table = program("compare", ids[1], ids[0])
    assert table.exit_code == ended.exit_code
    assert "rr-bs4k-qd1-nj1-a1" in table.stdout


def test_schemas_hold_what_is_printed(history, program):
    job_schema = program("schema", "job").json
    result_schema = program("schema", "result", "--json").json
    job = yaml.safe_load((program.folder / history[1]).read_text())
    jsonschema.Draft202012Validator(job_schema).validate(job)
    jsonschema.Draft202012Validator(result_schema).validate(history[3].json)
    assert not jsonschema.Draft202012Validator(job_schema).is_valid({**job, "nmae": "x"})


def test_verdict_is_a_document_that_can_be_explained(history, program):
    explained = program("verdict", "explain", "last", "--json").json
    assert explained["verdict"] == program("show", "last", "--json").json["verdict"]
    verdict_schema = program("schema", "verdict").json
    jsonschema.Draft202012Validator(verdict_schema).validate(explained["verdict"])
    in_words = program("verdict", "explain", "last")
    assert in_words.exit_code == 0
    assert all(section["title"] in in_words.stdout for section in explained["sections"])


def test_version_is_told(program):
    assert program("version").stdout.startswith("storperf ")
    assert program("version", "--json").json["schema"] == "storperf-version/1"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed(program, shell):
    # Else the shell is looked for among the parents, and under make there may be none.
    told = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    ended = program("--show-completion", shell, **told)
    assert ended.exit_code == 0, ended
    assert {"bash": "complete -o", "zsh": "#compdef", "fish": "complete --command"}[
        shell
    ] in ended.stdout
    assert "storperf" in ended.stdout
    assert ended.stderr == ""


def test_a_baseline_can_be_shown_cleared_and_set(storperf):
    job = storperf.job(provider=storperf.lying_fio(seed=1), limits=None)
    first = storperf("run", job, "--json")
    assert (first.exit_code, first.json["run"]["reason"]) == (3, "no_baseline")
    run = first.json["run"]["id"]
    shown = storperf("baseline", "show", "quick", "--json").json["entries"]
    assert [(entry["run"], entry["who"]) for entry in shown] == [(run, "storperf")]
    assert run in storperf("baseline", "show", "quick").stdout
    cleared = storperf("baseline", "clear", "quick", "--why", "new disks", "--json")
    assert cleared.json == {"schema": "storperf-baseline-cleared/1", "cleared": 1}
    assert storperf("run", job, "--json").json["run"]["reason"] == "no_baseline"
    storperf("baseline", "clear", "quick")
    entries = storperf("baseline", "set", run, "--why", "it was good", "--json").json["entries"]
    assert [(entry["run"], entry["why"]) for entry in entries] == [(run, "it was good")]
    again = storperf("run", job, "--json")
    assert again.exit_code == 0
    assert again.json["verdict"]["checks"][0]["baseline_runs"] == [run]
    assert storperf("compare", run, "last").exit_code == 0
    assert storperf("show", run, "--json").json["run"]["id"] == run
    storperf.assert_nothing_left()


def test_prune_takes_files_and_leaves_summaries(storperf):
    provider = storperf.lying_fio()
    job = storperf.job(provider=provider)
    run = storperf("run", job, "--json").json["run"]["id"]
    before = storperf("show", run, "--json").json
    kept = sorted(storperf.run_folder(run).rglob("*"))
    would = storperf("prune", "--older-than", "0s", "--dry-run", "--json").json["report"]
    assert [(each["run"], would["dry_run"]) for each in would["runs"]] == [(run, True)]
    assert would["runs"][0]["size_bytes"] > 0
    assert sorted(storperf.run_folder(run).rglob("*")) == kept
    assert storperf("prune", "--older-than", "1d", "--json").json["report"]["runs"] == []
    done = storperf("prune", "--max-size", "0", "--json").json["report"]
    assert done["runs"] == would["runs"]
    left = {path.name for path in storperf.run_folder(run).iterdir()}
    assert left.isdisjoint({"raw", "intervals", "journals"})
    assert {"result.json", "report.md", "figures.csv", "junit.xml"} <= left
    after = storperf("show", run, "--json").json
    assert after["steps"] == before["steps"]
    assert after["verdict"] == before["verdict"]
    assert "pruned_at_s" in after["run"]["facts"]
    set_fio(type(storperf.top)(provider["fio"]), "slow_rate", factor=0.9)
    assert storperf("run", job, "--json").json["verdict"]["checks"][1]["baseline_runs"] == [run]


def test_prune_without_a_rule_is_refused(storperf):
    assert storperf("prune").exit_code == 2
    assert storperf("prune", "--older-than", "soon").exit_code == 2
