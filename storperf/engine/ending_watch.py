"""Decides, while a trial runs, whether it may end: the rules of its ending, combined."""

from __future__ import annotations

import math
from typing import Protocol

from storperf.engine.round_sums import RoundSums
from storperf.engine.steady_watch import SteadyWatch, StorperfWatch, judged_amount
from storperf.engine.trial_end import AND
from storperf.model.ending import ConfidentRule, Ending, EndRule, Need
from storperf.model.interval import Interval
from storperf.model.job import Op, Workload
from storperf.stats.growing_means import GrowingMeans

# Each look is a chance to be wrong: 24 looks in an hour instead of 3300.
_LOOK_GROWTH = 1.1


class ConfidentWatch:
    """The confidence rule.  `is_met` is what the last look saw.

    Looks are made at `at_least` intervals and whenever there are a tenth more.
    """

    def __init__(
        self, workload: Workload, rule: ConfidentRule, interval_s: float, streams: int
    ) -> None:
        self._rule = rule
        self._sums = RoundSums(workload.ops, (judged_amount(workload),), interval_s, streams)
        self._means = {op: GrowingMeans() for op in workload.ops}
        self._count = 0
        self._next_look = rule.at_least
        self._half_widths: dict[Op, float | None] = {}
        self.is_met = False

    def feed(self, interval: Interval) -> None:
        """Take in the next interval of a stream."""
        for closed in self._sums.feed(interval):
            self._count += 1
            for op, (amount,) in closed.items():
                self._means[op].add(amount)
            if self._count >= self._next_look:
                self._next_look = math.ceil(self._count * _LOOK_GROWTH)
                self._look()

    def _look(self) -> None:
        # numpy takes 0.2 s to import: not before fio runs.
        import numpy as np

        from storperf.stats.confident import half_width_share

        self._half_widths = {
            op: half_width_share(np.array(each.means)) for op, each in self._means.items()
        }
        self.is_met = all(
            share is not None and share <= self._rule.half_width
            for share in self._half_widths.values()
        )

    def figures(self) -> list[dict[str, object]]:
        """What the last look saw; a share of None could not be told.  Empty before a look."""
        return [
            {"op": op.value, "half_width_share": share, "allowed": self._rule.half_width}
            for op, share in self._half_widths.items()
        ]


class _Watch(Protocol):
    """One rule at work: fed in the order of each stream, asked after each interval."""

    is_met: bool

    def feed(self, interval: Interval) -> None: ...


class EndingWatch:
    """All rules of an ending.

    `why` is empty while the trial is to go on, then it names the rules that were met, such as
    `steady+confident`.  `streams` counts agents x targets.  With `need: all` the rules have to
    be met at the same time: one that was met and is no longer counts as not met.
    """

    def __init__(self, workload: Workload, ending: Ending, interval_s: float, streams: int) -> None:
        self._need = ending.need
        self._storperf: StorperfWatch | None = None
        self._confident: ConfidentWatch | None = None
        self._watches: dict[EndRule, _Watch] = {}
        if ending.until_steady is not None:
            self._watches[EndRule.STEADY] = SteadyWatch(workload, ending.until_steady, streams)
        if ending.until_storperf is not None:
            self._storperf = StorperfWatch(workload, ending.until_storperf, streams)
            self._watches[EndRule.STORPERF] = self._storperf
        if ending.until_confident is not None:
            self._confident = ConfidentWatch(workload, ending.until_confident, interval_s, streams)
            self._watches[EndRule.CONFIDENT] = self._confident
        self.why = ""

    def feed(self, interval: Interval) -> None:
        """Take in the next interval of a stream; what comes after the decision changes nothing."""
        if self.why:
            return
        for watch in self._watches.values():
            watch.feed(interval)
        met = [name for name, watch in self._watches.items() if watch.is_met]
        if len(met) == len(self._watches) or (met and self._need is Need.ANY):
            self.why = AND.join(met)

    def figures(self) -> dict[str, object]:
        """What `storperf` and `confident` saw last; SNIA's figures are judged from the store."""
        found: dict[str, object] = {}
        if self._storperf is not None:
            found[EndRule.STORPERF.value] = self._storperf.figures()
        if self._confident is not None:
            found[EndRule.CONFIDENT.value] = self._confident.figures()
        return found
