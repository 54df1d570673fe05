"""What our dashboards show, as data: boards of panels of lines, made of the names of our series.

`grafana` and `web_dashboards` write the same boards in their own forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from storperf.model.metric import METRICS
from storperf.sinks.paths import LIVE, PREFIX, SUMMARY
from storperf.sinks.series_names import LIVE_FACTS, SUMMARY_FACTS

# Parts of a path, counted from its end, so that a long name in front of them does no harm.
_METRIC, _OP, _TARGET, _AGENT, _SIDE = -1, -2, -3, -4, -5
_STEP = -3


class Unit(StrEnum):
    """What a panel's numbers are."""

    IOPS = "IOPS"
    BYTES_PER_S = "bytes/s"
    NS = "latency"
    CORES = "cores"
    SHARE = "share of time"
    BYTES = "bytes"
    COUNT = "count"
    CODE = "number"


class Kind(StrEnum):
    """How the series of a pattern become lines."""

    EACH = "each"
    SUM = "sum"
    MAX = "max"
    RANGE = "range"
    ONE = "one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Series of a pattern in which `{lab}` and `{job}` stand for names.

    Each by itself, named by its `parts`; those that share a part added up, or their largest; or
    the fastest less the slowest of such sums, and `ONE`, which have a `label`.
    """

    pattern: str
    kind: Kind = Kind.EACH
    parts: tuple[int, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture; `is_sparse` for a point a run, which is drawn as a point with lines between."""

    title: str
    unit: Unit
    lines: tuple[Line, ...]
    is_sparse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard; it shows the last `span_s` and is drawn anew each `refresh_s`."""

    name: str
    title: str
    span_s: int
    refresh_s: int
    panels: tuple[Panel, ...]


def boards() -> tuple[Board, ...]:
    """Live run, run history, agents compared, cluster load."""
    return (
        Board(name="live", title="Live run", span_s=900, refresh_s=5, panels=_live()),
        Board(
            name="history", title="Run history", span_s=90 * 86400, refresh_s=300, panels=_history()
        ),
        Board(name="agents", title="Agents compared", span_s=900, refresh_s=5, panels=_agents()),
        Board(name="cluster", title="Cluster load", span_s=900, refresh_s=5, panels=_cluster()),
    )


def _live() -> tuple[Panel, ...]:
    def each(metric: str) -> tuple[Line, ...]:
        return (Line(pattern=_load(metric), parts=(_SIDE, _AGENT, _TARGET, _OP)),)

    return (
        Panel(title="IOPS", unit=Unit.IOPS, lines=each("iops")),
        Panel(title="Bandwidth", unit=Unit.BYTES_PER_S, lines=each("bandwidth")),
        Panel(title="Mean latency (clat)", unit=Unit.NS, lines=each("clat_mean")),
        Panel(title="99th percentile of latency (clat)", unit=Unit.NS, lines=each("clat_p99")),
        Panel(title="99.9th percentile of latency (clat)", unit=Unit.NS, lines=each("clat_p99_9")),
        Panel(title="Largest latency (clat)", unit=Unit.NS, lines=each("clat_max")),
        Panel(
            title="Which step: its repeat",
            unit=Unit.CODE,
            lines=(Line(pattern=_place(LIVE, "*", "step", "*"), parts=(-3, -1)),),
        ),
        Panel(
            title="Which trial of the run",
            unit=Unit.CODE,
            lines=(Line(pattern=_fact(LIVE, "trial"), kind=Kind.ONE, label="number of the trial"),),
        ),
    )


def _history() -> tuple[Panel, ...]:
    def each(metric: str) -> tuple[Line, ...]:
        pattern = _place(SUMMARY, "*", "*", "*", _known(metric))
        return (Line(pattern=pattern, parts=(_STEP, _OP)),)

    def fact(name: str, label: str) -> tuple[Line, ...]:
        return (Line(pattern=_fact(SUMMARY, name), kind=Kind.ONE, label=label),)

    figures = (
        Panel(title="IOPS of each run", unit=Unit.IOPS, lines=each("iops")),
        Panel(title="Bandwidth", unit=Unit.BYTES_PER_S, lines=each("bandwidth")),
        Panel(title="Mean latency (clat)", unit=Unit.NS, lines=each("clat_mean")),
        Panel(title="99th percentile of latency (clat)", unit=Unit.NS, lines=each("clat_p99")),
        Panel(title="99.9th percentile of latency (clat)", unit=Unit.NS, lines=each("clat_p99_9")),
        Panel(
            title="Exit code: 0 pass, 1 fail, 3 inconclusive, 4 infrastructure",
            unit=Unit.CODE,
            lines=fact("exit_code", "exit code"),
        ),
        Panel(
            title="1: the run entered the baseline",
            unit=Unit.CODE,
            lines=fact("enters_baseline", "entered the baseline"),
        ),
    )
    return tuple(
        Panel(title=each.title, unit=each.unit, lines=each.lines, is_sparse=True)
        for each in figures
    )


def _agents() -> tuple[Panel, ...]:
    def grouped(metric: str, kind: Kind) -> tuple[Line, ...]:
        return (Line(pattern=_load(metric), kind=kind, parts=(_AGENT,)),)

    apart = Line(
        pattern=_load("iops"), kind=Kind.RANGE, parts=(_AGENT,), label="fastest less slowest"
    )
    return (
        Panel(title="IOPS of each agent", unit=Unit.IOPS, lines=grouped("iops", Kind.SUM)),
        Panel(
            title="Bandwidth of each agent",
            unit=Unit.BYTES_PER_S,
            lines=grouped("bandwidth", Kind.SUM),
        ),
        Panel(
            title="99th percentile of latency (clat), the worst of an agent's targets",
            unit=Unit.NS,
            lines=grouped("clat_p99", Kind.MAX),
        ),
        Panel(
            title="Largest latency (clat) of each agent",
            unit=Unit.NS,
            lines=grouped("clat_max", Kind.MAX),
        ),
        Panel(title="How far the agents' IOPS are apart", unit=Unit.IOPS, lines=(apart,)),
        Panel(title="CPU in use", unit=Unit.CORES, lines=_cpu_in_use()),
    )


def _cluster() -> tuple[Panel, ...]:
    def grouped(sensor: str, kind: Kind = Kind.SUM) -> tuple[Line, ...]:
        # Counted from the end: the agent stands two parts before the sensor's name.
        return (Line(pattern=_host(sensor), kind=kind, parts=(-2 - len(sensor.split(".")),)),)

    def each(sensor: str, *parts: int) -> tuple[Line, ...]:
        return (Line(pattern=_host(sensor), parts=parts),)

    return (
        Panel(title="CPU in use", unit=Unit.CORES, lines=_cpu_in_use()),
        Panel(
            title="CPU waiting for I/O, or taken by other machines",
            unit=Unit.CORES,
            lines=each("cpu.{{iowait,steal}}", _AGENT, -1),
        ),
        Panel(
            title="Disks: time with I/O in flight",
            unit=Unit.SHARE,
            lines=each("disk.*.busy", -5, -2),
        ),
        Panel(title="Disks: I/Os in flight", unit=Unit.COUNT, lines=each("disk.*.queue", -5, -2)),
        Panel(
            title="Disks: read and written",
            unit=Unit.BYTES_PER_S,
            lines=each("disk.*.{{read,write}}_bytes", -5, -2, -1),
        ),
        Panel(
            title="Network: received and sent",
            unit=Unit.BYTES_PER_S,
            lines=each("net.*.{{receive,transmit}}_bytes", -5, -2, -1),
        ),
        Panel(
            title="Time in which tasks waited for I/O, CPU or memory",
            unit=Unit.SHARE,
            lines=each("pressure.*.some", -5, -2),
        ),
        Panel(title="Memory available", unit=Unit.BYTES, lines=grouped("memory.available_bytes")),
    )


def _cpu_in_use() -> tuple[Line, ...]:
    pattern = _host("cpu.{{user,nice,system,irq,softirq,steal}}")
    return (Line(pattern=pattern, kind=Kind.SUM, parts=(_AGENT,)),)


def _load(metric: str) -> str:
    # Not the sums over all agents, which would count twice.
    return _place(LIVE, "*", "agent-*", "target-*", "*", _known(metric))


def _host(sensor: str) -> str:
    return _place(LIVE, "*", "agent-*", "host", sensor)


def _fact(tree: str, fact: str) -> str:
    if fact not in {LIVE: LIVE_FACTS, SUMMARY: SUMMARY_FACTS}[tree]:
        raise KeyError(fact)
    return _place(tree, "run", fact)


def _known(metric: str) -> str:
    return METRICS[metric].name


def _place(tree: str, *parts: str) -> str:
    return ".".join((PREFIX, tree, "{lab}", "{job}", *parts))
