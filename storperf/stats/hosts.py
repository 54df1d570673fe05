"""What the hosts did during a trial, in one row each, and when nothing is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from storperf.model.host_row import HostMeans, ProbeFigure
from storperf.stats.table import PROBE, Floats, SensorTable

_BUSY = ("user", "nice", "system", "irq", "softirq")
_STATES = (*_BUSY, "idle", "iowait", "steal")
_PRESSURE = "pressure.cpu.some"
_PLAIN = (
    *("memory.available_bytes", "load.1m", _PRESSURE),
    *(f"cpu.{state}" for state in _STATES),
)


@dataclass(slots=True)
class _Sum:
    """One figure of one host so far."""

    weighted: float = 0.0
    weight: float = 0.0
    samples: int = 0
    lowest: float = np.inf
    highest: float = -np.inf

    def add(self, values: Floats, weights: Floats) -> None:
        self.weighted += float(values @ weights)
        self.weight += float(weights.sum())
        self.samples += len(values)
        self.lowest = min(self.lowest, float(values.min()))
        self.highest = max(self.highest, float(values.max()))

    @property
    def mean(self) -> float:
        return self.weighted / self.weight


def is_summed(figure: str) -> bool:
    """Whether a figure has a place in a host's row."""
    is_device = figure.startswith("disk.") and figure.endswith(".busy")
    is_network = figure.startswith("net.") and figure.endswith(("receive_bytes", "transmit_bytes"))
    return figure in _PLAIN or is_device or is_network or figure.startswith(PROBE)


@dataclass(slots=True)
class HostSums:
    """Takes in samples, table by table, and holds a few numbers a host.

    `window_s` are the first and last epoch second of what was kept; None is all of it.  Rates are
    weighted by the time of their slice.
    """

    window_s: tuple[float, float] | None
    _sums: dict[str, dict[str, _Sum]] = field(default_factory=dict)

    def add(self, table: SensorTable) -> None:
        """Take in the samples whose middle lies in the window."""
        middle = (table.start_s + table.end_s) / 2
        is_inside = np.ones(len(table), dtype=np.bool_)
        if self.window_s is not None:
            is_inside = (middle >= self.window_s[0]) & (middle <= self.window_s[1])
        lengths = table.end_s - table.start_s
        for number, name in enumerate(table.agents):
            own = is_inside & (table.agent == number)
            for figure, values in table.figures.items():
                known = own & np.isfinite(values)
                if is_summed(figure) and known.any():
                    is_probe = figure.startswith(PROBE)
                    weights = np.ones(int(known.sum())) if is_probe else lengths[known]
                    found = self._sums.setdefault(name, {}).setdefault(figure, _Sum())
                    found.add(values[known], weights)

    def means(self, host: str) -> HostMeans:
        """The means of a host; all of them None for one of which nothing is known."""
        means = {name: each.mean for name, each in self._of(host)}
        states = {state: means[name] for state in _STATES if (name := f"cpu.{state}") in means}
        cores = sum(states.values())
        busy = sum(states.get(state, 0.0) for state in _BUSY)
        return HostMeans(
            cpu_busy=_share(busy, cores),
            cpu_iowait=_share(states.get("iowait"), cores),
            cpu_steal=_share(states.get("steal"), cores),
            cpu_pressure=means.get(_PRESSURE),
            device_busy=_highest(means, "disk.", ".busy"),
            receive_bytes_per_s=_highest(means, "net.", ".receive_bytes"),
            transmit_bytes_per_s=_highest(means, "net.", ".transmit_bytes"),
            memory_available_bytes=means.get("memory.available_bytes"),
            load_1m=means.get("load.1m"),
        )

    def probes(self, host: str) -> tuple[ProbeFigure, ...]:
        """The figures of the host's probes, by name."""
        return tuple(
            ProbeFigure(
                figure=name.removeprefix(PROBE),
                mean=each.mean,
                lowest=each.lowest,
                highest=each.highest,
                samples=each.samples,
            )
            for name, each in self._of(host)
            if name.startswith(PROBE)
        )

    def _of(self, host: str) -> list[tuple[str, _Sum]]:
        sums = self._sums.get(host, {})
        return sorted((name, each) for name, each in sums.items() if each.weight > 0)


Gaps = tuple[tuple[float, float], ...]


def gaps(table: SensorTable, host: str, span_s: tuple[float, float], longest_s: float) -> Gaps:
    """Where a host has no sample for longer than `longest_s` within `span_s`; epoch seconds."""
    found: list[tuple[float, float]] = []
    covered_s = span_s[0]
    own = np.zeros(len(table), dtype=np.bool_)
    if host in table.agents:
        own = table.agent == table.agents.index(host)
    order = np.argsort(table.start_s[own], kind="stable")
    for start_s, end_s in zip(table.start_s[own][order], table.end_s[own][order], strict=True):
        if min(start_s, span_s[1]) - covered_s > longest_s:
            found.append((covered_s, float(min(start_s, span_s[1]))))
        covered_s = max(covered_s, float(end_s))
    if span_s[1] - covered_s > longest_s:
        found.append((covered_s, span_s[1]))
    return tuple(found)


def _share(part: float | None, whole: float) -> float | None:
    return None if part is None or not whole else part / whole


def _highest(means: Mapping[str, float], first: str, last: str) -> float | None:
    found = [mean for name, mean in means.items() if name.startswith(first) and name.endswith(last)]
    return max(found, default=None)
