"""The keys of `sensors`: what hosts are asked for while trials go on."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from storperf.jobfile import scalars
from storperf.jobfile.scalars import distinct, one_or_more
from storperf.jobfile.section import Section
from storperf.jobfile.section import key as _key

# Each is five series a host, in Graphite and in every trial's file.
MOST_PROCESSES = 20
# TASK_COMM_LEN of Linux, less its end.
_LONGEST_NAME = 15


def _process(value: object) -> str:
    name = scalars.printable(_LONGEST_NAME)(value)
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+:@-]*", name) is None:
        raise ValueError(f"{name!r} is not the name of a program, such as ceph-osd")
    return name


def _few(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) > MOST_PROCESSES:
        raise ValueError(f"has {len(names)} names; at most {MOST_PROCESSES} are possible")
    return names


class SensorsSection(Section):
    """[Host figures](sensors.md): how often they are taken, and of which programs."""

    interval: scalars.IntervalDuration | None = _key(
        "Time between two samples of a host, 100ms to 60s. By default the reporting interval, but "
        "at least 1s: Graphite keeps no more, and less costs more of the host.",
        None,
        shown="1s",
    )
    processes: Annotated[
        tuple[Annotated[str, BeforeValidator(_process)], ...],
        BeforeValidator(one_or_more),
        AfterValidator(distinct),
        AfterValidator(_few),
    ] = _key(
        "Names of programs whose CPU, memory and I/O become figures, all processes of a name "
        "together; at most 20. The kernel keeps 15 characters of a name: write those.",
        (),
        shown=[],
    )
