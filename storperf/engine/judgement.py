"""The phases judge and report: from what is stored to a verdict and its papers."""

from __future__ import annotations

from storperf.engine.context import RunContext
from storperf.errors import ExitCode
from storperf.model.baseline import BaselineValue
from storperf.model.verdict import Reason
from storperf.plan import baseline_entry, baseline_keys, confirming_trials


def judge(context: RunContext, *, who: str = "storperf", whence: str = "") -> None:
    """Judge what is stored against limits and baseline; a clean run enters the baseline.

    The entry says by whose word, and `whence` where a run that was not measured here is from.
    """
    # scipy is heavy: not before there is something to judge.
    from storperf.stats.verdict import judge_run

    store, run_id = context.store, context.run_id
    keys = baseline_keys(context.job, context.plan)
    history: dict[tuple[str, str], tuple[BaselineValue, ...]] = {}
    differing: dict[tuple[str, str], str] = {}
    for key, step in keys:
        place = (key.step, key.side)
        history[place] = store.baseline_values(
            key, runs=context.job.baseline_runs, before_run=run_id
        )
        if not history[place]:
            other = store.measuring_of_other_fingerprints(key)
            if other is not None:
                differing[place] = _difference(dict(step.measuring), dict(other))
    verdict = judge_run(
        job=context.job,
        plan=context.plan,
        trials=store.trials(run_id),
        summaries=store.summaries(run_id),
        history=history,
        differing=differing,
        faults=[text for code, text in context.faults if code is ExitCode.INFRASTRUCTURE],
    )
    context.verdict = verdict
    store.save_verdict(run_id, verdict)
    if verdict.enters_baseline:
        at_s, why = context.epoch(), f"{whence}clean run: {verdict.reason}"
        store.enter_baseline(
            [
                baseline_entry(key, step, run=run_id, who=who, why=why, at_s=at_s)
                for key, step in keys
            ]
        )


def plan_confirmation(context: RunContext) -> bool:
    """Plan fresh trials of every suspicious step; False when nothing is to be confirmed."""
    verdict = context.verdict
    if verdict is None or verdict.reason is not Reason.SUSPICIOUS:
        return False
    suspected = {
        (check.step, check.side) for check in verdict.checks if check.reason is Reason.SUSPICIOUS
    }
    added = confirming_trials(context.job, context.plan, suspected)
    if not added:
        return False
    context.store.grow_plan(context.run_id, (), added)
    context.plan = context.store.plan(context.run_id)
    names = ", ".join(sorted({step for step, _ in suspected}))
    context.announce.note(f"suspicious: {names}; measuring {len(added)} fresh trials to confirm it")
    return True


def _difference(now: dict[str, str], then: dict[str, str]) -> str:
    names = [name for name in {**then, **now} if now.get(name) != then.get(name)]
    parts = [
        f"{name} was {then.get(name, 'absent')}, is {now.get(name, 'absent')}" for name in names
    ]
    return "; ".join(parts) or "the fingerprint's version"
