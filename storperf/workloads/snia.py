"""Tests in the style of SNIA's Solid State Storage Performance Test Specification.

A round is one pass over the matrix, a minute a cell; at most 25 of them, until the tracked cells
were steady over the last five.  Target it at a whole device, purged first where that is
possible (`precondition: {purge: true}`); on a file the same tests show the file system.
Source: the test descriptions at snia.org/forums/sssi/pts (IOPS, throughput, latency, write
saturation).  The specification leaves depth and threads to the tester: variables here.
"""

from __future__ import annotations

SUITES = {
    "snia-iops": """\
description: >-
  SNIA's IOPS test. Seven mixes of random reads and writes at eight block sizes, round by round
  until steady. One round takes 56 minutes.
duration: 60s
variables: {DEPTH: 32, THREADS: 2}
precondition: {fill: always, passes: 2, block_size: 128k}
matrix:
  block_size: [1M, 128k, 64k, 32k, 16k, 8k, 4k, 512]
  queue_depth: "${DEPTH}"
  numjobs: "${THREADS}"
workloads:
  - {name: mix, rw: randrw, rwmixread: [100, 95, 65, 50, 35, 5, 0]}
rounds:
  at_most: 25
  window: 5
  track: ["mix-rwmixread0-bs4k-*", "mix-rwmixread65-bs64k-*", "mix-rwmixread100-bs1M-*"]
""",
    "snia-throughput": """\
description: SNIA's throughput test. Sequential reads and writes of 1M and 128k until steady.
duration: 60s
variables: {DEPTH: 32, THREADS: 1}
precondition: {fill: always, passes: 2, block_size: 128k}
matrix:
  block_size: [1M, 128k]
  queue_depth: "${DEPTH}"
  numjobs: "${THREADS}"
workloads:
  - {name: sequential, rw: [read, write]}
rounds: {at_most: 25, window: 5}
""",
    "snia-latency": """\
description: SNIA's latency test. Random 8k, 4k and 512 bytes, one I/O at a time, until steady.
duration: 60s
precondition: {fill: always, passes: 2, block_size: 128k}
matrix: {block_size: [8k, 4k, 512], queue_depth: 1, numjobs: 1}
workloads:
  - {name: mix, rw: randrw, rwmixread: [100, 65, 0]}
rounds: {at_most: 25, window: 5, track: ["mix-rwmixread0-bs4k-*"]}
""",
    "snia-write-saturation": """\
description: >-
  SNIA's write saturation test. Six hours of 4k random writes from a fresh device on, nothing
  written before; purge it first.
duration: "${RUNTIME}"
variables: {RUNTIME: 6h, DEPTH: 32, THREADS: 2}
precondition: {fill: false}
matrix: {block_size: 4k, queue_depth: "${DEPTH}", numjobs: "${THREADS}"}
workloads:
  - {name: saturation, rw: randwrite}
""",
}
