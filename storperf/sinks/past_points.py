"""A stored trial's points, as it would have sent them, in seconds or coarser.

Points that a Graphite keeps no finer than ten seconds are merged here, from sums and histograms:
Carbon would keep the last second of each ten.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from storperf.model.interval import Interval, SensorSample
from storperf.model.run import Run, Trial
from storperf.sinks.entries import Slice, points_of
from storperf.sinks.everybody import ALL, Everybody
from storperf.sinks.paths import LIVE, HostSeries, RunSeries, StepSeries
from storperf.sinks.points import Point, point_of
from storperf.sinks.seconds import Place, SecondMerger, load_path, means_of
from storperf.stats.table import OPS, IntervalTable, SensorTable


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTrial:
    """A trial with its number in the run, from 1 on, and how many streams each direction has."""

    run: Run
    trial: Trial
    number: int
    streams: int

    def load_points(self, rows: Iterable[Interval], step_s: int) -> Iterator[Point]:
        """The points of every stream and of all together; rows come in the order of their ends."""
        for merged in coarser(self._slices(rows), step_s):
            yield from points_of(merged)

    def host_points(self, table: SensorTable, step_s: int) -> Iterator[Point]:
        """The points of every host's sensors."""
        begun: dict[str, list[SensorSample]] = {}
        for sample in _samples(table, self.trial):
            own = begun.setdefault(sample.agent, [])
            if own and _bucket(own[0].end_s, step_s) != _bucket(sample.end_s, step_s):
                yield from self._of_samples(own, step_s)
                own.clear()
            own.append(sample)
        for own in begun.values():
            yield from self._of_samples(own, step_s)

    def marks(self, seconds: Iterable[int]) -> Iterator[Point]:
        """What tells whose the seconds are."""
        lab, job = self.run.lab, self.run.job_name
        step = StepSeries(lab=lab, job=job, side=self.trial.side, step=self.trial.step_key)
        number = RunSeries(tree=LIVE, lab=lab, job=job, fact="trial")
        started = RunSeries(tree=LIVE, lab=lab, job=job, fact="started_s")
        for second in sorted(seconds):
            yield from point_of(number, self.number, second)
            yield from point_of(started, int(self.run.created_s), second)
            yield from point_of(step, self.trial.repeat, second)

    def _slices(self, rows: Iterable[Interval]) -> Iterator[Slice]:
        place = self._place
        merger = SecondMerger(place)
        paths = {op: load_path(place, ALL, ALL, op.value) for op in OPS}
        everybody = Everybody(self.streams, paths.__getitem__)
        for row in rows:
            yield from merger.feed(row)
            yield from everybody.feed(row)
        yield from (each for each in merger.flush() if isinstance(each, Slice))

    def _of_samples(self, samples: list[SensorSample], step_s: int) -> Iterator[Point]:
        for sensor, value in means_of(samples):
            series = HostSeries(**self._place._asdict(), agent=samples[0].agent, sensor=sensor)
            yield from point_of(series, value, _bucket(samples[0].end_s, step_s))

    @property
    def _place(self) -> Place:
        return Place(lab=self.run.lab, job=self.run.job_name, side=self.trial.side)


def coarser(slices: Iterable[Slice], step_s: int) -> Iterator[Slice]:
    """Slices of one second as slices of `step_s`: sums of sums, one histogram.

    A second that is given twice counts as it was the last time.
    """
    if step_s == 1:
        yield from slices
        return
    begun: dict[str, dict[int, Slice]] = {}
    for each in slices:
        own = begun.setdefault(each.path, {})
        if own and _bucket(min(own), step_s) != _bucket(each.second, step_s):
            yield _merged(list(own.values()), step_s)
            own.clear()
        own[each.second] = each
    for own in begun.values():
        yield _merged(list(own.values()), step_s)


def intervals_of(table: IntervalTable, trial: Trial) -> Iterator[Interval]:
    """The rows of a table as the manager received them."""
    for row in range(len(table)):
        first, last = int(table.bin_offset[row]), int(table.bin_offset[row + 1])
        values_ns = table.bin_value_ns[first:last].tolist()
        yield Interval(
            trial=trial.id,
            attempt=trial.attempt,
            agent=table.agents[int(table.agent[row])],
            target=int(table.target[row]),
            op=OPS[int(table.op[row])],
            index=int(table.index[row]),
            start_s=float(table.start_s[row]),
            end_s=float(table.end_s[row]),
            duration_s=float(table.duration_s[row]),
            ios=int(table.ios[row]),
            bytes=int(table.bytes[row]),
            clat_count=int(table.clat_count[row]),
            clat_sum_ns=float(table.clat_sum_ns[row]),
            slat_sum_ns=float(table.slat_sum_ns[row]),
            lat_sum_ns=float(table.lat_sum_ns[row]),
            bins=tuple(zip(values_ns, table.bin_count[first:last].tolist(), strict=True)),
        )


def _merged(own: list[Slice], step_s: int) -> Slice:
    bins: Counter[int] = Counter()
    for each in own:
        for value_ns, count in zip(each.bins[::2], each.bins[1::2], strict=True):
            bins[value_ns] += count
    return Slice(
        path=own[0].path,
        older="",
        second=_bucket(own[0].second, step_s),
        length_s=step_s,
        duration_s=sum(each.duration_s for each in own),
        ios=sum(each.ios for each in own),
        bytes=sum(each.bytes for each in own),
        clat_count=sum(each.clat_count for each in own),
        clat_sum_ns=sum(each.clat_sum_ns for each in own),
        slat_sum_ns=sum(each.slat_sum_ns for each in own),
        lat_sum_ns=sum(each.lat_sum_ns for each in own),
        bins=tuple(number for pair in sorted(bins.items()) for number in pair),
    )


def _samples(table: SensorTable, trial: Trial) -> Iterator[SensorSample]:
    for row in range(len(table)):
        yield SensorSample(
            trial=trial.id,
            agent=table.agents[int(table.agent[row])],
            start_s=float(table.start_s[row]),
            end_s=float(table.end_s[row]),
            # NaN is a figure that the host lacked.
            figures=tuple(
                (name, float(values[row]))
                for name, values in table.figures.items()
                if not math.isnan(values[row])
            ),
        )


def _bucket(second: float, step_s: int) -> int:
    return int(second) - int(second) % step_s
