"""What a trial's facts say of every host that was sampled, observed ones included.

Imported when the first trial has run: numpy is heavy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.engine.observation import why_lost
from storperf.engine.observer import Observer
from storperf.engine.records import of_attempt
from storperf.model.run import Trial
from storperf.stats.hosts import Gaps, HostSums, gaps, is_summed
from storperf.stats.table import IntervalTable
from storperf.store.intervals import iter_sensors, read_sensors
from storperf.units import render_duration

# A late sample is no gap: two of them, and a moment for the grid to begin.
_LATE_SAMPLES = 2
_LATE_S = 0.5
_OF_A_PROBE = ("probe", "samples", "failures", "skipped", "why")


def host_rows(
    context: RunContext,
    trial: Trial,
    agents: Sequence[Agent],
    table: IntervalTable,
    window_s: tuple[float, float] | None,
) -> list[dict[str, Any]]:
    """One row a host: means over the window, probes and gaps, as docs/reference has them.

    `table` holds the intervals of `agents`.  What is missing of an observed host is told as a note.
    """
    path = context.store.intervals_path(context.run_id, trial.id, trial.attempt)
    sums = HostSums(window_s)
    for samples in iter_sensors(path, is_summed):
        sums.add(samples)
    rows = [_row(context, trial, agent, sums, is_observed=False) for agent in agents]
    if not context.observers:
        return rows
    times = read_sensors(path, lambda _: False)
    span_s = (float(table.start_s.min()), float(table.end_s.max()))
    longest_s = _LATE_SAMPLES * context.job.sensors.interval_s + _LATE_S
    for observer in context.observers:
        missing = gaps(times, observer.name, span_s, longest_s)
        if missing:
            _tell(context, trial, observer, missing)
        row = _row(context, trial, observer.agent, sums, is_observed=True)
        rows.append({**row, "gaps_s": [list(each) for each in missing]})
    return rows


def _row(
    context: RunContext, trial: Trial, agent: Agent, sums: HostSums, *, is_observed: bool
) -> dict[str, Any]:
    return {
        "host": agent.name,
        "is_observed": is_observed,
        **asdict(sums.means(agent.name)),
        "probes": [asdict(each) for each in sums.probes(agent.name)],
        "probe_runs": _probe_runs(context, trial, agent),
        "gaps_s": [],
    }


def _probe_runs(context: RunContext, trial: Trial, agent: Agent) -> list[dict[str, Any]]:
    """How each probe went; of a plugin, the worst state it told of and its text then."""
    if not context.job.probes:
        return []
    worst: dict[str, dict[str, Any]] = {}
    runs: list[dict[str, Any]] = []
    for record in of_attempt(agent.journal, trial.id, trial.attempt):
        if record["kind"] == "probe" and "status" in record:
            known = worst.get(record["probe"], {}).get("status", -1)
            if record["status"] > known:
                worst[record["probe"]] = {key: record[key] for key in ("status", "text", "units")}
        elif record["kind"] == "probe_ended":
            runs.append({key: record[key] for key in _OF_A_PROBE})
    nothing = {"status": None, "text": None, "units": None}
    return [{**run, **worst.get(run["probe"], nothing)} for run in runs]


def _tell(context: RunContext, trial: Trial, observer: Observer, missing: Gaps) -> None:
    length_s = round(sum(end_s - start_s for start_s, end_s in missing), 1)
    why = "it was lost for a while" if observer.is_attached else why_lost(observer)
    context.announce.note(
        f"{observer.name}: nothing is known of {render_duration(length_s)} of {trial.id}: {why}"
    )
