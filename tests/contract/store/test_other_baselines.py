"""Baselines of other hardware, fio options and agent counts: named, and never judged against."""

from __future__ import annotations

from dataclasses import replace

import pytest
from contract.store.store_values import STEP, a_key, a_plan, a_run, a_summary, a_trial
from unit.stats.builders import make_job

from storperf.engine.cancel import Cancel
from storperf.engine.context import RunContext
from storperf.engine.events import Announcer
from storperf.engine.judgement import accept, judge
from storperf.model.run import Steadiness
from storperf.model.verdict import Reason
from storperf.plan import fingerprint
from storperf.store.store import Store


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path) as opened:
        yield opened


def facts(cpu="EPYC 7313", disk="PM9A3"):
    host = {"cpu_model": cpu, "cpus": 2}
    return {"environment.agent-01": {"host": host, "targets": [{"device_model": disk}]}}


def night(store, run_id, value, *, measuring=None, **hardware):
    """A run that measured its step once, judged, and in the baseline if it is clean."""
    plan = a_plan()
    if measuring is not None:
        steps = tuple(
            replace(step, measuring=measuring, fingerprint=fingerprint(measuring))
            for step in plan.steps
        )
        plan = replace(plan, steps=steps)
    store.create_run(a_run(run_id, facts=facts(**hardware)), plan)
    trial = replace(a_trial(), steadiness=Steadiness.STEADY)
    store.store_trial(run_id, trial, [a_summary(value)])
    context = RunContext(
        run_id=run_id,
        job=replace(make_job(), name="nightly", lab="pod9", repeats=0),
        plan=store.plan(run_id),
        store=store,
        provider=None,
        cancel=Cancel(),
        announce=Announcer(run_id, []),
        epoch=lambda: 5000.0,
    )
    judge(context)
    accept(context)
    return context.verdict


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"cpu": "Xeon 6338"}, "hardware.cpu_model was EPYC 7313, is Xeon 6338"),
        ({"disk": "980 PRO"}, "hardware.device_model was PM9A3, is 980 PRO"),
    ],
)
def test_baseline_of_other_hardware_is_not_comparable_and_one_of_its_own_begins(
    store, other, named
):
    for number in range(5):
        night(store, f"old-{number}", 1000.0)
    verdict = night(store, "moved", 500.0, **other)
    assert verdict.reason is Reason.NOT_COMPARABLE
    assert named in verdict.sentence
    assert night(store, "next", 505.0, **other).checks[0].baseline_runs == ("moved",)
    # Back again, the runs of this hardware are there still, and no others.
    back = night(store, "back", 1000.0)
    assert set(back.checks[0].baseline_runs) == {f"old-{number}" for number in range(5)}


@pytest.mark.parametrize(
    ("field", "then", "now"), [("agents", "1", "2"), ("rw", "randread", "randwrite")]
)
def test_baseline_of_other_options_or_agents_is_not_comparable(store, field, then, now):
    night(store, "old", 1000.0, measuring=(("bs", "4k"), (field, then)))
    verdict = night(store, "new", 500.0, measuring=(("bs", "4k"), (field, now)))
    assert verdict.reason is Reason.NOT_COMPARABLE
    assert f"{field} was {then}, is {now}" in verdict.sentence
    assert "hardware" not in verdict.sentence


def test_place_keeps_the_hardware_beside_what_it_measured(store):
    night(store, "old", 1000.0)
    measuring = dict(store.baseline_measuring(a_key(), {"old", "unknown"})["old"])
    assert measuring["hardware.cpus"] == "2"
    (entry,) = store.baseline_entries("pod9", "nightly")
    assert dict(entry.measuring) == measuring
    assert entry.key.step == STEP
    assert store.baseline_measuring(a_key(), set()) == {}
