"""What the hosts did during a trial, as the small tables of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from storperf.model.run import Trial
from storperf.units import render_bytes, render_count, render_duration, render_rate

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
# A table is for reading; of more hosts the result document has them.
MOST_HOSTS = 20


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


_COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    "cpu_busy": ("CPU busy", _percent),
    "cpu_iowait": ("iowait", _percent),
    "cpu_steal": ("steal", _percent),
    "cpu_pressure": ("CPU pressure", _percent),
    "device_busy": ("device busy", _percent),
    "receive_bytes_per_s": ("received", render_rate),
    "transmit_bytes_per_s": ("sent", render_rate),
    "memory_available_bytes": ("memory available", render_bytes),
    "load_1m": ("load", render_count),
}


def host_tables(trial: Trial) -> dict[str, Any] | None:
    """The rows of the trial's hosts and probes, and what else must be said; None without any."""
    hosts: Any = trial.facts.get("hosts")
    if not isinstance(hosts, list) or not hosts:
        return None
    shown = hosts[:MOST_HOSTS]
    return {
        "columns": [heading for heading, _ in _COLUMNS.values()],
        "rows": [
            {
                "host": host["host"],
                "cells": [
                    "-" if host.get(key) is None else render(host[key])
                    for key, (_, render) in _COLUMNS.items()
                ],
            }
            for host in shown
        ],
        "probes": [
            {
                "host": host["host"],
                "figure": each["figure"],
                "cells": [
                    *(f"{each[key]:.4g}" for key in ("mean", "lowest", "highest")),
                    str(each["samples"]),
                ],
            }
            for host in shown
            for each in host["probes"]
        ],
        "sentences": [sentence for host in shown for sentence in _sentences(host)],
    }


def _sentences(host: dict[str, Any]) -> Iterator[str]:
    missing_s = sum(end_s - start_s for start_s, end_s in host["gaps_s"])
    if missing_s:
        yield f"{host['host']}: nothing is known of {render_duration(round(missing_s, 1))}."
    for run in host["probe_runs"]:
        who = f"{host['host']}, probe {run['probe']}"
        if run["failures"]:
            tried = run["failures"] + run["samples"]
            yield f"{who}: {run['failures']} of {tried} samples failed, first: {run['why']}"
        if run["status"]:
            yield f"{who}: {STATES[run['status']]}: {run['text']}"
