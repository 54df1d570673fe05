"""How much is measured: `make bench`, or `make bench QUICK=1`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Counts and lengths of what the benches repeat; at least six, or there is no interval.

    `scratch` is a folder of these benches on a disk, where everything is made and left.
    """

    scratch: Path
    cpu_slices: int
    cpu_slice_s: float
    iops_rounds: int
    iops_trial_s: float
    commands: int
    starts: int
    runs: int
    run_workloads: str
    timings: int
    parsed_bytes: int
    log_rounds: int
    day_hours: int
    away_s: float
    live_s: int
    scale_agents: tuple[int, ...]
    scale_s: int
    scale_widest_s: int
    gates: int
    stagings: int
    served_runs: int
    asked_s: float
    listened_runs: int
    listened_s: int


def full(scratch: Path) -> Effort:
    """About half an hour."""
    return Effort(
        scratch=scratch,
        cpu_slices=10,
        cpu_slice_s=4.0,
        iops_rounds=20,
        iops_trial_s=3.0,
        commands=20,
        starts=10,
        runs=8,
        run_workloads="[rr, wr]",
        timings=11,
        parsed_bytes=100_000_000,
        log_rounds=10,
        day_hours=24,
        away_s=60.0,
        live_s=30,
        scale_agents=(10, 50, 100, 200),
        scale_s=10,
        scale_widest_s=60,
        gates=6,
        stagings=6,
        served_runs=10_000,
        asked_s=60.0,
        listened_runs=6,
        listened_s=10,
    )


def quick(scratch: Path) -> Effort:
    """About a quarter of an hour: wider intervals, the same goals."""
    return Effort(
        scratch=scratch,
        cpu_slices=6,
        cpu_slice_s=2.0,
        iops_rounds=6,
        iops_trial_s=1.5,
        commands=6,
        starts=6,
        runs=6,
        run_workloads="[rr]",
        timings=6,
        parsed_bytes=30_000_000,
        log_rounds=6,
        day_hours=4,
        away_s=10.0,
        live_s=10,
        scale_agents=(10, 50),
        scale_s=10,
        scale_widest_s=20,
        gates=6,
        stagings=6,
        served_runs=10_000,
        asked_s=20.0,
        listened_runs=6,
        listened_s=3,
    )
