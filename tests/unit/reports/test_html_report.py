"""The page of a run: whatever state it is in and whatever text it holds, it is a page."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.reports.result_values import (
    EVIL,
    STEP,
    a_check,
    a_job,
    a_mixed_step,
    a_result,
    a_run,
    a_step,
    a_trial,
    a_verdict,
)

from storperf.errors import StoreError
from storperf.model.job import CANDIDATE, REFERENCE, PlannedTrial
from storperf.model.run import Event, Phase, RunState, Steadiness, TrialEnd, TrialState
from storperf.model.verdict import CheckKind, Reason
from storperf.reports.html_kept import Kept, KeptFile
from storperf.reports.html_page import script_json
from storperf.reports.html_report import render_report

MADE_S = 1_790_000_200.0
TRACES = {
    "interval_s": 1.0,
    "cell_s": 1.0,
    "end_s": 2.0,
    "window_s": [1.0, 2.0],
    "ops": {"read": {"t": [0.5, 1.5], "iops": [1, None], "bandwidth": [1, 2], "p50": [1, 2]}},
    "heat": {"read": {"cell_s": 1.0, "t": [0.5], "edges_s": [1, 2], "counts": [[3]], "kept": [3]}},
    "host": {},
}
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Elements of a page, with the text of each, and whether every one is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.faults, self.elements = [], [], []
        self.feed(text)
        self.close()
        self.faults += [tag for tag, _, _ in self.open]

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):
            self.open.append(self.elements[-1])

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag):
        if self.open and self.open[-1][0] == tag:
            self.open.pop()
        else:
            self.faults.append(f"</{tag}>")

    def handle_data(self, text):
        if self.open:
            self.open[-1][2].append(text)

    def all(self, tag):
        """Attributes and own text of every such element."""
        return [(attrs, "".join(text)) for name, attrs, text in self.elements if name == tag]


def kept(traces=TRACES, **changes):
    return Kept(load_traces=lambda _trial: traces, **changes)


def page_of(result, beside=None):
    text = render_report(result, beside or kept(), made_s=MADE_S)
    text.encode()
    page = Page(text)
    assert page.faults == []
    return text, page


def shown(text):
    """What a reader sees: no styles, no scripts."""
    without = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", without))


# --- what stands on top --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (Reason.NOT_WORSE, "PASS"),
        (Reason.LIMIT_BROKEN, "FAIL"),
        (Reason.SUSPICIOUS, "INCONCLUSIVE"),
    ],
)
def test_the_verdict_stands_on_top_as_word_shape_and_sentence(reason, word):
    check = a_check(reason, sentence="It is as it is.")
    text, page = page_of(a_result(verdict=a_verdict(check)))
    top = shown(text)[:400]
    assert word in top
    assert reason.value.replace("_", " ") in top
    assert "It is as it is." in top
    first = next(attrs for attrs, _ in page.all("svg"))
    assert first["aria-label"] == word.lower()


def test_what_was_compared_is_named_and_linked():
    beside = kept(run_links={"run-1": "../run-1/report.html"})
    text, page = page_of(a_result(), beside)
    assert "2 earlier runs" in shown(text)
    assert "run-1" in [words for attrs, words in page.all("a") if "run-1/report" in attrs["href"]]
    assert "run-2" in shown(text)


def test_numbers_are_those_of_the_result():
    text, _ = page_of(a_result())
    seen = shown(text)
    for number in ("12.4 k", "12.8 k", "-3.2 %", "-5.0 % to -1.0 %", "121 us", "48.4 MiB/s"):
        assert number in seen, number


def test_a_cell_that_can_be_sorted_holds_its_number():
    _, page = page_of(a_result())
    numbers = [attrs["data-sort"] for attrs, _ in page.all("td") if "data-sort" in attrs]
    assert "12400.0" in numbers
    assert "-0.032" in numbers


def test_a_missing_figure_has_a_dash_and_no_number_to_sort_by():
    text, page = page_of(a_result(summaries=(), verdict=None))
    assert [attrs for attrs, _ in page.all("td") if attrs.get("data-sort")] == []
    assert " - " in shown(text)


# --- every state of a run ----------------------------------------------------------------------

PLANNED = a_trial(
    state=TrialState.PLANNED,
    end=None,
    steadiness=None,
    steady_figures=(),
    flags=(),
    started_s=None,
    ended_s=None,
    facts={},
)
FAILED = a_trial(
    end=TrialEnd.FAILED,
    end_reason="agent-01: fio exit status 1",
    steadiness=Steadiness.NOT_JUDGED,
    steady_figures=(),
)


def unjudged(state, **changes):
    run = {"state": state, "verdict": None, "reason": None, "facts": {}} | changes
    return {"run": a_run(**run), "verdict": None, "summaries": ()}


def test_a_running_run_says_so_and_has_no_verdict():
    result = a_result(
        trials=(PLANNED,),
        **unjudged(RunState.RUNNING, phase=Phase.MEASURE, ended_s=None, exit_code=None),
    )
    seen = shown(page_of(result, kept(None))[0])
    assert "RUNNING" in seen
    assert "in phase measure" in seen
    assert "PASS" not in seen
    assert "this trial has not begun" in seen


def test_a_trial_that_is_being_measured_is_told_from_one_that_has_not_begun():
    trial = a_trial(state=TrialState.STARTED, end=None, steadiness=None, steady_figures=())
    result = a_result(trials=(trial,), **unjudged(RunState.RUNNING, ended_s=None, exit_code=None))
    assert "still being measured" in shown(page_of(result, kept(None))[0])


def test_a_cancelled_run_tells_what_was_never_begun():
    facts = {"faults": [{"exit_code": 130, "message": "cancelled by SIGINT"}], "left_behind": []}
    result = a_result(trials=(PLANNED,), **unjudged(RunState.CANCELLED, exit_code=130, facts=facts))
    seen = shown(page_of(result, kept(None))[0])
    assert "NO VERDICT" in seen
    assert "cancelled by SIGINT." in seen
    assert "this trial was never begun" in seen


def test_a_failed_run_tells_its_faults_and_what_was_left_behind():
    facts = {
        "faults": [{"exit_code": 4, "message": "agent-01 is lost"}],
        "left_behind": ["agent-01: scratch"],
    }
    verdict = a_verdict(a_check(Reason.INVALID, CheckKind.GATE, op=None, metric=None, value=None))
    result = a_result(
        run=a_run(state=RunState.FAILED, exit_code=4, facts=facts),
        trials=(FAILED,),
        summaries=(),
        verdict=verdict,
    )
    seen = shown(page_of(result)[0])
    assert "exit 4: agent-01 is lost" in seen
    assert "left behind: agent-01: scratch" in seen
    assert "fio exit status 1" in seen
    assert "INCONCLUSIVE" in seen


def test_a_half_measured_run_shows_what_it_has():
    steps = (a_step(), a_step("rr-bs4k-qd8-nj1-a1"))
    second = a_trial("t002", "rr-bs4k-qd8-nj1-a1", state=TrialState.PLANNED, end=None)
    result = a_result(steps=steps, trials=(a_trial(), second), verdict=None)
    beside = Kept(load_traces=lambda trial: TRACES if trial.id == "t001" else None)
    text, page = page_of(result, beside)
    assert "12.4 k" in shown(text)
    assert len([attrs for attrs, _ in page.all("div") if attrs.get("class") == "plot"]) == 2


def test_a_pruned_run_says_that_its_intervals_were_pruned():
    result = a_result(run=a_run(facts={"pruned_at_s": 1_790_000_150.0}))
    text, page = page_of(result, kept(None))
    assert "the intervals were pruned" in shown(text)
    assert "12.4 k" in shown(text)
    assert [attrs for attrs, _ in page.all("div") if attrs.get("class") == "plot"] == []


def test_a_damaged_file_is_told_and_the_rest_is_shown():
    def load(_trial):
        raise StoreError("the interval file x.zip is damaged")

    text, _ = page_of(a_result(), Kept(load_traces=load))
    assert "the interval file x.zip is damaged." in shown(text)
    assert "12.4 k" in shown(text)


def test_facts_of_another_form_are_no_obstacle():
    facts = {"faults": "none", "left_behind": {"a": 1}, "window_s": "x"}
    trial = a_trial(facts={"argv": ["x"], "window_s": 5})
    result = a_result(
        run=a_run(facts=facts),
        trials=(trial,),
        environment={"agent-01": "gone", "agent-02": {"targets": [{"a": [1, {"b": 2}]}, "x"]}},
    )
    seen = shown(page_of(result)[0])
    assert "gone" in seen


def test_a_run_without_steps_is_a_page():
    assert "no step was planned" in shown(page_of(a_result(steps=(), trials=(), summaries=()))[0])


def test_both_sides_and_both_directions_have_rows():
    step = a_mixed_step()
    planned = tuple(
        PlannedTrial(id=f"t00{n}", step_key=step.key, side=side, session=1, repeat=1)
        for n, side in enumerate((CANDIDATE, REFERENCE), start=1)
    )
    trials = tuple(a_trial(each.id, step.key, side=each.side) for each in planned)
    _, page = page_of(a_result(steps=(step,), planned=planned, trials=trials))
    cells = [words for _, words in page.all("td")]
    assert cells.count("reference") == 2
    assert cells.count("write") >= 2


def test_an_earlier_attempt_is_told():
    trials = (a_trial(attempt=1, end=TrialEnd.FAILED, end_reason="lost"), a_trial(attempt=2))
    assert "Attempt 1 ended failed: lost" in shown(page_of(a_result(trials=trials))[0])


def test_cells_of_long_trials_are_said():
    traces = TRACES | {"cell_s": 4.0}
    assert "into cells of 4s" in shown(page_of(a_result(), kept(traces))[0])
    assert "one interval of 1s" in shown(page_of(a_result())[0])


def test_many_steps_are_folded_but_those_that_decided():
    steps = tuple(a_step(f"rr-bs4k-qd{n}-nj1-a1") for n in range(1, 21))
    bad = a_check(Reason.LIMIT_BROKEN, step=steps[7].key)
    good = a_check(step=steps[0].key)
    trials = tuple(a_trial(f"t{n:03}", step.key) for n, step in enumerate(steps, start=1))
    _, page = page_of(
        a_result(steps=steps, trials=trials, verdict=a_verdict(bad, good, reason=bad.reason))
    )
    unfolded = [
        attrs["id"]
        for attrs, _ in page.all("details")
        if "step" in attrs.get("class", "") and "open" in attrs
    ]
    assert unfolded == ["step-8"]


# --- text of others ------------------------------------------------------------------------------


def everywhere(evil):
    """A result that holds the text in every place where others' words can be."""
    step = a_step(options=(("rw", "randread"), ("description", evil)))
    check = a_check(step=STEP, sentence=evil, limit=evil, baseline_runs=(evil,))
    trial = a_trial(
        end_reason=evil, facts={"argv": {evil: [["fio", evil]]}, evil: evil}, steady_figures=()
    )
    return a_result(
        steps=(step,),
        run=a_run(
            title=evil,
            lab=evil,
            job_name=evil,
            reason=evil,
            manager={"host": evil},
            facts={"faults": [{"exit_code": 4, "message": evil}], "left_behind": [evil]},
        ),
        job=a_job(name=evil, text=evil, lab=evil),
        trials=(trial,),
        verdict=a_verdict(check, sentence=evil),
        environment={evil: {evil: evil}},
        sinks={evil: evil},
    )


