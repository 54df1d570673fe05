"""The workloads that come with storperf: one registry line and one description each.

The first five names and patterns are those of the earlier StorPerf, so that old job names keep
their meaning.  Block size, queue depth and numjobs come from the job's matrix.
"""

from __future__ import annotations

from storperf.model.job import Workload

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(name="rr", options=(("rw", "randread"),)),
        Workload(name="rs", options=(("rw", "read"),)),
        Workload(name="wr", options=(("rw", "randwrite"),)),
        Workload(name="ws", options=(("rw", "write"),)),
        Workload(name="rw", options=(("rw", "rw"), ("rwmixread", "70"))),
        Workload(
            name="_warm_up",
            options=(("rw", "write"),),
            block_sizes_bytes=(16384,),
            queue_depths=(8,),
            numjobs=(1,),
        ),
        Workload(name="sequential-mix", options=(("rw", "rw"), ("rwmixread", "70"))),
        Workload(name="random-mix", options=(("rw", "randrw"), ("rwmixread", "70"))),
    )
}

DESCRIPTIONS = {
    "rr": "Random reads over the whole span.",
    "rs": "Sequential reads from the start of the span, again from the start at its end.",
    "wr": "Random writes over the whole span.",
    "ws": "Sequential writes from the start of the span, again from the start at its end.",
    "rw": (
        "Sequential reads and writes mixed, 70 % of them reads. "
        "The earlier StorPerf named it random, and it is not; the name keeps its old meaning."
    ),
    "_warm_up": (
        "Writes the whole span once, 16k at depth 8, and is not judged. The earlier StorPerf's way "
        "to precondition; `precondition` does better, and looks whether it is true."
    ),
    "sequential-mix": "Sequential reads and writes mixed, 70 % of them reads.",
    "random-mix": "Random reads and writes mixed, 70 % of them reads.",
}
