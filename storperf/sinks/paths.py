"""Names of series: one function renders a path, one parses it.

Two trees, so that neither history nor the number of files explodes (docs/reference/graphite.md):
`<prefix>.live...` has a point a second and does not name the step; `<prefix>.summary...` has
one point a run.  A name of ours may hold anything; Graphite takes a point as the end of a part,
drops what holds a blank and gives meaning to `*[]{}(),;"'`.  So a character that is not a
letter, a digit, `_` or `-` becomes `~HEX~`, its code point: `my job` is `my~20~job`.
A part that would be too long for a file's name goes on in the next one and ends with a single `~`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PREFIX = "storperf"
LIVE = "live"
SUMMARY = "summary"

# Fixed words at places where a name of ours stands otherwise; such a name is escaped.
_RUN, _STEP, _HOST = "run", "step", "host"
_FIXED = frozenset({_RUN, _STEP, _HOST})

# A file's name has at most 255 bytes, and `.wsp` is added to the last part.
_LONGEST_PART = 200
_OTHERS = re.compile(r"[^A-Za-z0-9_-]")
_ESCAPE = re.compile(r"~([0-9a-f]+)~")
_TOKEN = re.compile(r"~[0-9a-f]+~|[A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSeries:
    """What one target of one agent did in one direction, second by second."""

    lab: str
    job: str
    side: str
    agent: str
    target: str
    op: str
    metric: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSeries:
    """A figure of an agent's host, second by second; dots of a sensor's name stay dots."""

    lab: str
    job: str
    side: str
    agent: str
    sensor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSeries:
    """The repeat that is measured (1, 2 ...), in each second in which the step is measured."""

    lab: str
    job: str
    side: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeries:
    """A fact of the run: in `live` each second of a trial, in `summary` once."""

    tree: str
    lab: str
    job: str
    fact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarySeries:
    """A step's figure, one point a run."""

    lab: str
    job: str
    side: str
    step: str
    op: str
    metric: str


Series = LoadSeries | HostSeries | StepSeries | RunSeries | SummarySeries


def render_path(series: Series, prefix: str = PREFIX) -> str:
    """The path of a series; ValueError for an empty name, which is none."""
    return ".".join((prefix, *_parts(series)))


def parse_path(path: str, prefix: str = PREFIX) -> Series:
    """The series behind a path that `render_path` made; ValueError for any other path."""
    head = f"{prefix}."
    if not path.startswith(head):
        raise ValueError(f"{path!r} does not begin with {head}")
    match list(_joined(path[len(head) :].split("."))):
        case [tree, lab, job, "run", fact] if tree in {LIVE, SUMMARY}:
            return RunSeries(tree=tree, lab=_text(lab), job=_text(job), fact=_text(fact))
        case ["live", lab, job, side, "step", step]:
            return StepSeries(**_texts(lab=lab, job=job, side=side, step=step))
        case ["live", lab, job, side, agent, "host", *sensor] if sensor:
            name = ".".join(_text(part) for part in sensor)
            return HostSeries(**_texts(lab=lab, job=job, side=side, agent=agent), sensor=name)
        case ["live", lab, job, side, agent, target, op, metric]:
            names = _texts(lab=lab, job=job, side=side, agent=agent)
            return LoadSeries(**names, **_texts(target=target, op=op, metric=metric))
        case ["summary", lab, job, side, step, op, metric]:
            names = _texts(lab=lab, job=job, side=side, step=step)
            return SummarySeries(**names, **_texts(op=op, metric=metric))
    raise ValueError(f"{path!r} is none of our series")


def render_part(name: str) -> str:
    """A name as one part, or as several that belong together when it is long."""
    if not name:
        raise ValueError("an empty name cannot be a part of a path")
    if name in _FIXED:
        return f"~{ord(name[0]):x}~{name[1:]}"
    part = _OTHERS.sub(lambda found: f"~{ord(found[0]):x}~", name)
    return part if len(part) <= _LONGEST_PART else _split(part)


def _parts(series: Series) -> tuple[str, ...]:
    place = (render_part(series.lab), render_part(series.job))
    match series:
        case RunSeries():
            return (series.tree, *place, _RUN, render_part(series.fact))
        case StepSeries():
            return (LIVE, *place, *_rendered(series.side), _STEP, *_rendered(series.step))
        case HostSeries():
            owner = _rendered(series.side, series.agent)
            return (LIVE, *place, *owner, _HOST, *_sensor(series.sensor))
        case LoadSeries():
            owner = _rendered(series.side, series.agent, series.target)
            return (LIVE, *place, *owner, *_rendered(series.op, series.metric))
        case SummarySeries():
            owner = _rendered(series.side, series.step)
            return (SUMMARY, *place, *owner, *_rendered(series.op, series.metric))


def _rendered(*names: str) -> tuple[str, ...]:
    return tuple(render_part(name) for name in names)


def _sensor(name: str) -> tuple[str, ...]:
    parts = name.split(".")
    return _rendered(*parts) if all(parts) else _rendered(name)


def _split(part: str) -> str:
    """Nodes of bearable length, cut between characters, each but the last ending with `~`."""
    pieces = [""]
    for token in _TOKEN.findall(part):
        if len(pieces[-1]) + len(token) >= _LONGEST_PART:
            pieces.append("")
        pieces[-1] += token
    return "~.".join(pieces)


def _joined(parts: Sequence[str]) -> Iterator[str]:
    """The parts with those that belong together as one."""
    begun = ""
    for part in parts:
        if _ESCAPE.sub("", part).endswith("~"):
            begun += part.removesuffix("~")
        else:
            yield begun + part
            begun = ""
    if begun:
        yield f"{begun}~"


def _texts(**parts: str) -> dict[str, str]:
    return {name: _text(part) for name, part in parts.items()}


def _text(part: str) -> str:
    text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), part)
    if not part or not re.fullmatch(r"[A-Za-z0-9_-]*", _ESCAPE.sub("", part)):
        raise ValueError(f"{part!r} is no part of ours")
    return text
