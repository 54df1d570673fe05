"""A change of level from the first suspicion to a baseline that begins anew, in a real store."""

from __future__ import annotations

from dataclasses import replace

import pytest
from contract.store.store_values import STEP, a_key, a_plan, a_run, a_summary, a_trial, measured_run
from unit.stats.builders import make_job

from storperf.engine.cancel import Cancel
from storperf.engine.context import RunContext
from storperf.engine.events import Announcer
from storperf.engine.judgement import accept, judge, plan_confirmation
from storperf.model.ending import ConfirmWhen
from storperf.model.run import Steadiness
from storperf.model.verdict import Outcome, Reason
from storperf.store.store import Store

STILL = tuple(1000.0 * (1 + 0.012 * ((n + 4) % 5 - 2) / 2) for n in range(36))
SUNK = (945.0, 940.0, 942.0, 944.0, 941.0, 943.0)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def nights(store):
    """42 accepted runs; the names of the last six, which are of another level."""
    runs = [
        measured_run(store, value, ended_s=100.0 + number)
        for number, value in enumerate((*STILL, *SUNK))
    ]
    return runs[len(STILL) :]


def a_night(store, run_id, value, told):
    """A run that has measured its step once, and waits for its verdict."""
    store.create_run(a_run(run_id, facts={}), a_plan())
    store.store_trial(run_id, still(a_trial()), [a_summary(value)])
    return RunContext(
        run_id=run_id,
        job=replace(make_job(), name="nightly", lab="pod9", repeats=0),
        plan=store.plan(run_id),
        store=store,
        provider=None,
        cancel=Cancel(),
        announce=Announcer(run_id, [lambda event: told.append(event.facts.get("text"))]),
        epoch=lambda: 5000.0,
        confirm_when=ConfirmWhen.AUTO,
    )


def still(trial):
    return replace(trial, steadiness=Steadiness.STEADY)


def ended(context, store):
    """The rest of a run: fresh trials of 942 if some are planned, and its place in the baseline."""
    judge(context)
    while plan_confirmation(context):
        for planned in store.plan(context.run_id).trials[1:]:
            trial = still(a_trial(planned.id, repeat=planned.repeat, session=planned.session))
            store.store_trial(context.run_id, trial, [a_summary(942.0, planned.id)])
        judge(context)
    accept(context)
    return context.verdict


def test_confirmed_change_of_level_fails_once_and_the_baseline_begins_with_its_first_run(
    store, nights
):
    told = []
    context = a_night(store, "tonight", 942.0, told)
    judge(context)
    assert context.verdict.reason is Reason.SUSPICIOUS
    assert store.anchors("pod9", "nightly") == ()
    assert ended(context, store).reason is Reason.REGRESSION
    (anchor,) = store.anchors("pod9", "nightly")
    assert (anchor.run, anchor.who, anchor.confirmed_by) == (nights[0], "storperf", "tonight")
    assert "Confirmed by 2 fresh trials" in anchor.why
    assert f"the baseline of {STEP} begins anew with run {nights[0]}" in told[-1]
    # Judged again, as after a resume, the run comes to the same.
    judge(context)
    assert context.verdict.reason is Reason.REGRESSION
    tomorrow = ended(a_night(store, "tomorrow", 943.0, told), store)
    assert tomorrow.reason is Reason.NOT_WORSE
    assert tomorrow.checks[0].baseline_runs == tuple(nights)


def test_single_bad_run_fails_and_moves_no_baseline(store):
    for number, value in enumerate(STILL):
        measured_run(store, value, ended_s=100.0 + number)
    verdict = ended(a_night(store, "tonight", 900.0, []), store)
    assert verdict.outcome is Outcome.FAIL
    assert store.anchors("pod9", "nightly") == ()
    assert len(store.baseline_values(a_key(), runs=99)) == len(STILL)
