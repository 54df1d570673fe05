"""What the earlier StorPerf ran when it was asked for nothing in particular, and other classics."""

from __future__ import annotations

SUITES = {
    "storperf": """\
description: >-
  The five workloads of the earlier StorPerf with its defaults, 4k at depth 1, to the deadline
  of 20 minutes or until steady. Its matrix is the job's: block sizes x queue depths.
until: {steady: {}, at_most: 20m}
matrix: {block_size: 4k, queue_depth: 1}
workloads: [rr, rs, rw, wr, ws]
""",
    "integrity": """\
description: >-
  Whether the storage gives back what it was given. Writes with checksums (crc32c) and reads
  everything back, in small pieces soon after and in large ones at the end of each pass. One wrong
  block is a fail, with its offset.
duration: 60s
workloads:
  - {name: verify-random, rw: randwrite, bs: 4k, iodepth: 16, verify: crc32c, verify_fatal: 1,
     verify_backlog: 1024}
  - {name: verify-sequential, rw: write, bs: 128k, iodepth: 8, verify: crc32c, verify_fatal: 1}
""",
    "sync-writes": """\
description: >-
  4k writes that are on the medium before they count (O_SYNC), with few threads, one I/O each.
  What databases and journals wait for.
duration: 60s
ioengine: psync
workloads:
  - {name: sync-wr, rw: randwrite, bs: 4k, iodepth: 1, numjobs: [1, 2, 4], sync: 1}
  - {name: sync-ws, rw: write, bs: 4k, iodepth: 1, numjobs: 1, sync: 1}
""",
}
