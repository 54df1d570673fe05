"""`import --lat-log`: what fio's logs of single I/Os and of histograms say."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Kind(StrEnum):
    """The kinds of `--kind`; a test holds them to the model's."""

    LAT = "lat"
    CLAT = "clat"
    SLAT = "slat"
    BANDWIDTH = "bw"
    IOPS = "iops"
    HISTOGRAM = "clat_hist"


class Unit(StrEnum):
    """The units of `--unit`."""

    NS = "ns"
    US = "us"


LatLogFlag = Annotated[
    bool,
    typer.Option(
        "--lat-log",
        help="The files are logs that fio wrote (write_lat_log, write_bw_log, write_iops_log, "
        "write_hist_log): print exact figures of each direction, and store nothing.",
    ),
]
IntervalOption = Annotated[
    str | None,
    typer.Option(
        "--interval",
        metavar="DURATION",
        help="With --lat-log: IOPS and a histogram for each so long, such as 1s.",
        show_default=False,
    ),
]
UnitOption = Annotated[
    Unit | None,
    typer.Option(
        "--unit",
        help="With --lat-log: what latencies are counted in; ns by fio 3, which is assumed and "
        "said, us by fio 2.",
        show_default=False,
    ),
]
KindOption = Annotated[
    Kind | None,
    typer.Option(
        "--kind",
        help="With --lat-log: what the logs are of. Default: what fio's file name says.",
        show_default=False,
    ),
]


def print_logs(
    files: Sequence[Path],
    *,
    kind: Kind | None,
    unit: Unit | None,
    interval: str | None,
    as_json: bool,
) -> None:
    """Print what the logs say; exit code 2 when one was refused."""
    from storperf.cli.output import print_json, stderr_console, stdout_console
    from storperf.errors import ExitCode
    from storperf.log_files import read_log_files
    from storperf.model.fio_log import LogKind, LogUnit
    from storperf.reports.log_table import logs_document, logs_table

    found = read_log_files(
        files,
        kind=None if kind is None else LogKind(kind.value),
        unit=None if unit is None else LogUnit(unit.value),
        interval_ms=None if interval is None else _milliseconds(interval),
    )
    if as_json:
        print_json(logs_document(found))
    else:
        stdout_console().print(logs_table(found))
    refused = [outcome for outcome in found.outcomes if outcome.log is None]
    for outcome in refused:
        said = f"storperf: {outcome.file} is refused: {outcome.reason}"
        stderr_console().print(said, markup=False)
    raise typer.Exit(ExitCode.USAGE if refused else ExitCode.PASS)


def _milliseconds(interval: str) -> int:
    from storperf.errors import UsageError
    from storperf.units import parse_duration_ns

    try:
        milliseconds, rest = divmod(parse_duration_ns(interval), 1_000_000)
    except ValueError as error:
        raise UsageError(f"--interval: {error}") from error
    if rest or not milliseconds:
        raise UsageError(f"--interval {interval}: fio's logs count whole ms; write 1s or 100ms")
    return milliseconds
