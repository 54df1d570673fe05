"""fio's version, and the oldest one whose output can be read."""

from __future__ import annotations

import re

# 3.18 was the first to print N, the number of samples, beside each latency, and 3.20 the first
# to keep its status intervals (before, every few seconds one was 250 ms late: fio commit
# 0f77d30d).  Nanoseconds came with 3.0, bins where we read them with 3.13.
# Debian 11 has 3.25, Ubuntu 22.04 has 3.28.
MINIMUM = (3, 20)

_VERSION = re.compile(r"fio-(\d{1,4})\.(\d{1,4})")


def parse_version(text: str) -> tuple[int, int]:
    """(3, 33) from `fio-3.33` or `fio-3.36-12-gabc`; ValueError for anything else."""
    match = _VERSION.match(text.strip())
    if match is None:
        raise ValueError(f"{text.strip()[:80]!r}, not a version of fio such as fio-3.33")
    return int(match[1]), int(match[2])


def is_supported(version: tuple[int, int]) -> bool:
    """Whether that fio's output can be read."""
    return version >= MINIMUM


def version_fault(said: str) -> str | None:
    """Why a fio whose --version said that cannot be used; None when it can."""
    try:
        version = parse_version(said)
    except ValueError as error:
        return f"--version says {error}"
    if is_supported(version):
        return None
    return f"{said.strip()} is too old; storperf needs {least_version()} or newer"


def least_version() -> str:
    """The oldest supported version as people write it."""
    return ".".join(map(str, MINIMUM))