def beside_of(evil):
    return kept(
        events=(Event(at_s=1.0, kind=evil, text=evil),),
        files=(KeptFile(name=evil, link="./x", size_bytes=1),),
        run_links={evil: "./y"},
    )


CALM = page_of(everywhere("calm"), beside_of("calm"))[1]


def skeleton(page):
    """The page's elements and the names of their attributes."""
    return [(tag, tuple(attrs)) for tag, attrs, _ in page.elements]


@pytest.mark.parametrize("evil", EVIL)
def test_text_of_others_changes_no_element_of_the_page(evil):
    text, page = page_of(everywhere(evil), beside_of(evil))
    if evil:
        assert skeleton(page) == skeleton(CALM)
    assert "<script>alert" not in text
    assert not re.search("[\\0\\x1b\\u202e]", text)


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=1, max_size=40))
def test_any_text_is_a_page(text):
    _, page = page_of(everywhere(f"x{text}"), beside_of(f"x{text}"))
    assert len(skeleton(page)) == len(skeleton(CALM))


@pytest.mark.parametrize("evil", [*EVIL, "</script><script>x", "<!--<script>", "\u2028"])
def test_json_in_a_script_element_ends_nothing_and_reads_back(evil):
    text = str(script_json({"name": evil}))
    assert not re.search("[<>&\u2028\u2029]", text)
    assert isinstance(json.loads(text)["name"], str)


# --- the page asks nobody for anything -----------------------------------------------------------


def test_the_page_names_no_other_machine():
    text, page = page_of(a_result())
    for attributes in (attrs for _, attrs, _ in page.elements):
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            link = attributes.get(name)
            assert link is None or link.startswith(("#", "./", "../", "data:")), link
    assert "@import" not in text
    assert "url(" not in text


def test_the_policy_allows_these_scripts_and_no_request():
    _, page = page_of(a_result())
    policy = next(
        attrs["content"]
        for attrs, _ in page.all("meta")
        if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    scripts = page.all("script")
    ours = [words for attrs, words in scripts if "type" not in attrs]
    packed = next(words for attrs, words in scripts if attrs.get("id") == "plotly")
    plotly = gzip.decompress(base64.b64decode(packed))
    assert plotly.startswith(b"/**\n* plotly.js")
    hashes = {
        f"'sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}'"
        for content in (ours[0].encode(), plotly)
    }
    assert len(ours) == 1
    assert set(rules["script-src"].split()) == hashes


def test_the_same_run_makes_the_same_page():
    assert page_of(a_result())[0] == page_of(a_result())[0]
