"""Findings about what else is at work just now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storperf.model.finding import Finding, Level
from storperf.units import render_rate

Facts = dict[str, Any]

# fio needs the CPUs that others leave; at a quarter it begins to wait, at four fifths it does.
_CPU_BUSY = 0.25
_CPU_FULL = 0.80
_DEVICE_BUSY = 0.05
_DEVICE_FULL = 0.50
_PRESSURE = 0.10
_QUIET = "wait until it is done, or end it"


def activity_findings(activity: Facts) -> Iterator[Finding]:
    """CPU, devices under the targets, pressure, another fio."""
    yield _cpu(activity)
    for name, figures in sorted(activity["devices"].items()):
        yield _device(name, figures, activity["interval_s"])
    yield _pressure(activity["pressure"])
    yield _other_fio(activity["fio_pids"])


def _finding(check: str, level: Level, text: str, why: str, remedy: str = "") -> Finding:
    return Finding(
        check=check,
        level=level,
        found=text,
        why=why,
        remedy="" if level is Level.OK else remedy,
        spoils=level is Level.WARNING,
    )


def _level(share: float, busy: float, full: float) -> Level:
    if share >= full:
        return Level.PROBLEM
    return Level.WARNING if share >= busy else Level.OK


def _cpu(activity: Facts) -> Finding:
    why = "a CPU that fio has to wait for is measured as if the storage were slow"
    busy = activity["cpu"].get("busy_share")
    if busy is None:
        return _finding("CPU", Level.NOT_KNOWN, "not known", why)
    text = f"{busy:.0%} busy, load {activity['load_1m']:.2f}"
    names = [f"{each['name']} ({each['pid']}) {each['cores']:g}" for each in activity["processes"]]
    if names:
        text += f"; cores in use: {', '.join(names)}"
    return _finding("CPU", _level(busy, _CPU_BUSY, _CPU_FULL), text, why, _QUIET)


def _device(name: str, figures: Facts, interval_s: float) -> Finding:
    why = "the device serves others at the same time; their I/O takes from the figures"
    rate = figures["read_bytes_per_s"] + figures["write_bytes_per_s"]
    operations = figures["reads_per_s"] + figures["writes_per_s"]
    text = (
        f"{name} busy {min(1.0, figures['busy_share']):.0%} of {interval_s:.1f} s: "
        f"{operations:.0f} operations/s, {render_rate(rate)}"
    )
    level = _level(figures["busy_share"], _DEVICE_BUSY, _DEVICE_FULL)
    return _finding("device use", level, text, why, f"{_QUIET} (iotop and fatrace name it)")


def _pressure(pressure: Facts) -> Finding:
    why = "programs wait for what fio will need as well"
    if not pressure:
        text = "this kernel keeps no account of waiting (CONFIG_PSI, psi=1)"
        return _finding("pressure", Level.NOT_KNOWN, text, why)
    parts = [f"{kind} {share:.0%}" for kind, share in sorted(pressure.items())]
    level = Level.WARNING if max(pressure.values()) >= _PRESSURE else Level.OK
    text = f"of the time somebody waited for: {', '.join(parts)}"
    return _finding("pressure", level, text, why, _QUIET)


def _other_fio(pids: list[int]) -> Finding:
    why = "two measurements at once measure each other"
    if not pids:
        return _finding("other fio", Level.OK, "none runs", why)
    text = f"{len(pids)} processes named fio (pid {', '.join(map(str, pids[:5]))}"
    text += ", ...)" if len(pids) > 5 else ")"
    return _finding("other fio", Level.WARNING, text, why, _QUIET)
