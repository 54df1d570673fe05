"""A fio that has a day behind it in a minute: documents a second apart, as fast as they print.

Nothing is read or written.  What it prints are the counters that storperf reads, with
the histogram of an SSD; latencies wander over the hours, so that new buckets keep coming.
"""

from __future__ import annotations

import json
import math
import random
import sys
import time

_IOS_A_SECOND = 20_000
_BUCKETS = 240
_LOWEST_NS = 60_000.0
_HIGHEST_NS = 6_000_000.0


def main() -> None:
    """Print the documents of --runtime seconds to --output."""
    options = dict(word[2:].partition("=")[::2] for word in sys.argv[1:] if word.startswith("--"))
    runtime_s = int(options["runtime"].removesuffix("ms")) // 1000
    block_bytes = 4096
    chance = random.Random(5)  # noqa: S311 - the same each time
    ratio = (_HIGHEST_NS / _LOWEST_NS) ** (1 / _BUCKETS)
    values = [int(_LOWEST_NS * ratio**place) for place in range(_BUCKETS)]
    shares = [math.exp(-(((place - 60) / 40) ** 2)) for place in range(_BUCKETS)]
    scale = _IOS_A_SECOND / sum(shares)
    counts = [0] * _BUCKETS
    start_ms = int(time.time() * 1000)
    with open(options["output"], "a", encoding="ascii") as output:  # noqa: PTH123 - no pathlib: -S
        for second in range(1, runtime_s + 1):
            rate = scale * chance.gauss(1.0, 0.03)
            grown = (int(rate * share + chance.random()) for share in shares)
            counts = [count + more for count, more in zip(counts, grown)]  # noqa: B905
            document = _document(values, counts, second, block_bytes)
            document["timestamp_ms"] = start_ms + 1000 * second
            output.write(json.dumps(document, separators=(",", ":"))[:-1] + "\n}\n")


def _document(
    values: list[int], counts: list[int], second: int, block_bytes: int
) -> dict[str, object]:
    ios = sum(counts)
    total_ns = sum(value * count for value, count in zip(values, counts))  # noqa: B905
    bins = {str(value): count for value, count in zip(values, counts) if count}  # noqa: B905
    clat = _latency(ios, total_ns / ios)
    read = {
        "io_bytes": ios * block_bytes,
        "total_ios": ios,
        "runtime": 1000 * second,
        "slat_ns": _latency(ios, 1500.0),
        "clat_ns": {**clat, "bins": bins},
        "lat_ns": _latency(ios, total_ns / ios + 1500.0),
    }
    nothing = {
        **dict.fromkeys(("io_bytes", "total_ios", "runtime"), 0),
        **{name: _latency(0, 0.0) for name in ("slat_ns", "clat_ns", "lat_ns")},
    }
    job = {"jobname": "day", "error": 0, "elapsed": second, "read": read}
    return {
        "fio version": "fio-3.33",
        "jobs": [{**job, "write": nothing, "trim": nothing}],
    }


def _latency(ios: int, mean: float) -> dict[str, float]:
    return {"min": 0, "max": 0, "mean": mean, "stddev": 0.0, "N": ios}


main()
