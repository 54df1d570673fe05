"""Pass, fail or inconclusive: the one place where a run's verdict is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from storperf.errors import worst
from storperf.model.job import CANDIDATE, REFERENCE, Job, Plan, Step
from storperf.model.run import Summary, Trial
from storperf.model.verdict import Check, CheckKind, Reason, Verdict
from storperf.stats.comparison import (
    Baseline,
    History,
    Suspected,
    baselines,
    judge_against_baselines,
    without_baseline,
)
from storperf.stats.gates import judge_gates, latest_attempts, load_gates
from storperf.stats.limits import judge_limits
from storperf.stats.loads import Loads, Where
from storperf.stats.noise import noise_source
from storperf.stats.paired import Pairs, judge_pairs, pairs_of
from storperf.stats.prior import LabSpread
from storperf.stats.repeats import Place, agent_values, run_values
from storperf.stats.triggers import suspected_levels
from storperf.stats.verdict_words import Words, strength, verdict_sentence

# Of several reasons with the same exit code, the first is the run's.
_ORDER = (
    Reason.VERIFY_ERROR,
    Reason.LIMIT_BROKEN,
    Reason.REGRESSION,
    Reason.INVALID,
    Reason.NOT_STORAGE,
    Reason.SUSPICIOUS,
    Reason.NOT_STEADY,
    Reason.DISTURBED,
    Reason.TOO_FEW,
    Reason.NOT_COMPARABLE,
    Reason.NO_BASELINE,
    Reason.NOT_WORSE,
    Reason.WITHIN_LIMITS,
)
# What may stand in a run that later runs are compared with.
_CLEAN = (
    Reason.NOT_WORSE,
    Reason.WITHIN_LIMITS,
    Reason.NO_BASELINE,
    Reason.NOT_COMPARABLE,
)


def judge_run(  # noqa: PLR0913 - everything that a verdict depends on, by keyword
    *,
    job: Job,
    plan: Plan,
    trials: Sequence[Trial],
    summaries: Sequence[Summary],
    history: History,
    differing: Mapping[tuple[str, str], str],
    faults: Sequence[str] = (),
    lab: Mapping[Place, LabSpread] = MappingProxyType({}),
    hosts: Mapping[Where, Mapping[str, Loads]] = MappingProxyType({}),
    unlike: str = "",
) -> Verdict:
    """The verdict of a run by the table of ARCHITECTURE.md, with every check below it.

    `history` and `differing` go by (step key, side).  `history` holds the accepted runs of the
    step's own fingerprint; `differing` says, where runs exist only under another one,
    which measuring field differs and both its values.  `faults` are sentences about what else
    makes the run invalid.  `lab` is what calibrations know of the figures' spread, `hosts`
    what the agents of earlier runs went through, by run, and `unlike` a sentence about what
    else is not as it was then.
    First the gates; a step whose trials do not pass them is not judged further.  Then the
    limits, then the screen and the trigger of the history.
    Trials whose repeat is above the job's were added to confirm a suspicion
    (`plan_confirmation`): pairs with the reference, which decide instead of the screen, or
    repeats of the candidate.
    A pass means that every planned trial is there with data, that each step was held against
    a limit, a baseline or a reference, and that nothing was broken or suspicious.  It does not mean
    that nothing changed: each check tells the smallest change that it could have seen.
    """
    latest = latest_attempts(trials)
    checks = list(judge_gates(job, plan, latest, summaries, faults))
    checks += load_gates([t for t in latest.values() if t.repeat <= job.last_repeat], hosts)
    blocked = {(check.step, check.side) for check in checks}
    pairs = {
        (planned.step_key, planned.side): None
        for planned in plan.trials
        if not plan.step(planned.step_key).workload.is_warm_up
    }
    usable = [(plan.step(key), side) for key, side in pairs if (key, side) not in blocked]
    planned_ids = {planned.id for planned in plan.trials}
    measured = [each for each in latest.values() if each.id in planned_ids]
    values = run_values(measured, summaries)
    screened = run_values([each for each in measured if each.repeat <= job.last_repeat], summaries)
    confirming = [each for each in measured if each.repeat > job.last_repeat]
    fresh = {} if job.has_reference else run_values(confirming, summaries)
    planned_steps = [step for step in plan.steps if not step.workload.is_warm_up]
    candidates = [step for step, side in usable if side == CANDIDATE]
    own = agent_values(measured, summaries)
    checks += judge_limits(job.limits, planned_steps, candidates, values, own)
    known = baselines(history, job.baseline_runs)
    sunk = suspected_levels(usable, screened, history)
    compared = list(
        judge_against_baselines(usable, screened, known, fresh=fresh, sunk=sunk, lab=lab)
    )
    paired = []
    if job.has_reference:
        paired = _paired(usable, pairs_of(confirming, summaries), known, compared, lab)
    paired = [_with_screen(check, compared, sunk) for check in paired]
    settled = {_place(check) for check in paired}
    checks += [
        check for check in compared if not (_is_suspicious(check) and _place(check) in settled)
    ]
    checks += paired
    unpaired = [step for step in candidates if all(check.step != step.key for check in paired)]
    checks += _without_baselines(unpaired, known, differing, checks)
    judged = {key: each for key, each in latest.items() if (each.step_key, each.side) in pairs}
    words = Words(
        job=job,
        trials=judged,
        noise=partial(noise_source, hosts=hosts, agents=own),
        unlike=unlike,
    )
    return _verdict(checks, words)


def _paired(
    usable: Sequence[tuple[Step, str]],
    pairs: Pairs,
    known: Mapping[Place, Baseline],
    compared: Sequence[Check],
    lab: Mapping[Place, LabSpread],
) -> list[Check]:
    """What pairs say, of the steps of which both sides passed the gates."""
    both = [step for step, side in usable if side == CANDIDATE and (step, REFERENCE) in usable]
    suspected = {_place(check) for check in compared if _is_suspicious(check)}
    return list(judge_pairs(both, pairs, known, suspected, lab))


def _with_screen(check: Check, compared: Sequence[Check], sunk: Mapping[Place, Suspected]) -> Check:
    """The check of a figure's pairs with the working of the screen that asked for them."""
    screens = [each.screens for each in compared if _place(each) == _place(check)]
    first_run = sunk[_place(check)].first_run if _place(check) in sunk else None
    return replace(check, since_run=first_run, screens=screens[0] if screens else ())


def _place(check: Check) -> Place:
    return (check.step, check.side, check.op or "", check.metric or "")


def _is_suspicious(check: Check) -> bool:
    return check.reason is Reason.SUSPICIOUS


def _without_baselines(
    candidates: Sequence[Step],
    known: Mapping[Place, Baseline],
    differing: Mapping[tuple[str, str], str],
    checks: Sequence[Check],
) -> list[Check]:
    limited = {check.step for check in checks if check.kind is CheckKind.LIMIT}
    found = (
        without_baseline(
            step,
            known,
            differing.get((step.key, CANDIDATE)),
            is_limited=step.key in limited,
        )
        for step in candidates
    )
    return [check for check in found if check is not None]


def _verdict(checks: Sequence[Check], words: Words) -> Verdict:
    code = worst([check.reason.exit_code for check in checks])
    reasons = {check.reason for check in checks if check.reason.exit_code is code}
    reason = next(each for each in _ORDER if each in reasons)
    return Verdict(
        outcome=reason.outcome,
        reason=reason,
        exit_code=code,
        sentence=verdict_sentence(words, reason, checks),
        checks=tuple(checks),
        enters_baseline=all(check.reason in _CLEAN for check in checks),
        strength=strength(reason, checks),
    )
