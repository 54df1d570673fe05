"""Markdown, JUnit, CSV and the terminal's table: what they say, and to what text they stay deaf."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from unit.reports.result_values import (
    EVIL,
    MIXED,
    STEP,
    a_check,
    a_job,
    a_mixed_step,
    a_result,
    a_run,
    a_step,
    a_trial,
    a_verdict,
    summaries_of,
)

from storperf.errors import ExitCode, StoreError, UnknownName
from storperf.model.baseline import BaselineEntry, BaselineKey
from storperf.model.comparison import FactDifference, RunComparison, RunSet
from storperf.model.job import PlannedTrial
from storperf.model.run import Phase, RunState, TrialEnd
from storperf.model.verdict import CheckKind, Outcome, Reason
from storperf.reports import clean
from storperf.reports.comparison_table import comparison_table
from storperf.reports.csv_export import COLUMNS
from storperf.reports.papers import PAPERS, write_papers
from storperf.reports.registry import REPORTERS, get_reporter, render
from storperf.reports.step_rows import step_rows
from storperf.reports.table import baseline_table, result_table, runs_table


def shown(renderable, width=80, **options):
    file = io.StringIO()
    Console(file=file, width=width, **options).print(renderable)
    return file.getvalue()


def two_steps(*checks, **changes):
    values = {
        "steps": (a_step(), a_mixed_step()),
        "trials": (a_trial(), a_trial("t002", MIXED)),
        "summaries": (
            *summaries_of(),
            *summaries_of("t002", "read", 0.1),
            *summaries_of("t002", "write", 0.05),
        ),
        "verdict": a_verdict(*checks),
    }
    return a_result(**values | changes)


def evil_result(text):
    """A result with that text wherever others may write."""
    return a_result(
        run=a_run(title=text, job_name=text, lab=text, reason=text),
        job=a_job(text=text, name=text),
        trials=(a_trial(end_reason=text, facts={"x": text}),),
        verdict=a_verdict(a_check(sentence=text, reason=Reason.SUSPICIOUS)),
        environment={"agent-01": {text: text}, text: text},
        sinks={text: [text]},
    )


# --- the registry ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", REPORTERS)
def test_every_form_is_found_and_renders(name):
    assert get_reporter(name)(a_result()) == render(name, a_result()) != ""


def test_an_unknown_form_is_refused_and_the_known_are_named():
    with pytest.raises(UnknownName, match=r"'pdf'; known are json, csv, yaml, markdown, junit"):
        render("pdf", a_result())


def test_the_registry_imports_nothing_heavy():
    heavy = "{'yaml', 'rich', 'numpy', 'scipy', 'xml.etree', 'csv'}"
    code = f"import sys, storperf.reports.registry; print(sorted({heavy} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


# --- JUnit -----------------------------------------------------------------------------------

SUITE = {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "id"}
LEGAL = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


def junit(result):
    """The suite, after a look at its shape (Jenkins' junit-10.xsd)."""
    text = render("junit", result)
    assert LEGAL.fullmatch(text)
    suite = ET.fromstring(text)  # noqa: S314 - our own text
    assert suite.tag == "testsuite"
    assert set(suite.attrib) == SUITE
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp"))
    cases = suite.findall("testcase")
    assert [child.tag for child in suite] == ["properties", *["testcase"] * len(cases)]
    for case in cases:
        assert set(case.attrib) == {"classname", "name", "time"}
        assert all(case.attrib.values())
        assert re.fullmatch(r"\d+\.\d{3}", case.get("time"))
        (child,) = case
        assert child.tag in ("skipped", "error", "failure", "system-out")
        if child.tag in ("error", "failure"):
            assert set(child.attrib) == {"message", "type"}
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(attribute)) == len(suite.findall(f"testcase/{tag}"))
    assert int(suite.get("tests")) == len(cases)
    return {(case.get("classname"), case.get("name")): case[0] for case in cases}


