"""Everything known of a run but its intervals: what reports are rendered from."""

from __future__ import annotations

from dataclasses import dataclass, field

from storperf.model.job import Job, Plan
from storperf.model.run import Run, Summary, Trial
from storperf.model.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A run with its plan, every attempt, the latest attempts' summaries, and the verdict.

    `verdict` is None when the run ended before it was judged.  `environment` and `sinks`
    hold plain facts by name (agent, sink).
    """

    run: Run
    job: Job
    plan: Plan
    trials: tuple[Trial, ...]
    summaries: tuple[Summary, ...]
    verdict: Verdict | None
    environment: dict[str, object] = field(default_factory=dict)
    sinks: dict[str, object] = field(default_factory=dict)
