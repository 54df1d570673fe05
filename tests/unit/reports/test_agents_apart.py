"""How far apart the agents were stands in every paper."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

from storperf.engine.together import extremes
from storperf.model.run import Summary
from storperf.reports.agents_apart import MOST_SENTENCES, apart_sentence, apart_sentences
from storperf.reports.markdown import render_markdown
from storperf.reports.table import result_table

from .result_values import STEP, a_result, a_step, a_trial

TOGETHER = {
    "gate_skew_s": 0.001,
    "start_skew_s": 0.012,
    "end_skew_s": 1.5,
    "overlap": 0.875,
    "first_done": "agent-02",
    "last_done": "agent-01",
    "extremes": {
        "read": {
            "metric": "iops",
            "slowest": {"value": 400.0, "agent": "agent-02"},
            "fastest": {"value": 500.0, "agent": "agent-01"},
        }
    },
}
SENTENCE = (
    "agents began within 12ms (their gates opened within 1ms) and ended within 1.5s; all were at "
    "work for 87.5% of the longest; agent-02 was done first, agent-01 last; read IOPS: slowest "
    "agent-02 with 400, fastest agent-01 with 500"
)


def test_one_sentence_tells_who_began_ended_and_was_slow():
    assert apart_sentence(a_trial(facts={"together": TOGETHER})) == SENTENCE
    assert apart_sentence(a_trial(facts={})) is None


def test_a_run_of_an_earlier_version_tells_what_it_has():
    told = {key: TOGETHER[key] for key in ("gate_skew_s", "start_skew_s", "end_skew_s", "overlap")}
    sentence = apart_sentence(a_trial(facts={"together": told}))
    assert sentence is not None
    assert sentence.endswith("of the longest")


def test_table_and_markdown_show_it():
    result = a_result(trials=(a_trial(facts={"together": TOGETHER}),))
    console = Console(width=400, no_color=True)
    with console.capture() as capture:
        console.print(result_table(result))
    assert f"{STEP}: {SENTENCE}" in capture.get()
    assert "## Agents" in render_markdown(result)
    assert "slowest agent-02 with 400" in render_markdown(result)


def test_of_a_step_the_worst_trial_is_told_and_of_many_steps_the_worst():
    steps = tuple(a_step(f"s{number:02}") for number in range(20))
    trials = tuple(
        replace(
            a_trial(facts={"together": {**TOGETHER, "overlap": overlap - number / 100}}),
            id=f"t{number}-{overlap}",
            step_key=step.key,
        )
        for number, step in enumerate(steps)
        for overlap in (0.9, 0.7)
    )
    told = apart_sentences(a_result(steps=steps, trials=trials))
    assert len(told) == MOST_SENTENCES + 1
    assert told[0].startswith("s19: ")
    assert "51.0%" in told[0]
    assert told[-1].startswith("the agents of 12 more steps")


def test_extremes_are_of_single_agents_and_of_one_figure():
    rows = [("all", "iops", 9), ("agent-01", "iops", 5), ("agent-02", "iops", 4)]
    rows += [("agent-01", "bandwidth", 1)]
    summaries = [
        Summary(trial="t", agent=agent, op="read", metric=metric, value=float(value))
        for agent, metric, value in rows
    ]
    assert extremes(summaries, "iops") == TOGETHER["extremes"] | {
        "read": {
            "metric": "iops",
            "slowest": {"value": 4.0, "agent": "agent-02"},
            "fastest": {"value": 5.0, "agent": "agent-01"},
        }
    }
