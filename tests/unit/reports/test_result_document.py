"""The result document: stable, whole, without NaN, as its schema says."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from enum import Enum
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
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

from storperf.model.run import Flag, RunState, Steadiness, Summary, TrialEnd, TrialState
from storperf.model.verdict import Check, Reason
from storperf.reports.document import plain
from storperf.reports.registry import render
from storperf.reports.result_json import result_document, result_schema

SCHEMA = result_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FEW = settings(deadline=None, max_examples=40)
REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
NUMBER = st.floats() | st.integers(-(2**63), 2**63)
FACT = st.recursive(
    st.none() | st.booleans() | NUMBER | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FACTS = st.dictionaries(st.text(), FACT, max_size=3)


@st.composite
def results(draw):
    text = st.text(max_size=20)
    trial = a_trial(
        end=draw(st.none() | st.sampled_from(TrialEnd)),
        end_reason=draw(st.none() | text),
        steadiness=draw(st.none() | st.sampled_from(Steadiness)),
        flags=tuple(draw(st.lists(st.sampled_from(Flag)))),
        facts=draw(FACTS),
    )
    check = a_check(
        draw(st.sampled_from(Reason)),
        op=draw(st.none() | st.sampled_from(["read", "write"])),
        metric=draw(st.none() | st.just("clat_p99_9")),
        sentence=draw(text),
        value=draw(st.none() | NUMBER),
        change=draw(st.none() | NUMBER),
    )
    summaries = (
        replace(summaries_of()[0], value=draw(NUMBER), low=draw(st.none() | NUMBER)),
        *summaries_of()[1:],
    )
    return a_result(
        run=a_run(
            title=draw(st.none() | text),
            job_name=draw(text),
            state=draw(st.sampled_from(RunState)),
            reason=draw(st.none() | text),
            facts=draw(FACTS),
        ),
        job=a_job(text=draw(text)),
        trials=(trial,),
        summaries=summaries,
        verdict=draw(st.none() | st.just(a_verdict(check))),
        environment=draw(FACTS),
        sinks=draw(FACTS),
    )


@FEW
@given(results())
def test_any_result_keeps_the_schema_and_reads_back_the_same(result):
    document = result_document(result)
    VALIDATOR.validate(document)
    text = render("json", result)
    assert json.loads(text, parse_constant=pytest.fail) == document
    text.encode("utf-8")


@FEW
@given(results())
def test_yaml_reads_back_the_same(result):
    assert yaml.safe_load(render("yaml", result)) == result_document(result)


@FEW
@given(results())
def test_every_form_can_be_rendered_of_any_result(result):
    for form in ("markdown", "junit", "csv"):
        assert render(form, result) == render(form, result)
        render(form, result).encode("utf-8")


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_in_the_manual_is_the_programs():
    # Stale?  Put the output of `storperf schema result` in its place.
    kept = json.loads((REFERENCE / "result-1.schema.json").read_text())
    assert kept == SCHEMA


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("verdict"),
        lambda d: d.update(schema="storperf-result/2"),
        lambda d: d.update(more=1),
        lambda d: d["run"].update(state="sleeping"),
        lambda d: d["verdict"].update(outcome="maybe"),
        lambda d: d["verdict"]["checks"][0].update(value="12"),
        lambda d: d["steps"][0]["trials"][0]["figures"][0].update(metric="speed"),
        lambda d: d["steps"][0]["trials"][0].pop("end"),
        lambda d: d["steps"][0]["trials"][0]["flags"].append("odd"),
    ],
)
def test_a_document_of_another_form_is_refused_by_the_schema(change):
    document = result_document(a_result())
    change(document)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(document)


def test_everything_of_a_check_and_its_unit_is_in_the_document():
    document = result_document(a_result())
    (check,) = document["verdict"]["checks"]
    assert set(check) == {field.name for field in fields(Check)} | {"unit", "outcome"}
    for field in fields(Check):
        value = getattr(a_check(), field.name)
        assert check[field.name] == (list(value) if isinstance(value, tuple) else value)
    assert (check["unit"], check["outcome"]) == ("1/s", "pass")


HOST = {
    "agent": "agent-01",
    "reason": "steal",
    "flag": "client_bound",
    "value": 0.2,
    "threshold": 0.1,
    "sentence": "agent-01: its hypervisor gave 20 % of its CPU time to others.",
}


def test_what_was_found_of_the_hosts_stands_once_and_beside_the_facts():
    result = a_result(trials=(a_trial(facts={"fio": "3.33", "host": [HOST]}),))
    (trial,) = result_document(result)["steps"][0]["trials"]
    assert trial["host"] == [HOST]
    assert trial["facts"] == {"fio": "3.33"}
    jsonschema.validate(result_document(result), result_schema())


def test_everything_of_a_trial_is_in_the_document():
    (step,) = result_document(a_result())["steps"]
    (trial,) = step["trials"]
    own = {"figures", "host", "hosts"}
    known = {field.name for field in fields(a_trial())} - {"step_key"} | own
    assert set(trial) == known
    assert trial["facts"] == {"fio": "3.33"}
    assert trial["steady_figures"][0]["drift"] == 0.01
    assert (trial["started_s"], trial["ended_s"]) == (1_790_000_010.0, 1_790_000_070.5)


def test_every_figure_bears_its_unit_and_each_stands_once():
    (step,) = result_document(a_result())["steps"]
    figures = step["trials"][0]["figures"]
    assert len(figures) == len(summaries_of())
    assert {(figure["metric"], figure["unit"]) for figure in figures} >= {
        ("iops", "1/s"),
        ("bandwidth", "B/s"),
        ("clat_p99", "ns"),
    }


def test_figures_belong_to_the_latest_attempt_whatever_the_order():
    trials = (a_trial(attempt=2), a_trial(attempt=1, end=TrialEnd.FAILED))
    (step,) = result_document(a_result(trials=trials))["steps"]
    told = {trial["attempt"]: len(trial["figures"]) for trial in step["trials"]}
    assert told == {2: len(summaries_of()), 1: 0}


def test_trials_stand_below_their_own_step():
    result = a_result(
        steps=(a_step(), a_mixed_step()),
        trials=(a_trial(), a_trial("t002", MIXED)),
        summaries=(*summaries_of(), *summaries_of("t002", "write", 0.5)),
    )
    steps = result_document(result)["steps"]
    assert [(step["key"], [t["id"] for t in step["trials"]]) for step in steps] == [
        (STEP, ["t001"]),
        (MIXED, ["t002"]),
    ]
    assert {figure["op"] for figure in steps[1]["trials"][0]["figures"]} == {"write"}


def test_the_order_of_summaries_and_facts_does_not_show():
    result = a_result()
    other = replace(
        result,
        summaries=tuple(reversed(result.summaries)),
        run=replace(result.run, facts=dict(reversed(result.run.facts.items()))),
    )
    assert render("json", other) == render("json", result)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_missing(value):
    result = a_result(
        environment={"load": value, "deep": [{"x": value}]},
        summaries=(Summary(trial="t001", agent="all", op="read", metric="iops", value=value),),
        verdict=a_verdict(a_check(change=value)),
    )
    document = result_document(result)
    assert document["environment"] == {"load": None, "deep": [{"x": None}]}
    assert document["steps"][0]["trials"][0]["figures"][0]["value"] is None
    assert document["verdict"]["checks"][0]["change"] is None
    VALIDATOR.validate(document)


def test_a_run_without_a_verdict_says_null():
    assert result_document(a_result(verdict=None))["verdict"] is None


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", Path("/x")])
def test_a_fact_that_json_has_no_word_for_is_refused(value):
    with pytest.raises(TypeError, match="which is no JSON"):
        result_document(a_result(environment={"x": [value]}))


@pytest.mark.parametrize("text", EVIL)
def test_odd_text_comes_through_json_and_yaml_whole(text):
    result = a_result(run=a_run(title=text, job_name=text), environment={text: text})
    document = result_document(result)
    assert json.loads(render("json", result)) == document
    assert yaml.safe_load(render("yaml", result)) == document
    assert "\x1b" not in render("yaml", result)


def test_numbers_that_the_standard_library_wraps_are_plain():
    class Number(int, Enum):
        ONE = 1

    assert plain({"a": (Number.ONE, TrialState.STORED, True)}) == {"a": [1, "stored", True]}
    assert json.dumps(plain(Number.ONE)) == "1"
