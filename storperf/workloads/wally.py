"""The suites of Wally's last version, as job files.

Loops are lists and variables are variables here.  Wally ran every job with `thread=1`,
`norandommap=1` and new offsets each time (`randrepeat=0`), direct I/O through libaio; the last
two are storperf's own defaults.  Where it named no run time, its own variable stands.
Source: the options of wally/suits/io/*.cfg in Mirantis/disk_perf_test_tool, commit aaad8b8.
"""

from __future__ import annotations

SUITES = {
    "wally-ceph": """\
description: Wally's suite for Ceph, 4k random at growing depths, then large blocks.
duration: 180s
variables:
  RAMP: 15s
  DEPTHS_READ: [1, 5, 10, 20, 40, 60, 100, 150, 200, 500]
  DEPTHS_WRITE: [1, 5, 10, 20, 40, 60, 100, 150, 200]
workloads:
  - {name: ceph-4k, rw: randwrite, bs: 4k, iodepth: "${DEPTHS_WRITE}",
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
  - {name: ceph-4k-read, rw: randread, bs: 4k, iodepth: "${DEPTHS_READ}",
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
  - {name: ceph-1m, rw: write, bs: 1M, iodepth: 1, thread: 1, ramp_time: "${RAMP}"}
  - {name: ceph-16m, rw: randread, bs: 16M, iodepth: 1,
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
""",
    "wally-hdd": """\
description: Wally's suite for hard disks, 4k random at depths of 1 to 64, then 1M sequential.
duration: 300s
variables:
  RAMP: 15s
  DEPTHS: [1, 2, 4, 8, 16, 32, 64]
workloads:
  - {name: hdd-4k, rw: [randread, randwrite], bs: 4k, iodepth: "${DEPTHS}",
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
  - {name: hdd-1m, rw: [read, write], bs: 1M, iodepth: 1, thread: 1, ramp_time: "${RAMP}"}
""",
    "wally-cinder-iscsi": """\
description: Wally's suite for Cinder volumes over iSCSI.
duration: 180s
variables:
  RAMP: 30s
  DEPTHS: [1, 5, 10, 15, 25, 40]
workloads:
  - {name: iscsi-4k, rw: [randwrite, randread], bs: 4k, iodepth: "${DEPTHS}",
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
  - {name: iscsi-8m, rw: [read, write], bs: 8M, iodepth: 1, thread: 1, ramp_time: "${RAMP}"}
""",
    "wally-verify": """\
description: Wally's suite that compares a cloud with an earlier one (it verifies no data).
duration: "${RUNTIME}"
variables:
  RUNTIME: 180s
  RAMP: 9s
  DEPTHS_WRITE: [4, 16, 32, 64, 128, 256]
  DEPTHS_READ: [16, 32, 64, 128, 256, 512]
  DEPTHS_LARGE: [1, 4, 16, 64]
workloads:
  - {name: verify-1m, rw: write, bs: 1M, iodepth: "${DEPTHS_LARGE}",
     thread: 1, ramp_time: "${RAMP}"}
  - {name: verify-1m-read, rw: "randread:16", bs: 1M, iodepth: "${DEPTHS_LARGE}",
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
  - {name: verify-4k, rw: randwrite, bs: 4k, iodepth: "${DEPTHS_WRITE}",
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
  - {name: verify-4k-read, rw: randread, bs: 4k, iodepth: "${DEPTHS_READ}",
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
  - {name: verify-4k-sync, rw: randwrite, bs: 4k, iodepth: 1, sync: 1,
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
""",
    "wally-check-linearity": """\
description: Wally's check that the time of an I/O grows with its size as a line does.
duration: 30s
variables:
  RAMP: 5s
  BLOCK_SIZES: [512, 1k, 2k, 4k, 8k, 16k, 32k, 128k, 256k, 512k, 1M]
workloads:
  - {name: linear-read, rw: randread, bs: "${BLOCK_SIZES}", iodepth: 4,
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
  - {name: linear-sync-write, rw: randwrite, bs: "${BLOCK_SIZES}", iodepth: 1, sync: 1,
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
""",
    "wally-check-distribution": """\
description: Wally's half hour of 4k random writes, to see how their latency is distributed.
duration: 1800s
workloads:
  - {name: distribution, rw: randwrite, bs: 4k, iodepth: 4,
     thread: 1, norandommap: 1, ramp_time: 30s}
""",
    "wally-lat-vs-iops": """\
description: Wally's latency as a function of a held rate of 4k random writes.
duration: 30s
variables:
  RAMP: 5s
workloads:
  - {name: paced-qd1, rw: randwrite, bs: 4k, iodepth: 1,
     rate_iops: [20, 40, 60, 80, 100, 120, 160, 200, 250, 300],
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
  - {name: paced-qd3, rw: randwrite, bs: 4k, iodepth: 3,
     rate_iops: [10, 20, 40, 60, 80, 100, 120, 160],
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
  - {name: paced-qd7, rw: randwrite, bs: 4k, iodepth: 7, rate_iops: [5, 10, 20, 40, 50, 60, 70],
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
  - {name: paced-qd10, rw: randwrite, bs: 4k, iodepth: 10, rate_iops: [5, 10, 20, 40, 50],
     thread: 1, norandommap: 1, ramp_time: "${RAMP}"}
""",
    "wally-mixed-hdd": """\
description: Wally's mixes of 4k random reads and writes on hard disks.
duration: 30s
workloads:
  - {name: mixed, rw: randrw, bs: 4k, rwmixread: [0, 20, 40, 60, 80, 100], iodepth: [1, 8, 16],
     thread: 1, norandommap: 1, ramp_time: 5s}
""",
    "wally-mixed-ssd": """\
description: Wally's mixes of 4k random reads and writes on SSDs.
duration: 30s
workloads:
  - {name: mixed, rw: randrw, bs: 4k, rwmixread: [0, 20, 40, 60, 80, 85, 90, 95, 100],
     iodepth: [1, 16, 64, 128],
     thread: 1, norandommap: 1, ramp_time: 5s}
""",
}
