"""SIGINT and SIGTERM at every transition: the run is cancelled, whole and tidy."""

from __future__ import annotations

import signal

import pytest
from system.together import Facts

from storperf.model.run import Phase, TrialState

# A phase or a trial's state is held at when it is stored, and again when it is acted on.
# `planned` is stored with the run; after `stored` nothing is left to act on.
TRANSITIONS = [
    *(f"{phase}:{moment}" for phase in Phase for moment in ("stored", "acted")),
    *(
        f"{state}:{moment}"
        for state in (TrialState.STARTED, TrialState.ENDED, TrialState.STORED)
        for moment in ("stored", "acted")
        if (state, moment) != (TrialState.STORED, "acted")
    ),
]
# Every second transition gets the other signal: they share one handler.
SIGNALS = {
    transition: (signal.SIGINT, signal.SIGTERM)[number % 2]
    for number, transition in enumerate(TRANSITIONS)
}
TRIALS_AT = {
    "started:stored": ["cancelled", None],
    "started:acted": ["cancelled", None],
    # fio had ended well before anybody asked.
    "ended:stored": ["completed", None],
    "ended:acted": ["completed", None],
    "stored:stored": ["completed", None],
    **{f"{phase}:stored": ["completed"] * 2 for phase in ("collect", "judge", "report")},
    **{f"{phase}:acted": ["completed"] * 2 for phase in ("measure", "collect", "judge", "report")},
    **{f"teardown:{moment}": ["completed"] * 2 for moment in ("stored", "acted")},
}
fact = Facts()


def cancelled_at(program, transition):
    job = program.job(provider=program.lying_fio(), workloads=["rr", "wr"])
    running = program.start("run", job, "--json", STORPERF_HOLD_AT=transition)
    running.until(f"held at {transition}")
    running.process.send_signal(SIGNALS[transition])
    ended = running.end()
    program.assert_nothing_left()
    return program, job, ended


@pytest.fixture(scope="module")
def outcomes(at_once):
    return at_once("transition", cancelled_at)


@pytest.mark.parametrize("transition", TRANSITIONS)
def test_a_signal_cancels_the_run_at(transition, outcomes):
    program, _, ended = outcomes[transition].result()
    assert ended.exit_code == 130, ended
    assert "Traceback" not in ended.stderr
    document = ended.json
    assert (document["run"]["state"], document["run"]["exit_code"]) == ("cancelled", 130)
    ends = [trial["end"] for trial in ended.trials]
    assert ends == TRIALS_AT.get(transition, [None, None])
    assert all(bool(trial["figures"]) == (trial["end"] == "completed") for trial in ended.trials)
    assert not (program.folder / "scratch").exists()
    assert (program.run_folder(document["run"]["id"]) / "result.json").exists()


@pytest.mark.parametrize("transition", ["prepare:acted", "started:acted", "teardown:acted"])
def test_a_second_run_works_after_a_cancel_at(transition, outcomes):
    program, job, _ = outcomes[transition].result()
    again = program("run", job, "--json")
    assert again.exit_code == 0, again
    assert [trial["end"] for trial in again.trials] == ["completed"] * 2
    program.assert_nothing_left()


@fact
def what_was_measured_before_a_cancel_is_kept(storperf):
    job = storperf.job(provider=storperf.lying_fio(), duration="30s")
    running = storperf.start("run", job, "--json")
    running.until("rr-bs4k-qd1-nj1-a1: started")
    run = storperf("list", "--json").json["runs"][0]["id"]
    journal = storperf.run_folder(run) / "journals/agent-01.journal"
    while journal.read_bytes().count(b'"interval"') < 3:
        assert running.process.poll() is None
    running.process.send_signal(signal.SIGINT)
    ended = running.end()
    assert ended.exit_code == 130
    assert [trial["end"] for trial in ended.trials] == ["cancelled"]
    assert (storperf.run_folder(run) / "intervals/t001.1.zip").exists()
    assert run in storperf("list").stdout
    storperf.assert_nothing_left()


@fact
def a_signal_in_the_fill_ends_it(storperf):
    provider = storperf.lying_fio(fill_s=60)
    running = storperf.start("run", storperf.job(provider=provider), "--json")
    running.until("filling the target: started")
    running.process.send_signal(signal.SIGTERM)
    ended = running.end()
    assert ended.exit_code == 130, ended
    assert [trial["end"] for trial in ended.trials] == [None]
    storperf.assert_nothing_left()


@fact
def a_fio_deaf_to_signals_is_killed_on_a_cancel(storperf):
    provider = storperf.lying_fio("hangs", child=True)
    running = storperf.start("run", storperf.job(provider=provider), "--json")
    running.until("rr-bs4k-qd1-nj1-a1: started")
    for _ in range(3):  # an impatient person
        running.process.send_signal(signal.SIGINT)
    ended = running.end()
    assert ended.exit_code == 130, ended
    assert [trial["end"] for trial in ended.trials] == ["cancelled"]
    storperf.assert_nothing_left()


@fact
def a_run_is_cancelled_from_elsewhere(storperf):
    job = storperf.job(provider=storperf.lying_fio(), duration="30s")
    running = storperf.start("run", job, "--json")
    running.until("rr-bs4k-qd1-nj1-a1: started")
    asked = storperf("cancel", "last", "--json")
    assert asked.exit_code == 0, asked
    assert asked.json["state"] == "running"
    ended = running.end()
    assert ended.exit_code == 130
    assert ended.json["run"]["state"] == "cancelled"
    again = storperf("cancel", "last")
    assert again.exit_code == 2
    assert "has ended already" in again.stderr
    storperf.assert_nothing_left()


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
