"""A run in two words: only a pass is PASS."""

from __future__ import annotations

import pytest
from unit.reports.result_values import (
    FIGURES,
    a_check,
    a_result,
    a_run,
    a_step,
    a_trial,
    a_verdict,
    summaries_of,
)

from storperf.errors import Conflict, ExitCode
from storperf.hooks.criteria import Criteria, criteria, is_undecided, verdict_facts, violations
from storperf.hooks.older_names import flat_metrics, step_names
from storperf.hooks.opnfv_result import opnfv_result
from storperf.hooks.yardstick import Place, yardstick_document
from storperf.model.run import RunState
from storperf.model.verdict import CheckKind, Reason

BROKEN = a_check(Reason.LIMIT_BROKEN, CheckKind.LIMIT, sentence="IOPS 100 is below 5000.")
SLOW = a_check(Reason.LIMIT_BROKEN, CheckKind.LIMIT, sentence="p99 clat 9 ms is above 2 ms.")


def ended(exit_code, reason=None, state=RunState.COMPLETED, **more):
    verdict = None if reason is None else a_verdict(a_check(reason))
    run = a_run(exit_code=exit_code, state=state, reason=reason or "somebody asked for the end")
    return a_result(**{"run": run, "verdict": verdict, **more})


ENDS = {
    "0 pass": (ended(0, Reason.NOT_WORSE), Criteria.PASS, False),
    "1 fail": (ended(1, Reason.REGRESSION), Criteria.FAIL, False),
    "3 inconclusive": (ended(3, Reason.NO_BASELINE), Criteria.FAIL, True),
    "4 infrastructure": (ended(4, Reason.INVALID), Criteria.FAIL, True),
    "4 a pass whose sink was lost": (ended(4, Reason.NOT_WORSE), Criteria.FAIL, True),
    "5 bug": (ended(5, None, RunState.FAILED), Criteria.FAIL, True),
    "130 cancelled": (ended(130, None, RunState.CANCELLED), Criteria.FAIL, True),
    "130 cancelled after its verdict": (
        ended(130, Reason.NOT_WORSE, RunState.CANCELLED),
        Criteria.FAIL,
        True,
    ),
    "no code, no verdict": (ended(None, None, RunState.FAILED), Criteria.FAIL, True),
    "0 without a verdict": (ended(0, None), Criteria.FAIL, True),
}


@pytest.mark.parametrize("name", ENDS)
def test_only_a_pass_with_exit_code_0_is_pass(name):
    result, word, undecided = ENDS[name]
    assert (criteria(result), is_undecided(result)) == (word, undecided)
    assert bool(violations(result)) is (word is Criteria.FAIL)
    document = opnfv_result(result, Place(pod="pod9"), project="storperf", case="c")
    assert document["criteria"] == word.value
    task = yardstick_document(result, Place(), "tc")["result"]
    assert task["criteria"] == task["testcases"]["tc"]["criteria"] == word.value


@pytest.mark.parametrize("code", [ExitCode.INCONCLUSIVE, ExitCode.INFRASTRUCTURE])
def test_a_fail_that_is_none_says_what_it_is(code):
    reason = Reason.INVALID if code is ExitCode.INFRASTRUCTURE else Reason.NOT_STEADY
    result = ended(int(code), reason)
    details = opnfv_result(result, Place(), project="p", case="c")["details"]
    assert details["verdict"] == "inconclusive"
    assert details["reason"] == reason.value
    assert details["exit_code"] == code
    assert details["violations"].startswith(f"inconclusive, {reason.value}: ")


def test_a_cancelled_run_says_so_where_a_verdict_would_be():
    facts = verdict_facts(ENDS["130 cancelled"][0])
    assert (facts["verdict"], facts["reason"]) == ("none", "somebody asked for the end")


def test_a_run_that_goes_on_is_neither_pass_nor_fail():
    result = a_result(run=a_run(state=RunState.RUNNING, exit_code=None), verdict=None)
    with pytest.raises(Conflict, match="has not ended"):
        criteria(result)


def test_all_violations_are_in_one_message():
    result = ended(1, verdict=a_verdict(BROKEN, SLOW, a_check()))
    record = yardstick_document(result, Place(), "tc")["result"]["testcases"]["tc"]["tc_data"][0]
    both = [f"{each.step}: {each.sentence.rstrip('.')}" for each in (BROKEN, SLOW)]
    assert record["errors"] == "; ".join(both)


def test_a_lost_sink_is_told_beside_a_broken_limit():
    result = a_result(run=a_run(exit_code=4), verdict=a_verdict(BROKEN))
    assert "IOPS 100 is below 5000; fail, limit_broken: " in violations(result)


def test_figures_have_the_names_and_units_of_the_earlier_storperf():
    found = flat_metrics(a_result())
    place = "rr.queue-depth.1.block-size.4096.read"
    assert found == {
        f"{place}.iops": FIGURES["iops"],
        f"{place}.bw": FIGURES["bandwidth"] / 1024,
    }


def test_a_reference_is_no_result():
    trial = a_trial(side="reference")
    assert flat_metrics(a_result(trials=(trial,))) == {}


def test_steps_that_differ_only_in_agents_keep_names_of_their_own():
    steps = (a_step("one"), a_step("two", agents=2), a_step("deep", queue_depth=8))
    trials = (a_trial("t001", "one"), a_trial("t002", "two"), a_trial("t003", "deep"))
    summaries = (*summaries_of("t001"), *summaries_of("t002", factor=2), *summaries_of("t003"))
    result = a_result(steps=steps, trials=trials, summaries=summaries)
    assert step_names(result) == {
        "one": "rr.numjobs.1.agents.1.queue-depth.1.block-size.4096",
        "two": "rr.numjobs.1.agents.2.queue-depth.1.block-size.4096",
        "deep": "rr.queue-depth.8.block-size.4096",
    }
    assert len(flat_metrics(result)) == 6


def test_the_results_database_gets_what_its_contract_asks_for():
    place = Place(
        pod="pod9", installer="apex", version="gambia", scenario="os-nosdn", build_tag="daily-7"
    )
    document = opnfv_result(a_result(), place, project="storperf", case="snia_steady_state")
    details = document.pop("details")
    assert document == {
        "project_name": "storperf",
        "case_name": "snia_steady_state",
        "pod_name": "pod9",
        "installer": "apex",
        "version": "gambia",
        "scenario": "os-nosdn",
        "build_tag": "daily-7",
        "criteria": "PASS",
        "start_date": "2026-09-21 14:13:20",
        "stop_date": "2026-09-21 14:15:00",
    }
    assert details["verdict"] == "pass"
    assert details["violations"] == ""
    assert details["metrics"] == flat_metrics(a_result())
