"""Any result of another program, told by what is in it: fio's output or a StorPerf report."""

from __future__ import annotations

from typing import Any

import msgspec

from storperf.imports.fio_run import fio_run
from storperf.imports.fio_text import read_fio
from storperf.imports.imported import ImportedRun
from storperf.imports.storperf_report import find_report, storperf_run


def read_results(content: bytes) -> tuple[ImportedRun, ...]:
    """The runs in a file's bytes, in their order.

    NotAResultError says in one sentence why there are none.  A run that is no measurement is
    given all the same, with its faults.
    """
    report = find_report(_tree(content))
    if report is not None:
        return (storperf_run(report),)
    return tuple(fio_run(result) for result in read_fio(content))


def _tree(content: bytes) -> Any:
    """The one JSON value that the whole file is; None when it is anything else."""
    if b'"report_data"' not in content:
        return None
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
