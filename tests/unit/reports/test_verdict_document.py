"""A verdict's form, and its walk through the numbers: by hand they come to the same."""

import json
import math
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from unit.reports.result_values import a_result
from unit.stats.builders import make_summary
from unit.stats.test_paired import Paired, pairs_at
from unit.stats.test_verdict import LIMIT, NIGHTS, World

from storperf.model.run import TrialEnd
from storperf.model.verdict import Reason
from storperf.reports.document import plain
from storperf.reports.explanation import explanation, explanation_text
from storperf.reports.verdict_document import verdict_document
from storperf.reports.verdict_schema import verdict_schema
from storperf.stats.student import t_quantile

SCHEMA = verdict_schema()
REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def slow(world, value=500.0):
    world.summaries[0] = make_summary("rr-1", "iops", value, half=20.0)
    return world


WORLDS = {
    Reason.NO_BASELINE: World(),
    Reason.WITHIN_LIMITS: World(limits=[LIMIT]),
    Reason.LIMIT_BROKEN: slow(World(limits=[LIMIT]), 100.0),
    Reason.NOT_WORSE: World().with_history(*NIGHTS).with_history(2e6, 3e6, metric="clat_p99"),
    Reason.SUSPICIOUS: slow(World().with_history(*NIGHTS)),
    Reason.REGRESSION: slow(World().with_history(*NIGHTS)).with_fresh_trials(500.0, 510.0),
    Reason.INVALID: World().change_trial(end=TrialEnd.FAILED, end_reason="fio died"),
    Reason.TOO_FEW: Paired([(1000.0, 1300.0), (1000.0, 700.0), (1000.0, 950.0)]),
    Reason.NOT_COMPARABLE: World(),
}
WORLDS[Reason.NOT_COMPARABLE].differing = {("rr", "candidate"): "bs was 4k, is 8k"}


@pytest.mark.parametrize("reason", list(WORLDS))
def test_every_verdict_keeps_to_the_schema_and_can_be_explained(reason):
    verdict = WORLDS[reason].judge()
    assert verdict.reason is reason, verdict.sentence
    jsonschema.validate(plain(verdict_document(verdict)), SCHEMA)
    text = explanation_text(explanation(a_result(), verdict))
    assert verdict.rest in text
    assert f"and with it {reason}." in text


def test_what_stands_above_the_sentence_is_not_said_again():
    verdict = WORLDS[Reason.NOT_WORSE].judge()
    assert verdict.sentence.lower().startswith(verdict.strength)
    assert verdict.strength
    assert verdict.rest.startswith("2 figures not worse")
    lost = WORLDS[Reason.REGRESSION].judge()
    assert lost.rest == lost.sentence


def test_the_schema_in_the_manual_is_the_programs():
    # Stale?  Put the output of `storperf schema verdict` in its place.
    assert json.loads((REFERENCE / "verdict-1.schema.json").read_text()) == SCHEMA


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("strength"),
        lambda d: d.update(schema="storperf-verdict/2"),
        lambda d: d["checks"][0]["screens"][0].update(rule="guess"),
        lambda d: d["checks"][0]["screens"][0].pop("sigma"),
    ],
)
def test_a_verdict_of_another_form_is_refused(change):
    document = plain(verdict_document(WORLDS[Reason.NOT_WORSE].judge()))
    change(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_screen_can_be_done_again_from_its_document():
    (check,) = plain(verdict_document(WORLDS[Reason.SUSPICIOUS].judge()))["checks"]
    (work,) = check["screens"]
    assert tuple(work["values"]) == NIGHTS
    logs = [math.log(value) for value in work["values"]]
    middle = (sorted(logs)[4] + sorted(logs)[5]) / 2
    mean = sum(logs) / 10
    squares = sum((each - mean) ** 2 for each in logs)
    sigma = math.sqrt((work["prior_df"] * work["prior_sigma"] ** 2 + squares) / work["df"])
    error = sigma * math.sqrt(1 + math.pi / 20)
    shift = math.log(500) - middle
    assert work["own_sigma"] == pytest.approx(math.sqrt(squares / 9))
    assert (work["sigma"], work["error"]) == pytest.approx((sigma, error))
    assert (work["shift"], check["change"]) == pytest.approx((shift, math.exp(shift) - 1))
    half = t_quantile(0.975, work["df"]) * error
    assert check["change_low"] == pytest.approx(math.exp(shift - half) - 1)
    assert work["limit"] == pytest.approx(max(work["t"] * error, -math.log(0.98)))


def test_each_look_at_pairs_can_be_done_again_and_the_last_is_the_decisions():
    world = Paired(pairs_at(0.985, 8))
    (check,) = [c for c in plain(verdict_document(world.judge()))["checks"] if c["pairs"]]
    work = check["pairs"]
    differences = [math.log(after / before) for before, after in work["pairs"]]
    for look in work["looks"]:
        own = sorted(differences[: look["pairs"]])
        half = len(own) // 2
        median = own[half] if len(own) % 2 else (own[half - 1] + own[half]) / 2
        assert look["median"] == pytest.approx(median)
        assert look["error"] == pytest.approx(look["sigma"] * (1.25 / look["pairs"]) ** 0.5)
    last = work["looks"][-1]
    assert check["change"] == pytest.approx(math.expm1(last["median"]))
    low = math.expm1(last["median"] - t_quantile(0.975, last["df"]) * last["error"])
    assert check["change_low"] == pytest.approx(low)
    assert {"worse": "regression", "not_worse": "not_worse", "open": "too_few"}[
        last["word"]
    ] == check["reason"]


def test_fresh_trials_are_shown_after_the_screen_that_asked_for_them():
    (check,) = WORLDS[Reason.REGRESSION].judge().checks
    assert [each.rule for each in check.screens] == ["screen", "confirmation"]
    assert [each.value for each in check.screens] == pytest.approx([500, math.sqrt(500 * 510)])


def test_explanation_names_the_runs_and_every_number_of_a_screen():
    text = explanation_text(explanation(a_result(), WORLDS[Reason.NOT_WORSE].judge()))
    for name in (f"run-{number}" for number in range(10)):
        assert name in text
    for said in ("own spread", "prior: ", "spread of a run: sqrt(", "95 % interval:", "level: "):
        assert said in text


def test_old_verdict_without_working_says_so():
    verdict = WORLDS[Reason.NOT_WORSE].judge()
    old = replace(verdict, checks=tuple(replace(c, screens=()) for c in verdict.checks))
    assert "an earlier storperf, which kept no working" in explanation_text(
        explanation(a_result(), old)
    )
