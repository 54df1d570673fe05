"""A fio that does no I/O: it prints a recording, one document each second.

`replay_fio.py RECORDING LENGTH OPTION...`; a document has LENGTH bytes.  It waits at its gate
(`--exec_prerun`) as fio does, and honours --runtime and --output.  It imports next to nothing:
two hundred of them run on one machine.
"""

# pathlib, subprocess and datetime would be most of its memory.
# ruff: noqa: PTH123, S605

from __future__ import annotations

import os
import sys
import time

_STAMP = b"1111111111111"


def main() -> None:
    """Print what is due until the runtime is over."""
    options = dict(word[2:].partition("=")[::2] for word in sys.argv[3:] if word.startswith("--"))
    length = int(sys.argv[2])
    runtime_s = int(options["runtime"].removesuffix("ms")) // 1000
    recording = os.open(sys.argv[1], os.O_RDONLY)
    if "exec_prerun" in options:
        os.system(options["exec_prerun"])
    began_s = time.monotonic()
    with open(options["output"], "ab", buffering=0) as output:
        for second in range(runtime_s):
            time.sleep(max(0.0, began_s + second + 1 - time.monotonic()))
            document = os.pread(recording, length, second * length).rstrip()
            stamp = b"%d" % (time.time() * 1000)
            output.write(document.replace(_STAMP, stamp, 1) + b"\n")


main()
