"""Decides, while a trial runs, whether it has become steady.

numpy takes 0.2 s to import: it is imported with the first decision, when fio has run for a
while, and never for a trial of fixed length.
"""

from __future__ import annotations

from storperf.engine.round_sums import RoundSums
from storperf.model.ending import SteadyRule, StorperfRule
from storperf.model.interval import Interval
from storperf.model.job import Op, Workload

_AMOUNTS = {"iops": "ios", "bandwidth": "bytes"}


def judged_amount(workload: Workload) -> str:
    """The field of an Interval that the workload's judged figure is counted in."""
    return _AMOUNTS[workload.judged_metric]


class SteadyWatch:
    """SNIA's rule.  Feed it intervals; `is_met` says whether the last window was steady.

    Each direction is judged by itself, on the sum over all streams (agents x targets).
    """

    def __init__(self, workload: Workload, rule: SteadyRule, streams: int) -> None:
        self._ops = workload.ops
        self._rule = rule
        self._sums = RoundSums(self._ops, (judged_amount(workload),), rule.round_s, streams)
        self.rounds: dict[Op, list[float]] = {op: [] for op in self._ops}
        self.is_met = False

    def feed(self, interval: Interval) -> None:
        """Take in the next interval of a stream."""
        looks = []
        for closed in self._sums.feed(interval):
            for op, (amount,) in closed.items():
                values = [*self.rounds[op], amount / self._rule.round_s]
                self.rounds[op] = values[-self._rule.rounds :]
            looks.append(all(map(self._is_window_steady, self._ops)))
        # A long interval may close several rounds; a steady window among them is not missed.
        if looks:
            self.is_met = any(looks)

    def _is_window_steady(self, op: Op) -> bool:
        from storperf.stats.steady import snia_window  # late, see above

        values = self.rounds[op]
        # Storage that hung for the whole window stood still, but is not steady.
        if len(values) < self._rule.rounds or not any(values):
            return False
        return snia_window(values, self._rule).is_steady


class StorperfWatch:
    """The earlier StorPerf's rule: mean latency, IOPS and bandwidth, averaged since the start.

    It is told apart from the original in three ways: latency is the mean over all I/Os, where
    the original averaged the agents' means; a direction that the workload has not is not
    looked at, where the original found its zeros steady; one that it has and that does
    nothing is never steady.
    """

    def __init__(self, workload: Workload, rule: StorperfRule, streams: int) -> None:
        self._ops = workload.ops
        self._rule = rule
        columns = ("ios", "bytes", "lat_sum_ns", "clat_count")
        self._sums = RoundSums(self._ops, columns, rule.sample_s, streams)
        self._totals: dict[Op, tuple[float, ...]] = {op: (0.0,) * len(columns) for op in self._ops}
        self._count = 0
        self.samples: dict[tuple[Op, str], list[float]] = {}
        self.is_met = False

    def feed(self, interval: Interval) -> None:
        """Take in the next interval of a stream."""
        for closed in self._sums.feed(interval):
            self._count += 1
            for op, amounts in closed.items():
                self._totals[op] = tuple(
                    total + amount for total, amount in zip(self._totals[op], amounts, strict=True)
                )
                self._sample(op)
            self.is_met = self._is_window_steady()

    def _sample(self, op: Op) -> None:
        ios, size_bytes, lat_sum_ns, count = self._totals[op]
        elapsed_s = self._count * self._rule.sample_s
        now = {
            "iops": ios / elapsed_s,
            "bandwidth": size_bytes / elapsed_s,
            "lat_mean": lat_sum_ns / count if count else 0.0,
        }
        for metric, value in now.items():
            samples = [*self.samples.get((op, metric), ()), value]
            self.samples[op, metric] = samples[-self._rule.samples :]

    def _is_window_steady(self) -> bool:
        from storperf.stats.storperf_rule import storperf_window  # late, see above

        if self._count < self._rule.samples or not all(ios for ios, *_ in self._totals.values()):
            return False
        return all(storperf_window(each, self._rule).is_steady for each in self.samples.values())

    def figures(self) -> list[dict[str, object]]:
        """The last window as the earlier StorPerf would have reported it; empty before one."""
        from storperf.stats.storperf_rule import storperf_window  # late, see above

        if self._count < self._rule.samples:
            return []
        windows = {place: storperf_window(each, self._rule) for place, each in self.samples.items()}
        return [
            {
                "op": op.value,
                "metric": metric,
                "average": window.average,
                "range": window.range,
                "slope": window.slope,
                "is_steady": window.is_steady,
            }
            for (op, metric), window in windows.items()
        ]
