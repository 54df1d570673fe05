"""How fast fio's documents are read: whole files on the manager, one by one on the agent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from effort import Effort
from figure import BenchError, Figure
from noise import median_figure, ratio_figure

from storperf.agent.counters import CounterDiffer
from storperf.agent.documents import DocumentSplitter
from storperf.fio.parse import Document, iter_documents

# Real output of fio 3.33: four documents of a mixed load, 480 histogram bins in the last one.
_SAMPLE = Path(__file__).parents[1] / "tests/fixtures/fio/jsonplus_status-interval1_concat.json"
_MB = 1e6
# As much as the agent reads at once.
_CHUNK = 1 << 18
_AGENT_PASSES = 50


def measure(effort: Effort) -> list[Figure]:
    """Concatenated json+ documents, in rounds: storperf's reader, json of Python, reading alone."""
    sample = _SAMPLE.read_bytes().rstrip() + b"\n"
    in_sample = sum(1 for part in iter_documents(sample) if isinstance(part, Document))
    copies = max(1, effort.parsed_bytes // len(sample))
    path = effort.scratch / "documents.json"
    path.write_bytes(sample * copies)
    content = path.read_bytes()
    expected = in_sample * copies

    def ours() -> None:
        found = sum(1 for part in iter_documents(content) if isinstance(part, Document))
        _require(found, expected)

    def standard_library() -> None:
        _require(_raw_decode(content.decode("ascii")), expected)

    def read_alone() -> None:
        with path.open("rb", buffering=0) as source:
            _require(sum(map(len, iter(lambda: source.read(_CHUNK), b""))), len(content))

    rounds = [
        tuple(_took_s(act) for act in (ours, standard_library, read_alone, ours))
        for _ in range(effort.timings)
    ]
    took, by_json, by_read, again = map(list, zip(*rounds, strict=True))
    megabytes = len(content) / _MB
    return [
        median_figure(
            f"parsing {megabytes:.0f} MB of json+ documents",
            "MB/s",
            [megabytes / each for each in took],
            goal=150.0,
            at_least=True,
        ),
        ratio_figure("time of Python's json / of storperf's reader", by_json, took, again),
        ratio_figure("time of reading the file alone / of storperf's reader", by_read, took, again),
        _agent_figure(sample, in_sample, effort.timings),
    ]


def _agent_figure(sample: bytes, in_sample: int, times: int) -> Figure:
    """Splitting and differencing with the standard library, in chunks as the agent does."""

    def split_and_difference() -> None:
        for _ in range(_AGENT_PASSES):
            splitter, differ = DocumentSplitter(), CounterDiffer()
            found = 0
            for start in range(0, len(sample), _CHUNK):
                for document in splitter.feed(sample[start : start + _CHUNK]):
                    differ.intervals(document)
                    found += 1
            _require(found, in_sample)

    took = [_took_s(split_and_difference) for _ in range(times)]
    documents = _AGENT_PASSES * in_sample
    size = f"{len(sample) / in_sample / 1000:.0f} kB"
    return median_figure(
        f"a document of {size} on the agent, split and differenced",
        "ms",
        [1000 * each / documents for each in took],
        goal=0.2,
    )


def _raw_decode(text: str) -> int:
    decoder = json.JSONDecoder()
    found = at = 0
    while at < len(text):
        _, at = decoder.raw_decode(text, at)
        at += 1  # the newline
        found += 1
    return found


def _took_s(act: Callable[[], None]) -> float:
    begun_s = time.perf_counter()
    act()
    return time.perf_counter() - begun_s


def _require(found: int, expected: int) -> None:
    if found != expected:
        raise BenchError(f"read {found}, expected {expected}")