@pytest.mark.parametrize(
    ("reason", "tag"),
    [
        (
            reason,
            {
                ExitCode.PASS: "system-out",
                ExitCode.FAIL: "failure",
                ExitCode.INCONCLUSIVE: "skipped",
                ExitCode.INFRASTRUCTURE: "error",
            }[reason.exit_code],
        )
        for reason in Reason
    ],
)
def test_each_reason_has_its_element_in_step_and_run(reason, tag):
    cases = junit(a_result(verdict=a_verdict(a_check(reason, sentence="why so"))))
    run, step = (
        cases["pod9.nightly", "verdict"],
        cases[f"pod9.nightly.{STEP}.candidate", "read iops"],
    )
    assert (run.tag, step.tag) == (tag, tag)
    assert step.text == "why so"
    if tag != "system-out":
        assert step.get("message") == f"{reason}: why so"


def test_only_a_pass_is_green():
    for reason in Reason:
        cases = junit(a_result(verdict=a_verdict(a_check(reason))))
        green = {case.tag == "system-out" for case in cases.values()}
        assert green == {reason.outcome is Outcome.PASS}


def test_each_step_and_metric_is_a_case_and_the_worst_of_its_checks_wins():
    cases = junit(
        two_steps(
            a_check(Reason.LIMIT_BROKEN, CheckKind.LIMIT, sentence="too slow"),
            a_check(Reason.NOT_WORSE, sentence="as ever"),
            a_check(metric="clat_p99"),
            a_check(op="write", step=MIXED),
            a_check(Reason.NOT_STEADY, CheckKind.GATE, step=MIXED, op=None, metric=None),
        )
    )
    group = "pod9.nightly"
    assert {key: child.tag for key, child in cases.items()} == {
        (group, "verdict"): "failure",
        (f"{group}.{STEP}.candidate", "read iops"): "failure",
        (f"{group}.{STEP}.candidate", "read clat_p99"): "system-out",
        (f"{group}.{MIXED}.candidate", "write iops"): "system-out",
        (f"{group}.{MIXED}.candidate", "trials"): "skipped",
    }
    assert cases[f"{group}.{STEP}.candidate", "read iops"].text == "too slow\nas ever"


def test_infrastructure_wins_over_inconclusive_and_fail_over_both():
    found = []
    for reasons in (
        [Reason.SUSPICIOUS, Reason.INVALID],
        [Reason.NOT_WORSE, Reason.SUSPICIOUS],
        [Reason.SUSPICIOUS, Reason.INVALID, Reason.LIMIT_BROKEN],
    ):
        cases = junit(a_result(verdict=a_verdict(*(a_check(reason) for reason in reasons))))
        found.append(cases[f"pod9.nightly.{STEP}.candidate", "read iops"].tag)
    assert found == ["error", "skipped", "failure"]


def test_a_planned_step_without_any_check_is_skipped_and_not_left_out():
    cases = junit(two_steps(a_check()))
    assert cases[f"pod9.nightly.{MIXED}.candidate", "trials"].tag == "skipped"


def test_a_run_without_a_verdict_is_an_error():
    cases = junit(a_result(verdict=None, run=a_run(reason="the agent is lost")))
    assert cases["pod9.nightly", "verdict"].tag == "error"
    assert cases["pod9.nightly", "verdict"].text == "the agent is lost"
    assert {child.tag for child in cases.values()} == {"error", "skipped"}


def test_a_pass_that_ended_with_another_exit_code_is_an_error():
    cases = junit(a_result(run=a_run(exit_code=130)))
    assert cases["pod9.nightly", "verdict"].tag == "error"
    assert "exit code 130" in cases["pod9.nightly", "verdict"].get("message")


def test_a_run_of_nothing_has_its_case_nevertheless():
    result = a_result(steps=(), trials=(), summaries=(), verdict=None)
    assert [child.tag for child in junit(result).values()] == ["error"]


def test_the_time_of_a_step_is_that_of_its_trials_and_never_negative():
    trials = (a_trial(), a_trial(attempt=2, started_s=5.0, ended_s=1e9 + 5), a_trial("t003", MIXED))
    text = render("junit", a_result(trials=trials))
    assert 'time="1000000060.500"' in text
    text = render("junit", a_result(trials=(a_trial(started_s=9.0, ended_s=1.0),)))
    assert 'name="read iops" time="0.000"' in text
    assert 'time="0.000"' in render("junit", a_result(run=a_run(ended_s=1.0)))


