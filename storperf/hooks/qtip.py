"""QTIP's storage index: how fast a storage is beside a baseline, as one number.

Source: QTIP's own description of it (docs/testing/developer/devguide, storage-qpi): a workload
counts as its result divided by the baseline's (latency the other way round), a section as the
geometric mean of its workloads, the index as the weighted mean of the sections times 2048.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

BASE = 2048
# The description asks for 16 KiB in the section of throughput, and for no other size.
_THROUGHPUT_BYTES = 16 * 1024


class Method(StrEnum):
    """How the index is made: as it is described, or as the published program makes it."""

    DESCRIBED = "described"
    COMPAT = "compat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One result; `name` is the earlier StorPerf's, in whose units the value is.

    `is_random` is None where nobody knows what the workload does.
    """

    name: str
    metric: str
    value: float
    is_random: bool | None
    block_size_bytes: int
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One result beside its baseline; more than 1 is better."""

    name: str
    result: float
    baseline: float
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """`mean` is None when no workload belongs to it."""

    name: str
    description: str
    mean: float | None
    ratios: tuple[Ratio, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageIndex:
    """The index, None when a section has nothing in it; `left_out` says what did not count."""

    method: Method
    value: int | None
    sections: tuple[Section, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    name: str
    description: str
    has: Callable[[Figure], bool]
    is_reciprocal: bool = False


def _is_throughput(figure: Figure) -> bool:
    return (
        figure.is_random is False
        and figure.metric == "bw"
        and figure.block_size_bytes == _THROUGHPUT_BYTES
    )


_DESCRIBED = (
    _Rule(
        name="IOPS",
        description="operations per second of random I/O",
        has=lambda figure: figure.is_random is True and figure.metric == "iops",
    ),
    _Rule(
        name="Throughput",
        description="bandwidth of sequential I/O in blocks of 16 KiB",
        has=_is_throughput,
    ),
    _Rule(
        name="Latency",
        description="mean latency of all I/O",
        has=lambda figure: figure.metric == "lat.mean",
        is_reciprocal=True,
    ),
)


def _by_name(pattern: str) -> Callable[[Figure], bool]:
    return lambda figure: re.search(pattern, figure.name) is not None


# Names, one of them misspelt, and expressions as resources/QPI/storage.yaml has them.  They take
# `rw` for sequential I/O, nothing else, and count `_warm_up` among the latencies.
_COMPAT = (
    _Rule(
        name="IOPS",
        description="I/O operation per second",
        has=_by_name(r"^(rr|wr)\..*\.iops$"),
    ),
    _Rule(
        name="Througput",
        description="data transfer rate",
        has=_by_name(r"^rw\..*\.bw$"),
    ),
    _Rule(
        name="Latency",
        description="response time",
        has=_by_name(r"\.lat.mean$"),
        is_reciprocal=True,
    ),
)


def storage_index(
    figures: Sequence[Figure], baseline: Sequence[Figure], method: Method
) -> StorageIndex:
    """The index of some figures beside those of a baseline with the same names.

    Described: geometric means, what is random or sequential by what fio was told, no warm-up, and
    no two figures of steps that measured something else.  Compat: arithmetic means over what the
    published expressions find.  Both: sections weigh alike, and a figure counts only where both
    values are positive; the published program would divide by zero.
    """
    known = {figure.name: figure for figure in baseline}
    measured = {figure.name for figure in figures}
    is_described = method is Method.DESCRIBED
    mean = _geometric if is_described else _arithmetic
    left_out: dict[str, None] = {}
    sections = []
    for rule in _DESCRIBED if is_described else _COMPAT:
        ratios = []
        for figure in filter(rule.has, figures):
            why = _unfit(figure, known.get(figure.name), is_described=is_described)
            if why:
                left_out[f"{figure.name}: {why}"] = None
            else:
                ratios.append(_ratio(figure, known[figure.name], rule))
        for figure in filter(rule.has, baseline):
            if figure.name not in measured and not (is_described and _is_warm_up(figure)):
                left_out[f"{figure.name}: the run lacks it"] = None
        sections.append(
            Section(
                name=rule.name,
                description=rule.description,
                mean=mean([each.ratio for each in ratios]) if ratios else None,
                ratios=tuple(ratios),
            )
        )
    return StorageIndex(
        method=method,
        value=_index(sections, round if is_described else int),
        sections=tuple(sections),
        left_out=(*left_out, *_of_no_section(figures, is_described=is_described)),
    )


def _index(sections: Sequence[Section], whole: Callable[[float], int]) -> int | None:
    means = [section.mean for section in sections if section.mean is not None]
    return whole(_arithmetic(means) * BASE) if len(means) == len(sections) else None


def _unfit(figure: Figure, other: Figure | None, *, is_described: bool) -> str:
    """Why a figure cannot count; nothing when it can."""
    if is_described and _is_warm_up(figure):
        return "a warm-up"
    if other is None:
        return "the baseline lacks it"
    if figure.value <= 0 or other.value <= 0:
        return "no I/O"
    if not is_described:
        return ""
    prints = {figure.fingerprint, other.fingerprint} - {None}
    return "the baseline measured something else" if len(prints) > 1 else ""


def _is_warm_up(figure: Figure) -> bool:
    return figure.name.startswith("_")


def _ratio(figure: Figure, other: Figure, rule: _Rule) -> Ratio:
    ratio = other.value / figure.value if rule.is_reciprocal else figure.value / other.value
    return Ratio(name=figure.name, result=figure.value, baseline=other.value, ratio=ratio)


def _of_no_section(figures: Sequence[Figure], *, is_described: bool) -> list[str]:
    """What nobody knows to be random or sequential; latency counts all the same."""
    unknown = (f.name for f in figures if f.is_random is None and f.metric != "lat.mean")
    return [f"{name}: random or sequential?" for name in unknown] if is_described else []


def _geometric(values: Sequence[float]) -> float:
    return math.exp(math.fsum(math.log(value) for value in values) / len(values))


def _arithmetic(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
