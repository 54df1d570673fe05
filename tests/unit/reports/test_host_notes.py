"""What the hosts did is told in every paper, once for each step and reason."""

from __future__ import annotations

from unit.reports.result_values import STEP, a_result, a_trial

from storperf.reports.host_notes import host_findings, host_sentences
from storperf.reports.registry import render


def finding(value, agent="agent-01", reason="cpu_busy"):
    sentence = f"{agent}: its CPU was {value:.0%} busy."
    return {
        "agent": agent,
        "reason": reason,
        "flag": "client_bound",
        "value": value,
        "threshold": 0.9,
        "sentence": sentence,
    }


def result_of(*found):
    trials = [
        a_trial(trial_id=f"t{number:03}", repeat=number, facts={"host": list(each)})
        for number, each in enumerate(found, start=1)
    ]
    return a_result(trials=tuple(trials))


def test_of_several_trials_the_worst_is_told_with_how_many_there_were():
    result = result_of([finding(0.91), finding(0.99, "agent-02")], [finding(0.97)], [])
    assert host_sentences(result) == [
        f"{STEP}: agent-01: its CPU was 97% busy (in 2 of 3 trials).",
        f"{STEP}: agent-02: its CPU was 99% busy (in 1 of 3 trials).",
    ]


def test_a_trial_of_an_older_version_has_none():
    assert host_findings(a_trial(facts={})) == []
    assert host_sentences(a_result()) == []


def test_the_papers_tell_it():
    told = render("markdown", result_of([finding(0.97)]))
    assert "its CPU was 97% busy" in told
