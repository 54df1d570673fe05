"""What a report's figures are drawn from: a trial's intervals in few numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from storperf.stats.cell_bins import CellBins, HeatSums
from storperf.stats.cells import Cells, cut, envelope, host_series
from storperf.stats.series import summed_columns
from storperf.stats.table import Floats, IntervalTable, SensorTable

MOST_POINTS = 300
MOST_HEAT_COLUMNS = 100
PERCENTILES = {"p50": 0.50, "p99": 0.99, "p99.9": 0.999}

_DIGITS = 4
_MOST_DEVICES = 2
_MOST_OBSERVED = 4
_BUSY_STATES = ("user", "nice", "system", "irq", "softirq")
_CPU_STATES = (*_BUSY_STATES, "idle", "iowait", "steal")
_PRESSURES = ("cpu", "io", "memory")
_SHOWN = (
    *(f"cpu.{each}" for each in _CPU_STATES),
    *(f"pressure.{each}.some" for each in _PRESSURES),
)

Traces = dict[str, Any]


def trial_traces(  # noqa: PLR0913 - what is drawn and how, by keyword
    rows: IntervalTable,
    pieces: Iterable[IntervalTable],
    sensors: SensorTable,
    *,
    interval_s: float,
    window_s: tuple[float, float] | None,
    devices: Sequence[str] = (),
) -> Traces:
    """Plain JSON values; times are seconds from the trial's first interval.

    `rows` may lack histograms; `pieces` are the same rows with them, gone through once.

    More than MOST_POINTS points become as many cells, each with its lowest, median and highest
    value; `cell_s` says how long they are.  Where nothing was measured a series has a None, and
    the line has a gap.  `window_s` is the kept part in epoch seconds; `devices` are the
    kernel's names of what is under the targets.
    """
    if len(rows) == 0:
        return {"ops": {}, "heat": {}, "host": {}, "observed": []}
    start_s = float(rows.start_s.min())
    measuring = [rows.agents[number] for number in np.unique(rows.agent)]
    series = {op: summed_columns(rows, op, ("ios", "bytes"), interval_s) for op in rows.ops()}
    drawn = {op: columns for op, columns in series.items() if len(columns[0])}
    cells = {op: cut(columns[0], interval_s, MOST_POINTS) for op, columns in drawn.items()}
    wide = {op: cut(columns[0], interval_s, MOST_HEAT_COLUMNS) for op, columns in drawn.items()}
    bins = {op: CellBins(op, each) for op, each in cells.items()}
    heats = {op: HeatSums(op, each, window_s) for op, each in wide.items()}
    for piece in pieces:
        for op in drawn:
            bins[op].add(piece)
            heats[op].add(piece)
    width_s = max((each.width_s for each in cells.values()), default=interval_s)
    return {
        "interval_s": interval_s,
        "cell_s": width_s,
        "end_s": round(float(rows.end_s.max()) - start_s, 3),
        "window_s": None if window_s is None else [round(each - start_s, 3) for each in window_s],
        "ops": {
            op.value: _op_traces(bins[op], columns, cells[op], start_s)
            for op, columns in drawn.items()
        },
        "heat": {op.value: _heat(heats[op], wide[op], start_s) for op in drawn},
        "host": _host(sensors.of(measuring), width_s, start_s, devices),
        "observed": [
            _observed(sensors.of([name]), name, width_s, start_s)
            for name in [each for each in sensors.agents if each not in measuring][:_MOST_OBSERVED]
        ],
    }


def _op_traces(bins: CellBins, columns: tuple[Floats, ...], cells: Cells, start_s: float) -> Traces:
    times = cells.middles_s() - start_s
    iops, bandwidth = (envelope(column, cells) for column in columns[1:])
    lines = {
        "iops": iops.median,
        "iops_low": iops.low,
        "iops_high": iops.high,
        "bandwidth": bandwidth.median,
        "bandwidth_low": bandwidth.low,
        "bandwidth_high": bandwidth.high,
    }
    if cells.width_s == cells.interval_s:  # one point a cell: low and high are the same
        lines = {name: line for name, line in lines.items() if "_" not in name}
    found = bins.percentiles(tuple(PERCENTILES.values()))
    lines |= dict(zip(PERCENTILES, found, strict=True))
    return with_gaps(times, lines, 1.5 * cells.width_s)


def _heat(heat: HeatSums, cells: Cells, start_s: float) -> Traces | None:
    found = heat.heat_map()
    if not len(found.counts):
        return None
    return {
        "cell_s": cells.width_s,
        "t": [round(each - start_s, 3) for each in cells.middles_s().tolist()],
        "edges_s": shortened(found.edges_ns / 1e9),
        "counts": found.counts.tolist(),
        "kept": found.kept.tolist(),
    }


def is_drawn(figure: str) -> bool:
    """Whether a host figure is looked at; of the many that there are, few are."""
    return figure in _SHOWN or (figure.startswith("disk.") and figure.endswith(".busy"))


def _host(sensors: SensorTable, width_s: float, start_s: float, devices: Sequence[str]) -> Traces:
    figures = {
        f"{panel} {label}": 100 * values
        for panel, label, values in _host_figures(sensors, devices)
        if np.any(np.isfinite(values))
    }
    times, series = host_series(sensors, figures, width_s)
    return with_gaps(times - start_s, series, _widest_s(sensors, width_s)) if series else {}


def _widest_s(sensors: SensorTable, width_s: float) -> float:
    """How far two samples may be apart without a gap between them.

    Hosts are sampled on a grid of their own, which may be coarser than fio's reports.
    """
    return 2.5 * max(width_s, float(np.median(sensors.end_s - sensors.start_s)))


def _observed(sensors: SensorTable, name: str, width_s: float, start_s: float) -> Traces:
    """What an observed host did, in the lines that tell most: its processors and its devices."""
    figures = {
        f"{name} {panel} {label}": 100 * values
        for panel, label, values in _host_figures(sensors, ())
        if label.endswith("busy") and np.any(np.isfinite(values))
    }
    times, series = host_series(sensors, figures, width_s)
    return with_gaps(times - start_s, series, _widest_s(sensors, width_s)) if series else {}


def _host_figures(
    sensors: SensorTable, devices: Sequence[str]
) -> Iterable[tuple[str, str, Floats]]:
    """Panel, label and the share of time (0 to 1) of each host figure that is shown."""
    figures = sensors.figures
    states = [figures[name] for state in _CPU_STATES if (name := f"cpu.{state}") in figures]
    if states:
        total = np.nansum(states, axis=0)
        total = np.where(total > 0, total, np.nan)
        busy = [figures[name] for each in _BUSY_STATES if (name := f"cpu.{each}") in figures]
        yield "cpu", "busy", np.nansum(busy, axis=0) / total
        for state in ("iowait", "steal"):
            if f"cpu.{state}" in figures:
                yield "cpu", state, figures[f"cpu.{state}"] / total
    for name in _shown_devices(figures, devices):
        yield "wait", f"{name} busy", figures[f"disk.{name}.busy"]
    for kind in _PRESSURES:
        if f"pressure.{kind}.some" in figures:
            yield "wait", f"{kind} pressure", figures[f"pressure.{kind}.some"]


def _shown_devices(figures: dict[str, Floats], devices: Sequence[str]) -> list[str]:
    """The devices under the targets; where that is not known, the busiest."""
    names = [name.split(".")[1] for name in figures if name.startswith("disk.")]
    known = [name for name in dict.fromkeys(names) if f"disk.{name}.busy" in figures]
    of_targets = [name for name in known if name.startswith("target-")]
    if of_targets:
        return of_targets
    ours = [name for name in known if name in {each.replace(".", "_") for each in devices}]
    if ours:
        return ours
    busy = {name: float(np.nansum(figures[f"disk.{name}.busy"])) for name in known}
    return [name for name in sorted(known, key=lambda each: -busy[each]) if busy[name] > 0][
        :_MOST_DEVICES
    ]


def with_gaps(times: Floats, lines: dict[str, Floats], widest_s: float) -> Traces:
    """`t` and the lines with a None wherever two times lie more than `widest_s` apart."""
    breaks = np.flatnonzero(np.diff(times) > widest_s) + 1
    between = (times[breaks - 1] + times[breaks]) / 2 if len(breaks) else np.zeros(0)
    return {
        "t": [round(each, 3) for each in np.insert(times, breaks, between).tolist()],
        **{name: shortened(np.insert(line, breaks, np.nan)) for name, line in lines.items()},
    }


def shortened(values: Floats) -> list[float | None]:
    """Four significant digits are more than a screen shows; None for what is not known."""
    return [_short(value) for value in values.tolist()]


def _short(value: float) -> float | None:
    if not np.isfinite(value):
        return None
    short = float(f"{value:.{_DIGITS}g}") if abs(value) < 10**_DIGITS else float(round(value))
    return int(short) if short.is_integer() else short