@pytest.mark.parametrize("text", EVIL)
def test_junit_of_odd_text_is_legal_xml(text):
    cases = junit(evil_result(text))
    assert len(cases) == 2


def test_points_in_names_make_no_packages():
    cases = junit(a_result(run=a_run(job_name="a.b c", lab="l.m")))
    assert ("l_m.a_b c", "verdict") in cases


# --- CSV -------------------------------------------------------------------------------------


def rows(result):
    return list(csv.DictReader(io.StringIO(render("csv", result))))


def test_there_is_a_row_for_each_figure_with_its_unit_and_every_digit():
    result = two_steps(a_check())
    found = rows(result)
    assert len(found) == len(result.summaries)
    for row, summary in zip(found, result.summaries, strict=True):
        assert (row["trial"], row["op"], row["agent"]) == (summary.trial, summary.op, summary.agent)
        assert float(row["value"]) == summary.value
        assert row["low"] == ("" if summary.low is None else repr(summary.low))
    assert {row["step"] for row in found} == {STEP, MIXED}
    first = {"metric": "iops", "unit": "1/s", "end": "completed", "steadiness": "steady"}
    assert found[0].items() >= first.items()
    assert found[0]["flags"] == "client_bound"


def test_a_result_without_figures_is_a_heading():
    assert render("csv", a_result(summaries=())) == ",".join(COLUMNS) + "\n"


def test_figures_are_told_of_the_latest_attempt():
    trials = (a_trial(attempt=2), a_trial(attempt=1, end=TrialEnd.FAILED))
    assert {(row["attempt"], row["end"]) for row in rows(a_result(trials=trials))} == {
        ("2", "completed")
    }


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\r=1", "\n+1", "\uff1d1", "\tx"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(text):
    found = rows(a_result(run=a_run(job_name=text, lab=text)))
    assert {row["job"][0] for row in found} == {"'"}
    assert {row["lab"][0] for row in found} == {"'"}


def test_negative_numbers_stay_numbers():
    lower = replace(summaries_of()[0], value=-1.5)
    assert rows(a_result(summaries=(lower,)))[0]["value"] == "-1.5"


@pytest.mark.parametrize("text", EVIL)
def test_csv_of_odd_text_has_the_same_rows(text):
    found = rows(evil_result(text))
    assert len(found) == len(summaries_of())
    assert {float(row["value"]) for row in found if row["metric"] == "iops"} == {12_400.0}


# --- Markdown --------------------------------------------------------------------------------


def test_markdown_tells_verdict_figures_baseline_and_job():
    text = render("markdown", two_steps(a_check(Reason.SUSPICIOUS)))
    assert text.startswith("# nightly: inconclusive\n\n**suspicious**: read IOPS 12.4 k, 3.2 %")
    assert "**12.4 k** | 48.4 MiB/s | 81.9 us | 121 us | 12.8 k | -3.2 % |" in text
    assert f"| {MIXED} | write | **620** |" in text
    assert "| not judged |" in text
    assert "```text\nname: nightly\n" in text
    assert "exit code 0" in text


def test_markdown_without_a_verdict_tells_the_reason():
    text = render("markdown", a_result(verdict=None, run=a_run(reason="# boom")))
    assert "# nightly: no verdict\n\nReason: \\# boom\n" in text


@pytest.mark.parametrize("text", EVIL)
def test_markdown_of_odd_text_keeps_its_shape(text):
    plain, evil = (render("markdown", evil_result(each)) for each in ("word", text))
    block = re.compile(r"^(`{3,})text$.*?^\1$", re.MULTILINE | re.DOTALL)
    assert len(block.findall(evil)) == 1
    plain, evil = (block.sub("", each) for each in (plain, evil))
    assert len(evil.splitlines()) == len(plain.splitlines())
    for left, right in zip(plain.splitlines(), evil.splitlines(), strict=True):
        bars = re.compile(r"(?<!\\)\|")
        assert len(bars.findall(left)) == len(bars.findall(re.sub(r"\\\\", "", right)))
    assert not re.search(r"<[a-z/!]", evil, re.IGNORECASE)
    assert "\x1b" not in evil


def test_a_fence_in_the_job_file_does_not_end_the_block():
    text = render("markdown", a_result(job=a_job(text="a\n````\n# heading\n```")))
    assert text.endswith("`````text\na\n````\n# heading\n```\n`````\n")


