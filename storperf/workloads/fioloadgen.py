"""The profiles of FIOLoadGen, as job files.

Source: data/fio/jobs of pcuzner/fioloadgen: common options refill_buffers, direct=1, 60 s.
"""

from __future__ import annotations

SUITES = {
    "fioloadgen-randr": """\
description: FIOLoadGen's random reads, 4k at depth 4.
duration: 60s
workloads:
  - {name: randr, rw: randrw, rwmixread: 100, bs: 4k, iodepth: 4, numjobs: 1, refill_buffers: 1}
""",
    "fioloadgen-randrlimited": """\
description: FIOLoadGen's random reads, 4k at depth 4, held to 300 IOPS.
duration: 60s
workloads:
  - {name: randrlimited, rw: randread, rate_iops: 300, bs: 4k, iodepth: 4, refill_buffers: 1}
""",
    "fioloadgen-randrw7030": """\
description: FIOLoadGen's random mix, 70 % reads, 4k at depth 4.
duration: 60s
workloads:
  - {name: randrw7030, rw: randrw, rwmixread: 70, bs: 4k, iodepth: 4, refill_buffers: 1}
""",
    "fioloadgen-seqwrite": """\
description: FIOLoadGen's sequential writes, 64k, one at a time through the sync engine.
duration: 60s
ioengine: sync
workloads:
  - {name: seqwrite, rw: write, bs: 64k, iodepth: 1, refill_buffers: 1}
""",
    "fioloadgen-custom": """\
description: >-
  FIOLoadGen's custom profile. PATTERN is randrw or rw, WRITES the slider, 0 to 100 % of writes.
duration: "${RUNTIME}"
variables:
  PATTERN: randrw
  WRITES: 30
  BLOCK_SIZE: 4k
  DEPTH: 4
  RUNTIME: 60s
workloads:
  - {name: custom, rw: "${PATTERN}", rwmixwrite: "${WRITES}", bs: "${BLOCK_SIZE}",
     iodepth: "${DEPTH}", refill_buffers: 1}
""",
}
