"""From intervals and samples to entries, a second each.

Slices shorter than a second are merged as what they are: I/Os and bytes over the time they took,
histograms bucket by bucket; never an average of percentiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from storperf.model.interval import Interval, SensorSample
from storperf.model.job import Op
from storperf.sinks.entries import Entry, Fold, Points, Slice, slice_of
from storperf.sinks.paths import PREFIX, HostSeries, LoadSeries, render_path
from storperf.sinks.points import Point, is_time, point_of

_METRIC = "x"
Stream = tuple[str, int, Op]


class Place(NamedTuple):
    """Whose points they are."""

    lab: str
    job: str
    side: str


def load_path(place: Place, agent: str, target: str, op: str, prefix: str = PREFIX) -> str:
    """The path of a stream, without the metric."""
    series = LoadSeries(**place._asdict(), agent=agent, target=target, op=op, metric=_METRIC)
    return render_path(series, prefix).removesuffix(f".{_METRIC}")


class SecondMerger:
    """Collects what one run's agents report, by the second in which an interval ended.

    A second is given as soon as no other interval can end in it; should one do so all the same,
    it is given again, whole.  `older` gives the path of a stream in the older layout.
    """

    def __init__(
        self,
        place: Place,
        older: Callable[[str, int, Op], str] = lambda _agent, _target, _op: "",
        prefix: str = PREFIX,
    ) -> None:
        self._place = place
        self._prefix = prefix
        self._older = older
        self._streams: dict[Stream, _Second] = {}
        self._samples: dict[tuple[str, str | None], list[SensorSample]] = {}
        self._paths: dict[Stream, tuple[str, str]] = {}

    def feed(self, interval: Interval) -> tuple[Slice, ...]:
        """The seconds of the interval's stream that are over now, oldest first."""
        if not is_time(interval.end_s):
            return ()
        stream = (interval.agent, interval.target, interval.op)
        second = int(interval.end_s)
        found: list[Slice] = []
        begun = self._streams.get(stream)
        if begun is None or begun.second != second:
            found += self._given(stream, begun)
            begun = self._streams[stream] = _Second(second)
        begun.slices.append(interval)
        begun.is_given = False
        if int(interval.end_s + interval.end_s - interval.start_s) > second:
            found += self._given(stream, begun)
        return tuple(found)

    def feed_sample(self, sample: SensorSample) -> tuple[Points, ...]:
        """The figures of an agent's host in the second before, once a later one has begun."""
        key = (sample.agent, sample.probe)
        known = self._samples.setdefault(key, [])
        if not known or int(known[0].end_s) == int(sample.end_s):
            known.append(sample)
            return ()
        self._samples[key] = [sample]
        return self._of_samples(known)

    def flush(self) -> tuple[Entry, ...]:
        """The last second of every stream and host."""
        streams, self._streams = self._streams, {}
        samples, self._samples = self._samples, {}
        return (
            *(each for stream, begun in streams.items() for each in self._given(stream, begun)),
            *(each for kept in samples.values() for each in self._of_samples(kept)),
        )

    def _given(self, stream: Stream, begun: _Second | None) -> Iterator[Slice]:
        if begun is None or begun.is_given:
            return
        begun.is_given = True
        if stream not in self._paths:
            agent, target, op = stream
            path = load_path(self._place, agent, f"target-{target}", op.value, self._prefix)
            self._paths[stream] = (path, self._older(agent, target, op))
        path, older = self._paths[stream]
        yield slice_of(path, older, begun.second, begun.slices)

    def _of_samples(self, samples: Sequence[SensorSample]) -> tuple[Points, ...]:
        last = samples[-1]
        points: list[Point] = []
        for sensor, value in means_of(samples):
            series = HostSeries(**self._place._asdict(), agent=last.agent, sensor=sensor)
            points += point_of(series, value, last.end_s, self._prefix)
        return (Points(fold=Fold.MEAN, points=tuple(points)),) if points else ()


@dataclass(slots=True)
class _Second:
    second: int
    slices: list[Interval] = field(default_factory=list)
    is_given: bool = False


def means_of(samples: Sequence[SensorSample]) -> Iterator[tuple[str, float]]:
    """Each sensor's mean over the samples, weighted by their time, which for a rate is exact.

    Samples of a probe count alike: how long its command took says nothing about its figures.
    """
    sums: dict[str, tuple[float, float]] = {}
    for sample in samples:
        length_s = 1.0 if sample.probe is not None else sample.end_s - sample.start_s
        for sensor, value in sample.figures:
            total, time_s = sums.get(sensor, (0.0, 0.0))
            sums[sensor] = (total + value * length_s, time_s + length_s)
    for sensor, (total, time_s) in sums.items():
        if time_s > 0:
            yield sensor, total / time_s