@pytest.mark.parametrize("char", list("\\`*_{}[]|#~$!@:"))
def test_each_character_with_a_meaning_is_escaped(char):
    assert clean.markdown(f"a{char}b") == f"a\\{char}b"


# --- the terminal ----------------------------------------------------------------------------


def test_the_table_tells_verdict_figures_baseline_change_and_why():
    broken = a_check(
        Reason.LIMIT_BROKEN, CheckKind.LIMIT, step=MIXED, op="write", sentence="620 is too few."
    )
    text = shown(result_table(two_steps(broken, a_check(Reason.SUSPICIOUS))))
    assert "FAIL: limit broken" in text
    for word in ("12.4 k*", "48.4 MiB/s", "81.9 us", "121 us", "12.8 k", "-3.2 %", "620*"):
        assert word in text
    assert f"fail: {MIXED}: 620 is too few." in text.replace("\n", " ")
    assert "inconclusive" in text
    assert "suspicious" in text


def test_the_judged_figure_of_a_sequential_step_is_its_bandwidth():
    step = a_step(options=(("rw", "read"),))
    text = shown(
        result_table(a_result(steps=(step,), verdict=a_verdict(a_check(metric="bandwidth"))))
    )
    assert "48.4 MiB/s*" in text
    assert "12.4 k*" not in text


def test_what_was_not_measured_is_a_dash_and_not_judged():
    text = shown(result_table(a_result(trials=(), summaries=(), verdict=None)))
    assert "NO VERDICT" in text
    assert "not judged" in text
    assert "0" not in text.split("reason")[1].split("read")[1].splitlines()[0]


def test_a_gate_of_the_step_counts_for_every_direction():
    gate = a_check(Reason.NOT_STEADY, CheckKind.GATE, step=MIXED, op=None, metric=None)
    found = {(row.step, row.op): row.reason for row in step_rows(two_steps(a_check(), gate))}
    assert found == {
        (STEP, "read"): Reason.NOT_WORSE,
        (MIXED, "read"): Reason.NOT_STEADY,
        (MIXED, "write"): Reason.NOT_STEADY,
    }


def test_baseline_and_change_are_those_of_the_judged_figures_screen():
    checks = (
        a_check(Reason.LIMIT_BROKEN, CheckKind.LIMIT, baseline_value=1.0, change=0.9),
        a_check(metric="clat_p99", baseline_value=2.0, change=0.8),
        a_check(op="write", baseline_value=3.0, change=0.7),
        a_check(side="reference", baseline_value=4.0, change=0.6),
        a_check(),
    )
    (row,) = step_rows(a_result(verdict=a_verdict(*checks)))
    assert (row.baseline, row.change) == ("12.8 k", "-3.2 %")


def test_a_check_of_one_side_says_nothing_of_the_other():
    result = a_result(verdict=a_verdict(a_check(Reason.SUSPICIOUS, side="reference")))
    assert [row.reason for row in step_rows(result)] == [None]


def test_what_passed_needs_no_sentence_below_the_table():
    passed = a_check(sentence="all is well", metric="clat_p99")
    verdict = a_verdict(a_check(Reason.SUSPICIOUS), passed)
    assert "all is well" not in shown(result_table(a_result(verdict=verdict)))


def test_repeats_are_told_as_such():
    trials = (a_trial(), a_trial("t002", repeat=2))
    planned = tuple(
        PlannedTrial(id=f"t00{n}", step_key=STEP, side="candidate", session=1, repeat=n)
        for n in (1, 2)
    )
    summaries = (*summaries_of(), *summaries_of("t002", factor=4.0))
    result = a_result(trials=trials, summaries=summaries, planned=planned)
    text = shown(result_table(result))
    assert "geometric mean" in text
    assert "24.8 k*" in text
    assert "geometric mean" in render("markdown", result)
    assert "geometric mean" not in shown(result_table(a_result()))


