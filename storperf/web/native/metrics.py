"""The service in numbers for Prometheus: its text format is a few lines, and needs no library.

See https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4).
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from storperf.version import package_version
from storperf.web.served import Served

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """One metric with its samples, each labels and a value."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def metrics_text(by: Served) -> str:
    """Every metric of the service."""
    return "".join(f"{line}\n" for family in _families(by) for line in _lines(family))


def _families(by: Served) -> Iterable[_Family]:
    yield _Family(
        name="storperf_info",
        kind="gauge",
        help="The version that answers.",
        samples=(({"version": package_version()}, 1),),
    )
    yield _Family(
        name="storperf_runs",
        kind="gauge",
        help="Runs in the store.",
        samples=tuple(
            ({"state": state, "verdict": verdict or "none"}, count)
            for state, verdict, count in by.store.run_counts()
        ),
    )
    waiting = by.store.queue_counts()
    yield _Family(
        name="storperf_queue_entries",
        kind="gauge",
        help="Runs that were asked for, by what became of them.",
        samples=tuple(({"state": state.value}, count) for state, count in sorted(waiting.items())),
    )
    yield _plain(
        "storperf_event_listeners", "gauge", "Who listen to events now.", by.streams.listeners
    )
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield _plain("process_cpu_seconds_total", "counter", "CPU time.", used.ru_utime + used.ru_stime)
    yield _plain(
        "process_max_resident_memory_bytes",
        "gauge",
        "The most memory so far.",
        used.ru_maxrss * _KIB,
    )
    yield _plain("storperf_time_seconds", "gauge", "The server's clock.", time.time())


def _plain(name: str, kind: str, told: str, value: float) -> _Family:
    return _Family(name=name, kind=kind, help=told, samples=(({}, value),))


def _lines(family: _Family) -> Iterable[str]:
    yield f"# HELP {family.name} {family.help}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, value in family.samples:
        told = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        yield f"{family.name}{{{told}}} {value!r}" if told else f"{family.name} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
