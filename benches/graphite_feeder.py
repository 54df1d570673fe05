"""A process that is a manager's sink alone: `graphite_feeder.py SPOOLS ADDRESS STREAMS SECONDS`.

Each second it gives a slice with a histogram of each stream, as a run does, and at the end closes
the sink.  It prints what it took: CPU, memory, and what became of the points.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

from graphite_rig import own_peak_bytes

from storperf.model.job import Graphite
from storperf.sinks.entries import Slice
from storperf.sinks.graphite import GraphiteSink
from storperf.sinks.spool import Owner

# Buckets of a second of random reads on a real disk.
_BUCKETS = 100
_MANY = 64


def main() -> int:
    """Feed, close, print."""
    spools, address, streams, seconds = sys.argv[1:]
    graphite = Graphite(**json.loads(address))
    sink = GraphiteSink(Path(spools), Owner(run="feed", lab="lab", job="job", graphite=graphite))
    slices = _slices(int(streams))
    cpu_s, begun_s = time.process_time(), time.monotonic()
    late_s = 0.0
    for number in range(int(seconds)):
        late_s = max(late_s, time.monotonic() - begun_s - number)
        time.sleep(max(0.0, begun_s + number - time.monotonic()))
        second = int(time.time())
        for first in range(0, len(slices), _MANY):
            sink.put([_at(each, second) for each in slices[first : first + _MANY]])
    took_s = time.monotonic() - begun_s
    facts = sink.close(60.0)
    # What the end takes is counted too, as if it were part of these seconds.
    cpu_s = time.process_time() - cpu_s
    print(
        json.dumps(
            {
                "cores": cpu_s / took_s,
                "peak_bytes": own_peak_bytes(),
                "late_s": late_s,
                "facts": facts,
            }
        )
    )
    return 0


def _slices(streams: int) -> list[Slice]:
    dice = random.Random(6)  # noqa: S311 - a load, no secret
    made = []
    for stream in range(streams):
        values = sorted(dice.sample(range(10_000, 10_000_000), _BUCKETS))
        bins = tuple(n for value in values for n in (value, dice.randrange(1, 500)))
        count = sum(bins[1::2])
        made.append(
            Slice(
                path=f"storperf.live.lab.job.candidate.agent-{stream:04}.target-0.read",
                older="",
                second=0,
                length_s=1,
                duration_s=1.0,
                ios=count,
                bytes=count * 4096,
                clat_count=count,
                clat_sum_ns=count * 1e5,
                slat_sum_ns=count * 1e3,
                lat_sum_ns=count * 1.01e5,
                bins=bins,
            )
        )
    return made


def _at(found: Slice, second: int) -> Slice:
    return Slice(
        path=found.path,
        older=found.older,
        second=second,
        length_s=1,
        duration_s=found.duration_s,
        ios=found.ios,
        bytes=found.bytes,
        clat_count=found.clat_count,
        clat_sum_ns=found.clat_sum_ns,
        slat_sum_ns=found.slat_sum_ns,
        lat_sum_ns=found.lat_sum_ns,
        bins=found.bins,
    )


if __name__ == "__main__":
    sys.exit(main())
