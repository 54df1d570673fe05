"""Many independent cases in one table: `case,role,idx,value` and perhaps `prior_spread`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from storperf.model.decision import Case
from storperf.plain.rows import Faults, measured, prior_spread, read_rows

BASE, CANDIDATE, FRESH = "base", "cand", "fresh_base"
ROLES = (BASE, CANDIDATE, FRESH)
_MOST_DIGITS = 10


@dataclass(slots=True)
class _Gathered:
    """What the rows of one case said so far: values by role and index."""

    values: dict[str, dict[int, float]] = field(
        default_factory=lambda: {role: {} for role in ROLES}
    )
    prior_text: str | None = None
    prior_spread: float | None = None


def parse_cases(lines: Iterable[str], source: str) -> list[Case]:
    """The cases in the order they first appear; their rows may come in any order.

    `cand` 0 is screened; `cand` k and `fresh_base` k are the pairs, in order.  Candidates
    without any fresh reference are repeats.  A value that is no measurement (missing, NaN,
    infinite, not above zero) spoils its own case where it is asked for.  Raises NumbersError
    with every other fault.
    """
    faults = Faults(source)
    found: dict[str, _Gathered] = {}
    for line, row in read_rows(lines, ("case", "role", "idx", "value"), ("prior_spread",), faults):
        gathered = found.get(row["case"])
        if gathered is None:
            gathered = found[row["case"]] = _Gathered()
        _take(gathered, line, row["role"], row["idx"], measured(row["value"], line, faults), faults)
        _take_prior(gathered, line, row.get("prior_spread", ""), faults)
    if not found and not faults.told:
        faults.add(0, "it holds no case")
    faults.refuse()
    return [_case(name, gathered) for name, gathered in found.items()]


def _take(  # noqa: PLR0913, PLR0917 - the columns of a row
    gathered: _Gathered, line: int, role: str, index: str, value: float, faults: Faults
) -> None:
    values = gathered.values.get(role)
    if values is None:
        faults.add(line, f"the role {role[:40]!r} is none of {', '.join(ROLES)}")
        return
    if not (index.isdecimal() and len(index) < _MOST_DIGITS):
        faults.add(line, f"the idx {index[:40]!r} is no whole number from 0 on")
    elif int(index) in values:
        faults.add(line, f"{role} {index} of this case was there already")
    else:
        values[int(index)] = value


def _take_prior(gathered: _Gathered, line: int, text: str, faults: Faults) -> None:
    if text == gathered.prior_text:
        return
    if gathered.prior_text is not None:
        faults.add(line, f"the prior_spread {text or 'nothing'} was {gathered.prior_text} before")
        return
    gathered.prior_text = text
    gathered.prior_spread = prior_spread(text, line, faults) if text else None


def _case(name: str, gathered: _Gathered) -> Case:
    base, candidates, fresh = (gathered.values[role] for role in ROLES)
    screened = {CANDIDATE: {0: candidates[0]} if 0 in candidates else {}, BASE: base}
    for role, values in screened.items():
        bad = next((index for index in sorted(values) if math.isnan(values[index])), None)
        if bad is not None:
            return Case(name=name, baseline=(), candidates=(), fault=f"{role} {bad}")
    order = sorted(index for index in candidates if index > 0)
    paired = [index for index in order if index in fresh]
    looked_at = (
        [(f"pair {index}", fresh[index] + candidates[index]) for index in paired]
        if paired
        else [(f"{CANDIDATE} {index}", candidates[index]) for index in order]
    )
    good = next(
        (place for place, (_, value) in enumerate(looked_at) if math.isnan(value)), len(looked_at)
    )
    fault = looked_at[good][0] if good < len(looked_at) else ""
    return Case(
        name=name,
        baseline=tuple(base[index] for index in sorted(base)),
        candidates=(candidates[0],) if 0 in candidates else (),
        pairs=tuple((fresh[index], candidates[index]) for index in paired[:good]),
        repeats=() if paired else tuple(candidates[index] for index in order[:good]),
        fault=fault,
        prior_spread=gathered.prior_spread,
    )