def test_two_sides_are_named_and_one_is_not():
    planned = tuple(
        PlannedTrial(id=f"t00{n}", step_key=STEP, side=side, session=1, repeat=1)
        for n, side in ((1, "candidate"), (2, "reference"))
    )
    result = a_result(
        trials=(a_trial(), a_trial("t002", side="reference")),
        summaries=(*summaries_of(), *summaries_of("t002", factor=2.0)),
        planned=planned,
    )
    text = shown(result_table(result))
    assert "read candidate" in text
    assert "read reference" in text
    assert "24.8 k*" in text
    assert "candidate" not in shown(result_table(a_result()))


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("text", EVIL)
def test_the_table_of_odd_text_fits_and_holds_no_control_characters(text, width):
    out = shown(result_table(evil_result(text)), width=width)
    assert all(len(each) <= width for each in out.splitlines())
    assert not re.search("[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)


def test_markup_of_others_is_shown_and_not_obeyed():
    text = "[bold red]x[/] [link=http://evil]y[/link] [/]"
    out = shown(result_table(evil_result(text)), width=300, force_terminal=True)
    assert text in re.sub("\x1b[^m]*m", "", out)
    assert "http://evil\x1b\\" not in out
    assert "]8;" not in out.replace("link=http://evil]", "")


def test_a_long_step_key_folds_and_is_whole():
    key = "k" * 100
    text = shown(
        result_table(a_result(steps=(a_step(key),), trials=(), summaries=(), verdict=None))
    )
    assert text.count("k") >= 100
    assert all(len(each) <= 80 for each in text.splitlines())


def test_nothing_is_told_by_colour_alone():
    for reason in Reason:
        result = a_result(verdict=a_verdict(a_check(reason)))
        plain = shown(result_table(result), no_color=True)
        assert f"{reason.outcome.upper()}: {reason.replace('_', ' ')}" in plain
        assert plain.count(reason.outcome.value) >= 1


def test_runs_are_listed_with_state_phase_and_verdict():
    going = a_run(
        id="r2",
        state=RunState.RUNNING,
        phase=Phase.MEASURE,
        ended_s=None,
        verdict=None,
        reason=None,
    )
    text = shown(runs_table((a_run(), going)), width=120)
    assert "pass: not_worse" in text
    assert "in measure" in text
    assert "after the upgrade" in text
    assert shown(runs_table(())) == "no runs\n"


def test_the_baseline_is_listed_with_who_and_why():
    entry = BaselineEntry(
        key=BaselineKey(lab="l", job="j", side="reference", step=STEP, fingerprint="f"),
        run="r1",
        accepted=False,
        who="ann",
        why="[bold]noisy[/bold]",
        at_s=1.79e9,
    )
    text = shown(baseline_table((entry,)), width=120)
    for word in (STEP, "reference", "r1", "no", "2026-09-21 14:13", "ann", "[bold]noisy[/bold]"):
        assert word in text
    assert "no run was ever" in shown(baseline_table(()))


def test_a_comparison_tells_both_values_and_why():
    comparison = RunComparison(
        reference=RunSet(words="was", runs=(a_run(id="was"),)),
        candidate=RunSet(words="title=new*", runs=(a_run(id="one"), a_run(id="two"))),
        checks=(a_check(Reason.SUSPICIOUS), a_check(Reason.NOT_COMPARABLE, metric=None, op=None)),
        environment=(
            FactDifference(
                name="host.kernel", reference=(("6.1", 1),), candidate=(("6.8", 1), ("6.9", 1))
            ),
        ),
    )
    text = shown(comparison_table(comparison))
    for word in ("reference was", "candidate title=new*: 2 runs", "12.4 k", "12.8 k", "-3.2 %"):
        assert word in text
    for word in ("-5.0 % to -1.0 %", "suspicious", "not comparable", "6.8 (1 run)", "host.kernel"):
        assert word in text


# --- files -----------------------------------------------------------------------------------


def test_every_paper_is_written_and_written_again(tmp_path):
    result = a_result()
    for _ in range(2):
        paths = write_papers(result, tmp_path)
    assert (
        {path.name for path in paths} == {path.name for path in tmp_path.iterdir()} == set(PAPERS)
    )
    for name, form in PAPERS.items():
        assert (tmp_path / name).read_text() == render(form, result)


def test_papers_that_cannot_be_written_are_a_store_error(tmp_path):
    with pytest.raises(StoreError, match="cannot write at"):
        write_papers(a_result(), tmp_path / "no")
