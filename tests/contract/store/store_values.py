"""Made-up values for the tests of the store."""

from __future__ import annotations

from itertools import count

from storperf.model.baseline import Anchor, BaselineEntry, BaselineKey
from storperf.model.job import Plan, PlannedTrial, Step, Workload
from storperf.model.run import Run, RunState, Summary, Trial, TrialEnd, TrialState

STEP = "rr.4k.q1.j1.a1"
NUMBERS = count(1)


def a_plan(*, repeats=1, steps=(STEP,)):
    workload = Workload(name="rr", options=(("rw", "randread"), ("norandommap", "1")))
    return Plan(
        steps=tuple(
            Step(
                key=key,
                workload=workload,
                block_size_bytes=4096,
                queue_depth=1,
                numjobs=1,
                agents=1,
                fingerprint="f1",
                measuring=(("bs", "4096"), ("direct", "1")),
            )
            for key in steps
        ),
        trials=tuple(
            PlannedTrial(
                id=f"{key}.{repeat}", step_key=key, side="candidate", session=0, repeat=repeat
            )
            for key in steps
            for repeat in range(repeats)
        ),
    )


def a_run(run_id=None, **changes):
    number = next(NUMBERS)
    values = {
        "id": run_id or f"run-{number:05}",
        "job_name": "nightly",
        "lab": "pod9",
        "title": None,
        "job_text": "name: nightly\n",
        "state": RunState.RUNNING,
        "phase": None,
        "created_s": 1_000_000.0 + number,
        "manager": {"pid": 7, "host": "m"},
        "facts": {"kernel": "6.1"},
    }
    return Run(**values | changes)


def a_trial(trial_id=f"{STEP}.0", **changes):
    values = {
        "step_key": STEP,
        "side": "candidate",
        "session": 0,
        "repeat": 0,
        "attempt": 1,
        "state": TrialState.STORED,
        "end": TrialEnd.COMPLETED,
    }
    return Trial(id=trial_id, **values | changes)


def a_summary(value, trial=f"{STEP}.0", **changes):
    values = {"agent": "all", "op": "read", "metric": "iops"}
    return Summary(trial=trial, value=value, **values | changes)


def a_key(**changes):
    values = {
        "lab": "pod9",
        "job": "nightly",
        "side": "candidate",
        "step": STEP,
        "fingerprint": "f1",
    }
    return BaselineKey(**values | changes)


def an_anchor(run, **changes):
    values = {"key": a_key(), "who": "ann", "why": "the array was rebuilt", "at_s": 99.0}
    return Anchor(run=run, **values | changes)


def an_entry(run, **changes):
    values = {
        "key": a_key(),
        "run": run,
        "accepted": True,
        "who": "ci",
        "why": "clean run",
        "at_s": 5.0,
        "measuring": (("bs", "4096"),),
    }
    return BaselineEntry(**values | changes)


def measured_run(store, *values, ended_s, accepted=True, run_id=None, session_of=None, **changes):
    """A run that ended with one trial a value, repeats of one session unless told otherwise."""
    run = a_run(run_id)
    store.create_run(run, a_plan(repeats=len(values)))
    for repeat, value in enumerate(values):
        trial = a_trial(
            f"{STEP}.{repeat}",
            repeat=repeat,
            session=session_of(repeat) if session_of else 0,
            **changes,
        )
        store.store_trial(run.id, trial, [a_summary(value, trial.id)])
    store.end_run(
        run.id,
        state=RunState.COMPLETED,
        exit_code=0,
        verdict="pass",
        reason="within_limits",
        ended_s=ended_s,
    )
    if accepted:
        store.enter_baseline([an_entry(run.id)])
    return run.id
