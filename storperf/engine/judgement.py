"""The phases judge and report: from what is stored to a verdict and its papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from storperf.engine.context import RunContext
from storperf.engine.surroundings import unlike
from storperf.errors import ExitCode
from storperf.hardware import Fields, hardware_of, is_hardware, is_other
from storperf.model.baseline import Anchor, BaselineEntry, BaselineKey, BaselineValue
from storperf.model.ending import ConfirmWhen
from storperf.model.job import CANDIDATE, PlannedTrial
from storperf.model.run import Run
from storperf.model.verdict import WHOLE_RUN, Check, CheckKind, Reason
from storperf.plan import baseline_entry, baseline_keys
from storperf.plan_confirmation import confirming_trials, measuring_s
from storperf.store.store import Store
from storperf.units import render_duration


def judge(context: RunContext) -> None:
    """Judge what is stored against limits, baseline and reference."""
    # scipy is heavy: not before there is something to judge.
    from storperf.stats.calibration import lab_spreads
    from storperf.stats.loads import MOST_RUNS as MOST_HOSTS
    from storperf.stats.trigger import MOST_RUNS
    from storperf.stats.verdict import judge_run

    store, run_id = context.store, context.run_id
    run = store.get_run(run_id)
    since_s = run.created_s - context.job.baseline_age_s
    hardware = hardware_of(run.facts)
    aged: list[str] = []
    keys = baseline_keys(context.job, context.plan)
    hosts = {
        (key.step, key.side): store.baseline_hosts(key, entries=MOST_HOSTS, before_run=run_id)
        for key, _ in keys
    }
    known = store.baselines_values(
        [key for key, _ in keys],
        runs=max(context.job.baseline_runs, MOST_RUNS - 1),
        before_run=run_id,
        since_s=since_s,
    )
    history: dict[tuple[str, str], tuple[BaselineValue, ...]] = {}
    differing: dict[tuple[str, str], str] = {}
    for key, step in keys:
        place = (key.step, key.side)
        history[place], other_hardware = _of_this_hardware(store, key, known[key], hardware)
        if other_hardware:
            differing[place] = other_hardware
        elif not history[place]:
            if store.baseline_values(key, runs=1, before_run=run_id):
                aged.append(key.step)
            other = store.measuring_of_other_fingerprints(key)
            if other is not None:
                then = {name: value for name, value in other if not is_hardware(name)}
                differing[place] = _difference(dict(step.measuring), then)
    verdict = judge_run(
        job=context.job,
        plan=context.plan,
        trials=store.trials(run_id),
        summaries=store.summaries(run_id),
        history=history,
        differing=differing,
        hosts=hosts,
        unlike=_unlike(context, run, history),
        lab=lab_spreads([(step, key.side) for key, step in keys], store.spreads(context.job.lab)),
        faults=[text for code, text in context.faults if code is ExitCode.INFRASTRUCTURE],
    )
    context.verdict = verdict
    store.save_verdict(run_id, verdict)
    if aged:
        limit = render_duration(context.job.baseline_age_s)
        context.announce.note(
            f"the baseline has aged out: its runs are older than baseline.max_age ({limit}): "
            + ", ".join(dict.fromkeys(aged))
        )


def _of_this_hardware(
    store: Store, key: BaselineKey, known: Sequence[BaselineValue], hardware: Fields
) -> tuple[tuple[BaselineValue, ...], str]:
    """The values of runs that measured on the same hardware; where there are none, the difference.

    A lab is where hardware is the same, but nobody keeps a name from moving to another machine.
    """
    measuring = store.baseline_measuring(key, {value.run for value in known})
    unlike = [value.run for value in known if is_other(hardware, measuring[value.run])]
    values = tuple(value for value in known if value.run not in unlike)
    if values or not unlike:
        return values, ""
    then = {name: value for name, value in measuring[unlike[-1]] if is_hardware(name)}
    return (), _difference(dict(hardware), then)


def _unlike(
    context: RunContext, run: Run, history: Mapping[tuple[str, str], Sequence[BaselineValue]]
) -> str:
    """What is not as it was in the newest run of the baseline."""
    values = [value for found in history.values() for value in found]
    if not values:
        return ""
    newest = max(values, key=lambda value: value.ended_s).run
    return unlike(run, context.store.get_run(newest))


def accept(context: RunContext, *, who: str = "storperf", whence: str = "") -> None:
    """Let a clean run into the baseline, once nothing is left to be confirmed.

    The entry says by whose word, and `whence` where a run that was not measured here is from.
    A confirmed change of level anchors the baseline of its step: see `_anchor`.
    """
    verdict = context.verdict
    if verdict is None or _only_calibrates(context):
        return
    _anchor(context, verdict.checks)
    # numpy is heavy: not before there is something to judge.
    from storperf.stats.gates import latest_attempts
    from storperf.stats.loads import loads_of

    loads = loads_of(latest_attempts(context.store.trials(context.run_id)).values())
    at_s, why = context.epoch(), f"{whence}clean run: {verdict.reason}"
    hardware = hardware_of(context.store.get_run(context.run_id).facts)
    entries = [
        baseline_entry(
            key,
            step,
            run=context.run_id,
            who=who,
            why=why,
            at_s=at_s,
            hardware=hardware,
            hosts=loads.get((key.step, key.side), {}),
        )
        for key, step in baseline_keys(context.job, context.plan)
    ]
    if not verdict.enters_baseline:
        entries = _disturbed(entries, verdict.checks)
    context.store.enter_baseline(entries)


def _disturbed(entries: Sequence[BaselineEntry], checks: Sequence[Check]) -> list[BaselineEntry]:
    """The places of steps that were not judged because of what their hosts did: not accepted.

    They are kept so that a lab which has become busy is no news for ever.
    """
    why = {
        (check.step, check.side): check.sentence
        for check in checks
        if check.reason is Reason.DISTURBED
    }
    return [
        replace(entry, accepted=False, why=f"not accepted: {why[entry.key.step, entry.key.side]}")
        for entry in entries
        if (entry.key.step, entry.key.side) in why
    ]


def _anchor(context: RunContext, checks: Sequence[Check]) -> None:
    """Let the baseline of each step begin anew whose change of level fresh trials confirmed.

    Only a change that the history raised, of which accepted runs are there: they are the new
    level.  A single run that is worse fails, and the level that it should have had stays.
    """
    changed = {
        check.step: check
        for check in checks
        if check.reason is Reason.REGRESSION and check.since_run and check.side == CANDIDATE
    }
    anchors = [
        Anchor(
            key=key,
            run=changed[key.step].since_run,
            confirmed_by=context.run_id,
            who="storperf",
            why=f"confirmed by run {context.run_id}: {changed[key.step].sentence}",
            at_s=context.epoch(),
        )
        for key, _ in baseline_keys(context.job, context.plan)
        if key.step in changed
    ]
    context.store.anchor_baseline(anchors)
    for anchor in anchors:
        words = f"begins anew with run {anchor.run}: a change of level is confirmed"
        context.announce.note(f"the baseline of {anchor.key.step} {words}")


def _only_calibrates(context: RunContext) -> bool:
    """Whether the run was made to see how much runs scatter, and nobody asked for more."""
    match context.store.get_run(context.run_id).facts.get("calibration"):
        case {"accept": accept}:
            return not accept
    return False


def plan_confirmation(context: RunContext) -> bool:
    """Plan fresh trials of the steps that are undecided; False when none are to be measured."""
    undecided = _undecided(context)
    added, left_out = _affordable(context, undecided)
    if left_out:
        limit = render_duration(context.job.confirmation.at_most_s)
        context.announce.note(
            f"not confirmed within confirm.at_most ({limit}): {', '.join(left_out)}"
        )
    if not added:
        return False
    context.store.grow_plan(context.run_id, (), added)
    context.plan = context.store.plan(context.run_id)
    steps = dict.fromkeys(trial.step_key for trial in added)
    what = "trials in pairs" if context.job.has_reference else "fresh trials"
    context.announce.note(f"measuring {len(added)} {what} to decide: {', '.join(steps)}")
    return True


def _undecided(context: RunContext) -> list[str]:
    """The steps that another look may decide, in the order of the plan."""
    verdict, when = context.verdict, context.confirm_when
    if verdict is None or when is ConfirmWhen.NEVER:
        return []
    steps = dict.fromkeys(
        trial.step_key
        for trial in context.plan.trials
        if not context.plan.step(trial.step_key).workload.is_warm_up
    )
    if when is ConfirmWhen.ALWAYS and not measuring_s(context.job, context.plan):
        gated = {check.step for check in verdict.checks if check.kind is CheckKind.GATE}
        return [step for step in steps if step not in gated and WHOLE_RUN not in gated]
    if verdict.reason not in (Reason.SUSPICIOUS, Reason.TOO_FEW):
        return []
    found = {check.step for check in verdict.checks if _is_open(check)}
    return [step for step in steps if step in found]


def _is_open(check: Check) -> bool:
    if check.side != CANDIDATE:
        return False
    return check.reason is Reason.SUSPICIOUS or (
        check.kind is CheckKind.PAIRS and check.reason is Reason.TOO_FEW
    )


def _affordable(
    context: RunContext, undecided: Sequence[str]
) -> tuple[tuple[PlannedTrial, ...], list[str]]:
    """The trials of as many steps as the time allows, and the steps that it does not."""
    job, plan = context.job, context.plan
    left_s = job.confirmation.at_most_s - measuring_s(job, plan)
    for count in range(len(undecided), 0, -1):
        added = confirming_trials(job, plan, undecided[:count], seed=context.run_id)
        if len(added) * job.ending.runtime_s <= left_s:
            return added, list(undecided[count:])
    return (), list(undecided)


def _difference(now: dict[str, str], then: dict[str, str]) -> str:
    names = [name for name in {**then, **now} if now.get(name) != then.get(name)]
    parts = [
        f"{name} was {then.get(name, 'absent')}, is {now.get(name, 'absent')}" for name in names
    ]
    return "; ".join(parts) or "the fingerprint's version"
