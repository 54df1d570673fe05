"""Made-up results for the tests of the reports."""

from __future__ import annotations

from storperf.errors import ExitCode
from storperf.model.ending import Ending
from storperf.model.job import (
    Job,
    Limit,
    Matrix,
    Op,
    Origin,
    Plan,
    PlannedTrial,
    Precondition,
    Provider,
    Side,
    Step,
    Workload,
)
from storperf.model.result import RunResult
from storperf.model.run import (
    Flag,
    Run,
    RunState,
    Steadiness,
    SteadyFigures,
    Summary,
    Trial,
    TrialEnd,
    TrialState,
)
from storperf.model.target import Target, TargetKind
from storperf.model.verdict import Check, CheckKind, Reason, Verdict
from storperf.store.history_rows import MeasuredRun

STEP = "rr-bs4k-qd1-nj1-a1"
MIXED = "mixed-bs64k-qd16-nj1-a1"
FIGURES = {
    "iops": 12_400.0,
    "bandwidth": 50_790_400.0,
    "clat_p50": 81_900.0,
    "clat_p99": 120_832.0,
    "clat_mean": 80_000.5,
}


def a_step(key=STEP, **changes):
    options = changes.pop("options", (("rw", "randread"),))
    values = {
        "workload": Workload(name="rr", options=options),
        "block_size_bytes": 4096,
        "queue_depth": 1,
        "numjobs": 1,
        "agents": 1,
        "fingerprint": "v1-0123456789abcdef",
        "measuring": (("block_size_bytes", "4096"), ("direct", "true")),
    }
    return Step(key=key, **values | changes)


def a_job(**changes):
    values = {
        "name": "nightly",
        "lab": "pod9",
        "origin": Origin.TRUSTED,
        "provider": Provider(),
        "sides": (
            Side(
                name="candidate",
                targets=(Target(kind=TargetKind.DIRECTORY, path="/x", size_bytes=1 << 30),),
            ),
        ),
        "workloads": (Workload(name="rr", options=(("rw", "randread"),)),),
        "matrix": Matrix(block_sizes_bytes=(4096,), queue_depths=(1,), numjobs=(1,), agents=(1,)),
        "ending": Ending(runtime_s=60.0),
        "interval_s": 1.0,
        "repeats": 1,
        "ioengine": "libaio",
        "direct": True,
        "precondition": Precondition(),
        "limits": (Limit(text="iops >= 5000", metric="iops", at_least=True, bound=5000.0),),
        "baseline_runs": 30,
        "graphite": None,
        "text": "name: nightly\ntarget: {directory: scratch}\n",
    }
    return Job(**values | changes)


def a_trial(trial_id="t001", step=STEP, **changes):
    values = {
        "side": "candidate",
        "session": 1,
        "repeat": 1,
        "attempt": 1,
        "state": TrialState.STORED,
        "end": TrialEnd.COMPLETED,
        "steadiness": Steadiness.STEADY,
        "steady_figures": (
            SteadyFigures(
                warmup_s=1.0,
                kept_s=59.0,
                metric="iops",
                op="read",
                average=12_400.0,
                drift=0.01,
                sentence="It held still.",
            ),
        ),
        "flags": (Flag.CLIENT_BOUND,),
        "started_s": 1_790_000_010.0,
        "ended_s": 1_790_000_070.5,
        "facts": {"fio": "3.33"},
    }
    return Trial(id=trial_id, step_key=step, **values | changes)


def summaries_of(trial="t001", op="read", factor=1.0, agents=("all", "agent-01")):
    return tuple(
        Summary(
            trial=trial,
            agent=agent,
            op=op,
            metric=metric,
            value=value * factor,
            low=value * factor * 0.99 if metric == "iops" else None,
            high=value * factor * 1.01 if metric == "iops" else None,
        )
        for agent in agents
        for metric, value in FIGURES.items()
    )


def a_check(reason=Reason.NOT_WORSE, kind=CheckKind.BASELINE, **changes):
    values = {
        "step": STEP,
        "side": "candidate",
        "op": "read",
        "metric": "iops",
        "sentence": "read IOPS 12.4 k, 3.2 % lower than 12.8 k of 5 runs.",
        "value": 12_400.0,
        "baseline_value": 12_810.0,
        "baseline_runs": ("run-1", "run-2"),
        "change": -0.032,
        "change_low": -0.05,
        "change_high": -0.01,
        "smallest_visible": 0.06,
    }
    return Check(kind=kind, reason=reason, **values | changes)


def a_verdict(*checks, reason=None, **changes):
    checks = checks or (a_check(),)
    winning = reason or checks[0].reason
    values = {
        "outcome": winning.outcome,
        "reason": winning,
        "exit_code": winning.exit_code,
        "sentence": checks[0].sentence,
        "checks": checks,
        "enters_baseline": True,
    }
    return Verdict(**values | changes)


def a_run(**changes):
    values = {
        "id": "20260922T010203-abcd",
        "job_name": "nightly",
        "lab": "pod9",
        "title": "after the upgrade",
        "job_text": "name: nightly\n",
        "state": RunState.COMPLETED,
        "phase": None,
        "created_s": 1_790_000_000.25,
        "ended_s": 1_790_000_100.0,
        "exit_code": int(ExitCode.PASS),
        "verdict": "pass",
        "reason": "not_worse",
        "manager": {"pid": 1, "host": "m"},
        "facts": {"b": 1, "a": [1, {"x": None}]},
    }
    return Run(**values | changes)


def a_result(*, steps=None, trials=None, **changes):
    steps = (a_step(),) if steps is None else steps
    planned = changes.pop(
        "planned",
        tuple(
            PlannedTrial(
                id=f"t{number:03}", step_key=step.key, side="candidate", session=1, repeat=1
            )
            for number, step in enumerate(steps, start=1)
        ),
    )
    values = {
        "run": a_run(),
        "job": a_job(),
        "plan": Plan(steps=steps, trials=planned),
        "trials": (a_trial(),) if trials is None else trials,
        "summaries": summaries_of(),
        "verdict": a_verdict(),
        "environment": {"agent-01": {"kernel": "6.1.0", "fio": "3.33"}},
        "sinks": {"graphite": {"lost": 0}},
    }
    return RunResult(**values | changes)


def a_mixed_step():
    return a_step(MIXED, options=(("rw", "randrw"), ("rwmixread", "70")))


OPS = (Op.READ, Op.WRITE)
EVIL = (
    "'><script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "[bold red]x[/] [link=http://evil]y[/link]",
    "a | b \\| c",
    "line\nbreak\r\nand\ttab",
    "\x1b[31mred\x1b[0m\x07\0",
    "![x](http://evil/x.png) <img src=x onerror=alert(1)> `code` ```",
    "]]> &amp; &#0; \udc80 \ufffe",
    "../../../etc/passwd; rm -rf /",
    "\u202egnp.exe",
    "\N{SNOWMAN} ümlaut 中文",
    "x" * 300,
    "",
)


def measured_of(result):
    """What the store reads of such a run for a history."""
    latest = {trial.id: trial for trial in sorted(result.trials, key=lambda t: t.attempt)}
    return MeasuredRun(
        id=result.run.id,
        steps=result.plan.steps,
        sides=tuple(dict.fromkeys((t.step_key, t.side) for t in result.plan.trials)),
        trials=tuple(latest.values()),
        summaries=result.summaries,
        checks=() if result.verdict is None else result.verdict.checks,
    )
