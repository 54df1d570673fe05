"""Plans that grow while they are carried out: SNIA's rounds, searches for saturation.

What comes next is read from what is stored, so that a resumed run goes on where it was.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace

from storperf.engine.context import RunContext
from storperf.model.ending import Rounds
from storperf.model.job import CANDIDATE, Step
from storperf.model.run import Flag, Steadiness, SteadyFigures, Trial, TrialEnd, TrialState
from storperf.model.search import SearchEnd, SearchResult
from storperf.plan_growth import (
    Growth,
    Measured,
    describe,
    next_depths,
    next_round,
    round_values,
    searches,
    tracked_steps,
)

_NO_MEASUREMENT = (None, TrialEnd.FAILED, TrialEnd.CANCELLED)


def grow(context: RunContext) -> bool:
    """Add the trials that come next; False when the plan is complete."""
    job, plan, store = context.job, context.plan, context.store
    if job.rounds is None and job.search is None:
        return False
    trials = store.trials(context.run_id)
    if any(trial.state is not TrialState.STORED for trial in trials):
        return False
    if any(trial.repeat > job.last_repeat for trial in trials):
        return False  # a suspicion is being confirmed: the plan was complete before
    measured = _measured(context, trials)
    growth = Growth()
    if job.rounds is not None:
        if _rounds_go_on(context, job.rounds, trials, measured):
            growth = next_round(plan)
    else:
        found = searches(job, plan, measured)
        _keep_searches(context, found)
        growth = next_depths(job, plan, found)
    if not growth.trials:
        return False
    store.grow_plan(context.run_id, growth.steps, growth.trials)
    context.plan = store.plan(context.run_id)
    return True


def _measured(context: RunContext, trials: Sequence[Trial]) -> list[Measured]:
    """Every trial that is a measurement, with its judged figure and latency."""
    figures: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for summary in context.store.summaries(context.run_id):
        if summary.agent == "all" and math.isfinite(summary.value):
            figures[summary.trial][summary.op, summary.metric] = summary.value
    found = []
    for trial in trials:
        workload = context.plan.step(trial.step_key).workload
        values = figures[trial.id]
        ios = {op.value: values.get((op.value, "iops"), 0.0) for op in workload.ops}
        if trial.end in _NO_MEASUREMENT or not sum(ios.values()):
            continue
        latency = sum(values.get((op, "clat_mean"), 0.0) * count for op, count in ios.items())
        judged = sum(values.get((op, workload.judged_metric), 0.0) for op in ios)
        found.append(
            Measured(
                step_key=trial.step_key,
                side=trial.side,
                repeat=trial.repeat,
                judged=judged,
                clat_ns=latency / sum(ios.values()),
            )
        )
    return found


# --- searches ------------------------------------------------------------------------------------


def _keep_searches(context: RunContext, found: Sequence[SearchResult]) -> None:
    """Write down where each search stands; tell of those that have just ended."""
    told = context.store.get_run(context.run_id).facts.get("searches")
    known = {each["sentence"] for each in told} if isinstance(told, list) else set()
    kept = []
    for result in found:
        metric = (
            context.plan.step(result.depths[-1].step).workload.judged_metric
            if (result.depths)
            else "iops"
        )
        sentence = "" if result.end is SearchEnd.OPEN else describe(result, metric)
        if sentence and sentence not in known:
            context.announce.note(sentence)
        kept.append({**asdict(result), "metric": metric, "sentence": sentence})
    context.store.set_run_facts(context.run_id, {"searches": kept})


# --- rounds --------------------------------------------------------------------------------------


def _rounds_go_on(
    context: RunContext, rounds: Rounds, trials: Sequence[Trial], measured: Sequence[Measured]
) -> bool:
    """Judge the rounds so far; when they end, say which trials are the measurement."""
    done = max(trial.repeat for trial in trials)
    figures = {
        (step.key, CANDIDATE): _window(rounds, step, round_values(step, CANDIDATE, measured), done)
        for step in tracked_steps(context.job, context.plan)
    }
    is_steady = all(each is not None and each.snia_steady for each in figures.values())
    has_failed = any(trial.end in _NO_MEASUREMENT for trial in trials)
    if not is_steady and not has_failed and done < rounds.at_most:
        context.announce.note(f"round {done} of at most {rounds.at_most}: not steady yet")
        return True
    words = "steady" if is_steady else "not steady"
    context.announce.note(f"{words} after {done} rounds")
    window = (max(1, done - rounds.rule.rounds + 1), done)
    _mark(context, trials, window, figures, is_steady=is_steady)
    kept = {
        "count": done,
        "at_most": rounds.at_most,
        "window": list(window),
        "is_steady": is_steady,
        "tracked": {
            key: None if each is None else asdict(each) for (key, _side), each in figures.items()
        },
    }
    context.store.set_run_facts(context.run_id, {"rounds": kept})
    return False


def _window(rounds: Rounds, step: Step, values: Sequence[float], done: int) -> SteadyFigures | None:
    """SNIA's figures over the last rounds; None when they are too few, or one is missing."""
    # numpy: only once something was measured.
    from storperf.stats.steady import snia_window

    if len(values) < done or done < rounds.rule.rounds:
        return None
    found = snia_window(values[-rounds.rule.rounds :], rounds.rule)
    word = "steady" if found.is_steady else "not steady"
    return SteadyFigures(
        warmup_s=0.0,
        kept_s=rounds.rule.round_s * rounds.rule.rounds,
        metric=step.workload.judged_metric,
        op="+".join(op.value for op in step.workload.ops),
        average=found.average,
        snia_range=found.range_share,
        snia_excursion=found.excursion_share,
        snia_steady=found.is_steady,
        sentence=(
            f"{word} over {rounds.rule.rounds} rounds: range {found.range_share:.1%}, "
            f"excursion {found.excursion_share:.1%} of the average"
        ),
    )


def _mark(
    context: RunContext,
    trials: Sequence[Trial],
    window: tuple[int, int],
    figures: dict[tuple[str, str], SteadyFigures | None],
    *,
    is_steady: bool,
) -> None:
    """The trials before the window were preconditioning; those in it are as steady as it is."""
    steadiness = Steadiness.STEADY if is_steady else Steadiness.NOT_STEADY
    for trial in trials:
        changed = trial
        if trial.repeat < window[0]:
            changed = replace(trial, flags=tuple(dict.fromkeys((*trial.flags, Flag.BEFORE_WINDOW))))
        elif trial.end not in _NO_MEASUREMENT:
            own = figures.get((trial.step_key, trial.side))
            changed = replace(
                trial,
                steadiness=steadiness,
                steady_figures=trial.steady_figures if own is None else (own,),
            )
        if changed != trial:
            context.store.save_trial(context.run_id, changed)
