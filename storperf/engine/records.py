"""An agent's journal records as the model's values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storperf.model.interval import Interval, SensorSample
from storperf.model.job import Op
from storperf.remote.journal_copy import JournalCopy

Record = dict[str, Any]


# The kinds of records that hold figures of a host.
SAMPLES = ("sensors", "probe")


def interval_of(agent: str, record: Record, offset_s: float = 0.0) -> Interval | None:
    """The interval in an `interval` record; None for one inside fio's ramp time.

    `offset_s` is what the agent's clock is ahead of the manager's.
    """
    if record.get("ramp"):
        return None
    bins = record["bins"]
    return Interval(
        trial=record["trial"],
        attempt=record["attempt"],
        agent=agent,
        target=record["target"],
        op=Op(record["op"]),
        index=record["index"],
        start_s=record["start_s"] - offset_s,
        end_s=record["end_s"] - offset_s,
        duration_s=record["duration_s"],
        ios=record["ios"],
        bytes=record["bytes"],
        clat_count=record["clat_count"],
        clat_sum_ns=record["clat_sum_ns"],
        slat_sum_ns=record["slat_sum_ns"],
        lat_sum_ns=record["lat_sum_ns"],
        bins=tuple(zip(bins[::2], bins[1::2], strict=True)),
    )


def sample_of(agent: str, record: Record, offset_s: float = 0.0) -> SensorSample:
    """The sample in a `sensors` or `probe` record; `offset_s` as for an interval."""
    return SensorSample(
        trial=record["trial"],
        agent=agent,
        start_s=record["start_s"] - offset_s,
        end_s=record["end_s"] - offset_s,
        figures=tuple(record["figures"].items()),
        probe=record.get("probe"),
    )


def of_attempt(journal: JournalCopy, trial: str, attempt: int) -> Iterator[Record]:
    """The records of one attempt, up to its end."""
    for record in journal.since(trial, attempt):
        if record.get("trial") == trial and record.get("attempt") == attempt:
            yield record
            if record["kind"] == "trial_ended":
                return
