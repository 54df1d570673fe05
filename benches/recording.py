"""A recording of fio for `replay_fio.py`: real status documents, second after second."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import Any

Document = dict[str, Any]

# fio 3.33, a mixed load of 40,000 I/Os a second, a document a second: 17 kB, of which most are
# the histograms of both directions.
_SAMPLE = Path(__file__).parents[1] / "tests/fixtures/fio/jsonplus_status-interval1_concat.json"
_WHOLE_SECONDS = 3
_OPS = ("read", "write")
_MEANS = ("slat_ns", "clat_ns", "lat_ns")
# Stands where the time stamp will be.
STAMP = 1111111111111


def write_recording(path: Path, seconds: int) -> int:
    """Documents of so many seconds, each padded to one length in bytes, which is given back.

    The seconds of the recorded load come again and again, and the counters go on: every
    document differs from the one before by what fio once measured within a second.
    """
    texts = [json.dumps(document, indent=2) + "\n" for document in _documents(seconds)]
    length = max(map(len, texts))
    path.write_text("".join(text.ljust(length, "\n") for text in texts), encoding="ascii")
    return length


def _documents(seconds: int) -> Iterator[Document]:
    nothing: Document = {"jobs": [{op: _nothing() for op in _OPS}]}
    recorded = [nothing, *_sample()]
    totals = {op: _nothing() for op in _OPS}
    for number, (before, now) in enumerate(islice(cycle(list(pairwise(recorded))), seconds)):
        document = json.loads(json.dumps(now))  # a copy to write into
        (job,) = document["jobs"]
        for op in _OPS:
            _add(totals[op], before["jobs"][0][op], now["jobs"][0][op])
            job[op] = {**job[op], **_rendered(totals[op], job[op]), "runtime": 1000 * (number + 1)}
        yield {**document, "timestamp_ms": STAMP}


def _sample() -> list[Document]:
    text, decoder, at = _SAMPLE.read_text(encoding="ascii"), json.JSONDecoder(), 0
    found = []
    for _ in range(_WHOLE_SECONDS):
        document, at = decoder.raw_decode(text, text.index("{", at))
        found.append(document)
    return found


def _nothing() -> dict[str, Any]:
    clat = {"N": 0, "mean": 0.0, "bins": {}}
    return {"total_ios": 0, "io_bytes": 0, **dict.fromkeys(_MEANS, clat)}


def _add(total: dict[str, Any], before: dict[str, Any], now: dict[str, Any]) -> None:
    """Add to a direction's counters what it did between two documents."""
    for name in ("total_ios", "io_bytes"):
        total[name] += now[name] - before[name]
    for name in _MEANS:
        total[name] = _sum(total[name], now[name], before[name])
    bins = dict(total["clat_ns"]["bins"])
    old = before["clat_ns"]["bins"]
    for value, count in now["clat_ns"]["bins"].items():
        bins[value] = bins.get(value, 0) + count - old.get(value, 0)
    total["clat_ns"] = {**total["clat_ns"], "bins": bins}


def _sum(total: dict[str, Any], now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Count and mean of all so far and of what came between two documents."""
    count = total["N"] + now["N"] - before["N"]
    sums = [each["mean"] * each["N"] for each in (total, now, before)]
    mean = (sums[0] + sums[1] - sums[2]) / count if count else 0.0
    return {**total, "N": count, "mean": mean}


def _rendered(total: dict[str, Any], recorded: dict[str, Any]) -> dict[str, Any]:
    """The counters in place of the recorded ones; what is beside them stays as it was."""
    means = {name: {**recorded[name], **total[name]} for name in _MEANS}
    for name in ("slat_ns", "lat_ns"):
        means[name].pop("bins", None)
    means["clat_ns"]["bins"] = dict(sorted(total["clat_ns"]["bins"].items(), key=_by_value))
    return {"total_ios": total["total_ios"], "io_bytes": total["io_bytes"], **means}


def _by_value(item: tuple[str, int]) -> int:
    return int(item[0])
