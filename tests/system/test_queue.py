"""`storperf serve` with real runs: what waits begins, and whatever is killed, each run ends."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import requests
from system.service import (
    address_of,
    children_of,
    feed_of,
    kill_children,
    opened,
    served,
    submit,
    until,
    until_ended,
)
from system.together import Facts
from tools.fake_fio import calls_of

from storperf.model.queued import EntryState
from storperf.model.run import RunState

fact = Facts()


@fact
def what_waits_runs_by_priority_and_one_after_the_other(storperf):
    submit(storperf, "low")
    submit(storperf, "high", "--priority", "5")
    taken_back = submit(storperf, "taken back")
    assert storperf("queue", "cancel", taken_back).exit_code == 0
    submit(storperf, "moved")
    assert storperf("queue", "move", "moved", "--priority", "9").exit_code == 0
    listed = storperf("queue", "list", "--json").json["entries"]
    assert [entry["title"] for entry in listed] == ["moved", "high", "low"]
    assert f"waits for {listed[0]['run_id']}" in storperf("queue", "show", "low").stdout
    with served(storperf) as server:
        entries = until_ended(storperf)
        server.process.send_signal(signal.SIGTERM)
        assert server.end().exit_code == 0
    assert entries["taken back"].state is EntryState.CANCELLED
    assert entries["taken back"].started_s is None
    order = [entries[title] for title in ("moved", "high", "low")]
    assert [entry.exit_code for entry in order] == [0, 0, 0]
    for before, after in pairwise(order):
        assert before.ended_s < after.started_s
    storperf.assert_nothing_left()


@fact
def a_second_server_is_told_of_the_first(storperf):
    with served(storperf) as first:
        answer = requests.get(f"{address_of(first)}/api/v3/health", timeout=20)
        assert answer.json()["status"] == "ok"
        second = storperf("serve", "--port", "0")
        assert second.exit_code == 2
        assert f"by process {first.process.pid};" in second.stderr
        port = address_of(first).rpartition(":")[2]
        other = storperf("--results", storperf.top / "other", "serve", "--port", port)
        assert other.exit_code == 2
        assert "choose another with --port" in other.stderr


@fact
def a_run_is_cancelled_while_it_runs(storperf):
    run = submit(storperf, "long", provider=storperf.lying_fio(), duration="60s")
    with served(storperf):
        until(lambda: '"what":"measure"' in feed_of(storperf, run), "a trial")
        assert storperf("cancel", run).exit_code == 0
        entry = until_ended(storperf)["long"]
    assert (entry.state, entry.exit_code) == (EntryState.CANCELLED, 130)
    storperf.assert_nothing_left()


@fact
def a_schedule_that_is_due_becomes_a_run(storperf):
    job = storperf.job(name="by the clock")
    rule = ("--every", "6h", "--zone", "Europe/Vienna", "--jitter", "10m")
    added = storperf("schedule", "add", "often", job, *rule, "--json")
    assert added.exit_code == 0, added
    assert "every 6h" in storperf("schedule", "list").stdout
    with opened(storperf) as store:
        kept = store.schedule("often")
        assert kept.next_s > time.time() + 5 * 3600
        store.save_schedule(replace(kept, next_s=time.time() - 1))
    with served(storperf), opened(storperf) as store:
        until(lambda: store.queue_entries((EntryState.ENDED,)), "a run by the clock")
        [entry] = store.queue_entries()
        schedule = store.schedule("often")
    assert (entry.exit_code, entry.submitted_by) == (0, "schedule often")
    assert schedule.last_run == entry.run_id
    assert schedule.next_s > time.time() + 5 * 3600
    assert storperf("schedule", "disable", "often", "--json").json["schedules"][0]["next_s"] is None
    assert storperf("schedule", "remove", "often").exit_code == 0
    assert "no schedules" in storperf("schedule", "list").stdout


@fact
def one_that_was_cancelled_before_it_was_a_run_ends_at_once(storperf):
    run = submit(storperf, "early", duration="60s")
    with opened(storperf) as store:
        store.move_entry(
            run, (EntryState.QUEUED,), EntryState.RUNNING, started_s=1.0, facts={"cancel": True}
        )
    # The server's child, as it is when the cancel came while it was starting.
    assert storperf("queue", "carry-out", run).exit_code == 130
    with opened(storperf) as store:
        assert store.queue_entry(run).state is EntryState.CANCELLED
        assert [trial.started_s for trial in store.trials(run)] == [None]
    storperf.assert_nothing_left()


@fact
def one_that_can_be_no_run_is_refused_with_the_reason(storperf):
    good = submit(storperf, "good")
    with opened(storperf) as store:
        entry = store.queue_entry(good)
        text = entry.job_text.replace("randread", "randreed")
        store.enqueue(replace(entry, run_id="20260101-000000-bad0", title="bad", job_text=text))
    with served(storperf):
        entries = until_ended(storperf)
    assert entries["bad"].state is EntryState.REFUSED
    assert "randreed" in entries["bad"].reason
    assert entries["good"].exit_code == 0
    assert "randreed" in storperf("queue", "show", "bad").stdout


# --- killed ----------------------------------------------------------------------------------


def assert_it_ended_once(program, title, starts):
    """The run passed, and fio was started for it so often."""
    entry = until_ended(program)[title]
    assert (entry.state, entry.exit_code) == (EntryState.ENDED, 0), entry
    with opened(program) as store:
        run = store.get_run(entry.run_id)
        assert run.state is RunState.COMPLETED
        assert [trial.attempt for trial in store.trials(entry.run_id)] == [1]
    numbers = [json.loads(line)["number"] for line in feed_of(program, entry.run_id).splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert starts() == 1


def noting(program):
    """A provider whose fio is counted, and the number of trials that it was started for."""
    provider = program.lying_fio()

    def starts():
        argvs = [call["argv"] for call in calls_of(Path(provider["fio"])) if call["child"] == 0]
        measuring = [argv for argv in argvs if any("--runtime=" in word for word in argv)]
        return sum("--parse-only" not in argv for argv in measuring)

    return provider, starts


@fact
def a_killed_server_leaves_what_waits_waiting(storperf):
    provider, starts = noting(storperf)
    submit(storperf, "one", "--not-before", str(round(time.time() + 5)), provider=provider)
    with served(storperf) as server:
        os.kill(server.process.pid, signal.SIGKILL)
        server.end()
    with served(storperf):
        assert_it_ended_once(storperf, "one", starts)
    storperf.assert_nothing_left()


@fact
def an_entry_that_was_started_and_never_became_a_run_is_started_again(storperf):
    provider, starts = noting(storperf)
    run = submit(storperf, "one", provider=provider)
    with opened(storperf) as store:
        # What a power cut leaves between the two transactions.
        store.move_entry(run, (EntryState.QUEUED,), EntryState.RUNNING, started_s=time.time())
    with served(storperf):
        assert_it_ended_once(storperf, "one", starts)
    storperf.assert_nothing_left()


def killed_with_everything(storperf, phase):
    provider, starts = noting(storperf)
    run = submit(storperf, "one", provider=provider)
    with served(storperf, STORPERF_HOLD_AT=f"{phase}:stored") as server:
        log = storperf.run_folder(run) / "manager.log"
        until(lambda: log.exists() and "held at" in log.read_text(), "a child that is held")
        os.kill(server.process.pid, signal.SIGKILL)
        server.end()
        kill_children(storperf)
    with served(storperf):
        assert_it_ended_once(storperf, "one", starts)
    storperf.assert_nothing_left()


@fact
def a_run_goes_on_when_all_was_killed_while_it_provisioned(storperf):
    killed_with_everything(storperf, "provision")


@fact
def a_run_goes_on_when_all_was_killed_while_it_measured(storperf):
    killed_with_everything(storperf, "measure")


def without_its_server(storperf, how):
    provider, starts = noting(storperf)
    run = submit(storperf, "one", provider=provider, duration="12s")
    with served(storperf) as server:
        until(lambda: '"what":"measure"' in feed_of(storperf, run), "a trial")
        [child] = children_of(storperf)
        os.kill(server.process.pid, how)
        ended = server.end()
        assert ended.exit_code == (0 if how is signal.SIGTERM else -how)
        assert ("1 runs go on" in ended.stderr) == (how is signal.SIGTERM)
    with served(storperf):
        assert_it_ended_once(storperf, "one", starts)
    with opened(storperf) as store:
        # One process carried it out from its beginning to its end.
        assert store.get_run(run).manager["pid"] == child
    storperf.assert_nothing_left()


@fact
def a_run_goes_on_without_a_server_that_was_killed_and_the_next_one_takes_it_over(storperf):
    without_its_server(storperf, signal.SIGKILL)


@fact
def a_run_goes_on_without_a_server_that_was_asked_to_end(storperf):
    without_its_server(storperf, signal.SIGTERM)


@fact
def a_run_that_ended_while_no_server_was_there_is_known_to_the_queue(storperf):
    provider, starts = noting(storperf)
    run = submit(storperf, "one", provider=provider)
    with served(storperf) as server:
        until(lambda: '"what":"measure"' in feed_of(storperf, run), "a trial")
        os.kill(server.process.pid, signal.SIGKILL)
        server.end()
    assert_it_ended_once(storperf, "one", starts)


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
