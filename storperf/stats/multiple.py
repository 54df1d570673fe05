"""Many figures at once: one alarm in five of them is what chance alone does.

Of the figures of a step one is primary (IOPS or bandwidth, per direction).  The primary ones of all
steps share a level, so that the promise about a whole run holds however many steps it has: one
false alarm among them is a false alarm of the run.  The other figures explain and seldom
decide; for them Benjamini-Hochberg is enough, which finds more where many of them moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from storperf.model.decision import Cause, Decision

# Of the alarms that are left, how many may be false.
FALSE_SHARE = 0.05


def benjamini_hochberg(p_values: Sequence[float], share: float = FALSE_SHARE) -> list[bool]:
    """Which of m p-values stand when at most `share` of those that stand may be false.

    The largest k with p(k) <= k share / m, and all p-values up to it.  Source: Benjamini
    and Hochberg 1995; it holds for independent figures and for those that move together.  With
    nothing changed at all, some figure stands in at most `share` of the cases.
    """
    if not len(p_values):
        return []
    ordered = np.sort(np.asarray(p_values, dtype=np.float64))
    under = np.flatnonzero(ordered <= share * np.arange(1, len(ordered) + 1) / len(ordered))
    limit = ordered[under[-1]] if len(under) else -1.0
    return [bool(p <= limit) for p in p_values]


def held_to(p_values: Sequence[float], share: float) -> list[float]:
    """The level that Benjamini-Hochberg at `share` holds each of m p-values to.

    Of those that stand, k in all, it is k share / m; of the others what one more would need,
    (k + 1) share / m.  A p-value is at most its level exactly where it stands.
    """
    stands = benjamini_hochberg(p_values, share)
    count, standing = len(stands), sum(stands)
    return [min(standing + (not each), count) * share / count for each in stands]


def without_chance(decisions: Sequence[Decision], primary: str | None = None) -> list[Decision]:
    """The decisions on the figures of one run: what chance does to many of them is taken out.

    The primary figure decides for itself.  Of the others an alarm stands when
    Benjamini-Hochberg at 5 % keeps its p-value: else a regression is undecided, and what
    was only suspicious is not worse.
    """
    others = [number for number, each in enumerate(decisions) if each.case != primary]
    p_values = [_p(decisions[number]) for number in others]
    stands = dict(zip(others, benjamini_hochberg(p_values), strict=True))
    weaker = {Cause.REGRESSION: Cause.UNDECIDED, Cause.SUSPICIOUS: Cause.NOT_WORSE}
    found = []
    for number, decision in enumerate(decisions):
        cause = weaker.get(decision.cause)
        if cause is None or stands.get(number, True):
            found.append(decision)
            continue
        words = f"One of {len(others)} figures, of which chance moves some so far. "
        found.append(replace(decision, cause=cause, sentence=words + decision.sentence))
    return found


def _p(decision: Decision) -> float:
    return 1.0 if decision.p is None else decision.p
