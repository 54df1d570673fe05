"""Whether what was sent can be read: the last point of each series, how many there are of some."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from storperf.deadline import Deadline
from storperf.errors import GraphiteError
from storperf.sinks.graphite_web import GraphiteWeb, Rendered
from storperf.sinks.paths import LIVE, PREFIX
from storperf.sinks.witness import Sent

# So few that a busy graphite-web answers within a second.
_AT_ONCE = 100
_SAMPLE = 20
_NAMED = 20
_POLL_S = 0.2
_PATIENCE_S = 5.0
# Series whose last points are that close are asked for together.
_TOGETHER_S = 60
# A coarse point bears the time of its beginning: looked for ever further back.
_BACK_S = (2, 60, 600)
# No server of ours keeps single seconds longer than a day; older ones cannot be counted.
_COUNTED_S = 12 * 3600
_BY_THE_SECOND = f"{PREFIX}.{LIVE}."


class Confirmation(StrEnum):
    """What a read-back says."""

    COMPLETE = "complete"
    MISSING = "missing"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """`read` of `series` were there with their last point; `counted` had all of their points.

    `later` have a last point of a time to come, which Graphite shows when it has come.  `missing`
    names at most twenty of `missing_series`, each with what is wrong; `reason` says why
    nothing is confirmed.
    """

    state: Confirmation
    series: int
    read: int
    counted: int
    missing_series: int
    missing: tuple[str, ...]
    later: int = 0
    reason: str | None = None


def unconfirmed(series: int, reason: str) -> ReadBack:
    """Nothing is known, and why."""
    return ReadBack(
        state=Confirmation.UNCONFIRMED,
        series=series,
        read=0,
        counted=0,
        missing_series=0,
        missing=(),
        reason=reason,
    )


def read_back(
    web: str | None,
    sent: Mapping[str, Sent],
    deadline: Deadline,
    epoch: Callable[[], float] = time.time,
) -> ReadBack:
    """Look for what was sent until all of it is there, or the deadline."""
    if web is None:
        return unconfirmed(len(sent), "no address of graphite-web is known")
    now_s, offered = epoch(), len(sent)
    sent = {path: each for path, each in sent.items() if each.last <= now_s}
    reader = _Reader(GraphiteWeb(web, _PATIENCE_S), deadline)
    absent, unread = reader.last_points(sent)
    counted, short = reader.counts(_sample(sent, absent | unread))
    missing = [f"{path}: its last point, of {sent[path].last}" for path in sorted(absent)]
    missing += [f"{path}: {what}" for path, what in sorted(short.items())]
    state = Confirmation.UNCONFIRMED if unread or reader.fault else Confirmation.COMPLETE
    late = "there was no time to read all of it" if unread else None
    return ReadBack(
        state=Confirmation.MISSING if missing else state,
        series=offered,
        read=len(sent) - len(absent) - len(unread),
        counted=counted,
        missing_series=len(missing),
        missing=tuple(missing[:_NAMED]),
        later=offered - len(sent),
        reason=reader.fault or late,
    )


class _Reader:
    """Asks until the deadline, or the first `fault`."""

    def __init__(self, web: GraphiteWeb, deadline: Deadline) -> None:
        self.fault: str | None = None
        self._web = web
        self._deadline = deadline
        self._pause = threading.Event()

    def last_points(self, sent: Mapping[str, Sent]) -> tuple[set[str], set[str]]:
        """The series whose last point is not there, and those that could not be asked for."""
        unread = set(sent)
        absent: set[str] = set()
        steps = iter(_BACK_S)
        while wanted := unread | absent:
            back_s = next(steps, _BACK_S[-1])
            for paths in _groups(sent, wanted):
                found = self._with_last_point(sent, paths, back_s)
                if found is None:
                    return absent, unread
                unread.difference_update(found)
                absent.difference_update(found)
                if back_s >= _TOGETHER_S:
                    # Looked for where a point of a minute would be as well.
                    absent.update(unread.intersection(paths))
                    unread.difference_update(paths)
            if absent:
                self._pause.wait(min(_POLL_S, self._deadline.remaining_s()))
        return absent, unread

    def counts(self, sample: Mapping[str, Sent]) -> tuple[int, dict[str, str]]:
        """How many series have all of their points, and what is wrong with the others."""
        whole, short = 0, {}
        for path, sent in sample.items():
            found = self._ask([path], sent.first, sent.last)
            if found is None:
                break
            got = sum(len(each.points) for each in found)
            step_s = max((each.resolution_s or 1 for each in found), default=1)
            if got >= sent.count:
                whole += 1
            else:
                coarse = f", a point each {step_s} s" if step_s > 1 else ""
                short[path] = f"{got} of {sent.count} points{coarse}"
        return whole, short

    def _with_last_point(
        self, sent: Mapping[str, Sent], paths: Sequence[str], back_s: int
    ) -> set[str] | None:
        lasts = [sent[path].last for path in paths]
        found = self._ask(_targets(paths), min(lasts) - back_s, max(lasts))
        if found is None:
            return None
        return {
            each.path
            for each in found
            if each.path in sent and _has_second(each, sent[each.path].last)
        }

    def _ask(self, targets: Sequence[str], from_s: int, until_s: int) -> Sequence[Rendered] | None:
        """The answer; None when there is no time left or no answer."""
        if self._deadline.is_over or self.fault:
            return None
        try:
            return self._web.render(targets, from_s, until_s)
        except GraphiteError as error:
            self.fault = error.message
            return None


def _targets(paths: Iterable[str]) -> list[str]:
    """Series below one branch as one target: graphite-web looks for a target in its folders."""
    branches: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        branch, _, name = path.rpartition(".")
        branches[branch].append(name)
    return [
        f"{branch}.{names[0]}" if len(names) == 1 else f"{branch}.{{{','.join(names)}}}"
        for branch, names in branches.items()
    ]


def _has_second(found: Rendered, second: int) -> bool:
    """Whether a point stands for that second, or for a stretch in which it lies."""
    length_s = found.resolution_s or _BACK_S[-1]
    return any(at_s <= second < at_s + length_s for at_s, _ in found.points)


def _groups(sent: Mapping[str, Sent], paths: Iterable[str]) -> Iterable[list[str]]:
    """Series that are asked for together: their last points are close to each other."""
    near: dict[int, list[str]] = defaultdict(list)
    for path in sorted(paths):
        near[sent[path].last // _TOGETHER_S].append(path)
    for group in near.values():
        for first in range(0, len(group), _AT_ONCE):
            yield group[first : first + _AT_ONCE]


def _sample(sent: Mapping[str, Sent], absent: set[str]) -> dict[str, Sent]:
    """Some series that are to have a point a second, spread evenly over the names.

    Those of the older layout are kept as the server likes.
    """
    candidates = [
        path
        for path, each in sorted(sent.items())
        if path.startswith(_BY_THE_SECOND)
        and each.count > 1
        and path not in absent
        and each.last - each.first <= _COUNTED_S
    ]
    stride = max(1, len(candidates) // _SAMPLE)
    return {path: sent[path] for path in candidates[::stride][:_SAMPLE]}
