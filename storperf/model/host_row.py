"""What a host did during a trial, in one row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFigure:
    """One figure of a probe over the window; its samples count alike."""

    figure: str
    mean: float
    lowest: float
    highest: float
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMeans:
    """Means over the window; None is not known.

    CPU figures are shares of all cores; `cpu_pressure` is the share of time in which some task
    waited for a core, `device_busy` that of the busiest device,
    the network's bytes a second are those of the busiest interface.
    """

    cpu_busy: float | None = None
    cpu_iowait: float | None = None
    cpu_steal: float | None = None
    cpu_pressure: float | None = None
    device_busy: float | None = None
    receive_bytes_per_s: float | None = None
    transmit_bytes_per_s: float | None = None
    memory_available_bytes: float | None = None
    load_1m: float | None = None
