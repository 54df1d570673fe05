"""A run's verdict in a few sentences: what changed, compared with what, by which rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from storperf.model.job import Job
from storperf.model.metric import METRICS
from storperf.model.run import Flag, Steadiness, Trial
from storperf.model.verdict import WHOLE_RUN, Check, CheckKind, Outcome, Reason
from storperf.stats.comparison import TAIL
from storperf.stats.needed import needed
from storperf.stats.screen import HARM
from storperf.stats.wording import change, count, figure_name, percent, signed

_UNCOMPARED = (Reason.NO_BASELINE, Reason.NOT_COMPARABLE)
_UNDECIDED = (Reason.SUSPICIOUS, Reason.TOO_FEW)


def strength(reason: Reason, checks: Sequence[Check]) -> str:
    """How much a pass says of the primary figures; empty for others, and without a comparison.

    Proven is a run whose primary figures all are; else what the least sure of them would have
    seen.
    """
    primary = [check for check in _compared(checks) if check.metric != TAIL]
    if reason.outcome is not Outcome.PASS or not primary:
        return ""
    if all(check.is_proven for check in primary):
        return f"proven within {HARM * 100:.0f} %"
    seen = [check.smallest_visible for check in primary if check.smallest_visible is not None]
    return f"nothing seen; would have seen {percent(max(seen))}" if seen else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a verdict's words lean on besides its checks.

    `trials` are the latest attempts that count; `noise` names the largest source of a check's
    noise; `unlike` says what is not as it was when the baseline was measured.
    """

    job: Job
    trials: Mapping[str, Trial]
    noise: Callable[[Check], str]
    unlike: str = ""


def verdict_sentence(words: Words, reason: Reason, checks: Sequence[Check]) -> str:
    """The verdict in words."""
    is_pass, trials = reason.outcome is Outcome.PASS, words.trials
    parts = list(_passed(reason, checks) if is_pass else _deciding(words, reason, checks))
    if words.unlike and _compared(checks):
        parts.append(words.unlike)
    unjudged = sum(
        trial.steadiness is not Steadiness.STEADY and Flag.BEFORE_WINDOW not in trial.flags
        for trial in trials.values()
    )
    if unjudged and (is_pass or reason in _UNCOMPARED):
        parts.append(f"Too short to tell whether it was steady: {count(unjudged, 'trial')}.")
    flags = {flag for trial in trials.values() for flag in trial.flags}
    if Flag.CLIENT_BOUND in flags:
        parts.append("An agent was busy: it, not the storage, may be what was measured.")
    if Flag.DISTURBED in flags:
        parts.append("Something else used an agent's CPU or device meanwhile.")
    return " ".join(parts)


def _compared(checks: Sequence[Check]) -> list[Check]:
    kinds = (CheckKind.BASELINE, CheckKind.PAIRS)
    return [check for check in checks if check.kind in kinds and check.change is not None]


def _deciding(words: Words, reason: Reason, checks: Sequence[Check]) -> Iterator[str]:
    """The first check with the run's reason, how many more there are, and what would settle it."""
    found = [check for check in checks if check.reason is reason]
    first = found[0]
    where = "" if first.step == WHOLE_RUN else f"{first.step}: "
    yield f"{where}{first.sentence}"
    if len(found) > 1:
        yield f"The same holds for {count(len(found) - 1, 'more check')}."
    if reason in _UNDECIDED:
        yield from filter(None, (needed(words.job, first), words.noise(first)))


def _passed(reason: Reason, checks: Sequence[Check]) -> Iterator[str]:
    limits = sum(check.kind is CheckKind.LIMIT for check in checks)
    compared = [check for check in checks if check.kind is CheckKind.BASELINE]
    paired = [check for check in checks if check.kind is CheckKind.PAIRS]
    if said := strength(reason, checks):
        yield f"{said[0].upper()}{said[1:]}."
    if limits:
        yield f"{count(limits, 'limit check')} kept."
    if paired:
        yield f"{count(len(paired), 'figure')} not worse than the reference's, in pairs."
    if compared:
        figures = count(len(compared), "figure")
        yield f"{figures} not worse than in {_earlier(compared)}, by the screen of single runs."
    elif not paired:
        yield "There was no baseline to compare with."
        return
    yield from _largest_change(checks)
    if compared:
        yield _visible(compared)
        bare = {check.step for check in checks} - {check.step for check in [*compared, *paired]}
        if bare:
            yield f"No baseline yet for {', '.join(sorted(bare))}."


def _earlier(compared: Sequence[Check]) -> str:
    """How many runs, and between which days they ended."""
    runs = [len(check.baseline_runs) for check in compared]
    fewest = f"{min(runs)} to " if min(runs) < max(runs) else ""
    words = f"{fewest}{count(max(runs), 'earlier run')}"
    begun = [check.baseline_from_s for check in compared if check.baseline_from_s is not None]
    ended = [check.baseline_until_s for check in compared if check.baseline_until_s is not None]
    if not begun or not ended:
        return words
    first, last = _day(min(begun)), _day(max(ended))
    return f"{words} ({first if first == last else f'{first} to {last}'})"


def _day(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d")


def _largest_change(checks: Sequence[Check]) -> Iterator[str]:
    primary = [check for check in _compared(checks) if check.metric != TAIL]
    if not primary:
        return
    largest = max(primary, key=lambda check: abs(check.change or 0.0))
    figure = figure_name(largest.op, largest.metric or "")
    interval = ""
    if largest.change_low is not None and largest.change_high is not None:
        low, high = signed(largest.change_low), signed(largest.change_high)
        interval = f" (95 % interval {low} to {high})"
    which = "The largest change" if len(primary) > 1 else "The change"
    yield f"{which}: {largest.step} {figure} {change(largest.change or 0.0)}{interval}."


def _visible(compared: Sequence[Check]) -> str:
    """How small a loss every comparison of the run would have seen; the worst of each metric."""
    worst_of: dict[str, float] = {}
    for check in compared:
        if check.metric is not None and check.smallest_visible is not None:
            known = worst_of.get(check.metric, 0.0)
            worst_of[check.metric] = max(known, check.smallest_visible)
    losses = []
    for name, loss in worst_of.items():
        bad = "lower" if METRICS[name].higher_is_better else "higher"
        losses.append(f"{METRICS[name].label} {percent(loss)} {bad}")
    return f"It would have seen, 4 times of 5: {', '.join(losses)}."
