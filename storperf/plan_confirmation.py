"""What is measured afresh to settle a suspicion: pairs with the reference, or the step again.

Which pairs there are is read from the plan, so that a resumed run comes to the same trials.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from storperf.model.ending import LOOKS, RERUNS
from storperf.model.job import CANDIDATE, REFERENCE, Job, Plan, PlannedTrial
from storperf.plan import trial_id


def confirming_trials(
    job: Job, plan: Plan, undecided: Sequence[str], *, seed: str
) -> tuple[PlannedTrial, ...]:
    """The trials up to the next look at the steps `undecided`; none when there is no further one.

    Their repeats are above the job's: repeat `job.last_repeat + k` of reference and candidate is
    pair k.  Pairs of all steps are interleaved; which side of a pair comes first is drawn
    from `seed`, so that a drift of the host speaks for neither.
    """
    done = {step: _pairs(job, plan, step) for step in undecided}
    wanted = {step: _next_look(job, done[step]) for step in undecided}
    places = [
        (step, side, pair)
        for pair in range(1, max((*LOOKS, RERUNS)) + 1)
        for step in undecided
        if done[step] < pair <= wanted[step]
        for side in _sides(job, f"{seed} {step} {pair}")
    ]
    return tuple(
        PlannedTrial(
            id=trial_id(plan, number),
            step_key=step,
            side=side,
            session=1,
            repeat=job.last_repeat + pair,
        )
        for number, (step, side, pair) in enumerate(places, start=len(plan.trials) + 1)
    )


def measuring_s(job: Job, plan: Plan) -> float:
    """How long the confirming trials of a plan measure at most."""
    return job.ending.runtime_s * sum(trial.repeat > job.last_repeat for trial in plan.trials)


def _pairs(job: Job, plan: Plan, step: str) -> int:
    """How many pairs, or reruns, of a step are planned."""
    repeats = [trial.repeat for trial in plan.trials if trial.step_key == step]
    return max(0, max(repeats) - job.last_repeat)


def _next_look(job: Job, done: int) -> int:
    looks = LOOKS if job.has_reference else (RERUNS,)
    return next((look for look in looks if look > done), done)


def _sides(job: Job, seed: str) -> Iterator[str]:
    if not job.has_reference:
        return iter((CANDIDATE,))
    sides = [REFERENCE, CANDIDATE]
    # Not for secrets: the same draw again for the same seed, on every machine.
    random.Random(seed).shuffle(sides)  # noqa: S311
    return iter(sides)
