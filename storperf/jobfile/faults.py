"""Faults of a job file as sentences with their line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from storperf.jobfile.source import Path, Source

MAX_SHOWN = 100
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and the path of keys at which it stands."""

    path: Path
    sentence: str


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean ...`, or the list of what is known when nothing is near."""
    names = sorted(known)
    # Words of two or three letters are all alike.
    near = get_close_matches(word, names, n=1, cutoff=0.5 if len(word) > 3 else 0.6)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"


def render_faults(source: Source, faults: Iterable[Fault]) -> list[str]:
    """One sentence for each path, in the order of the lines; the first fault of a path wins.

    A file that is no job file at all has thousands of faults: the first hundred are shown.
    """
    first: dict[Path, Fault] = {}
    for fault in faults:
        first.setdefault(fault.path, fault)
    ordered = sorted(first.values(), key=lambda fault: source.line(fault.path))
    shown = list(source.faults)
    shown += [
        f"line {source.line(each.path)}: {_where(each.path)}{each.sentence}" for each in ordered
    ]
    more = len(shown) - MAX_SHOWN
    rest = [f"and {more} more faults"] if more > 0 else []
    return [_short(sentence) for sentence in shown[:MAX_SHOWN]] + rest


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]}..."


def null_faults(source: Source) -> list[Fault]:
    """A fault for each key without a value; null means nothing in a job file."""
    found: list[Fault] = []

    def walk(value: object, path: Path) -> None:
        if value is None:
            found.append(Fault(path, "has no value; leave the key out or write one"))
        elif isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, (*path, key))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                walk(inner, (*path, index))

    walk(source.top, ())
    return found


def model_faults(model: type[BaseModel], error: ValidationError) -> list[Fault]:
    """What pydantic found, in our words."""
    faults: list[Fault] = []
    for details in error.errors(include_url=False):
        if len(faults) < MAX_SHOWN:
            faults.append(_fault(model, details))
        else:
            faults.append(Fault(details["loc"], details["msg"]))
    return faults


def _fault(model: type[BaseModel], details: Any) -> Fault:
    path: Path = details["loc"]
    kind: str = details["type"]
    if kind == "extra_forbidden":
        known = _section(model, path[:-1])
        return Fault(path, f"unknown key; {_nearest_key(model, str(path[-1]), known)}")
    if kind == "missing":
        return Fault(path, "is missing")
    if kind == "value_error":
        return Fault(path, str(details["ctx"]["error"]))
    if kind == "model_type":
        return Fault(path, f"must be a mapping of {', '.join(_section(model, path))}")
    if kind == "literal_error":
        return Fault(path, f"must be {details['ctx']['expected']}, not {details['input']!r}")
    return Fault(path, details["msg"])


def _nearest_key(model: type[BaseModel], unknown: str, known: list[str]) -> str:
    """The nearest key of this section, else the same word in another one."""
    near = nearest(unknown, known)
    elsewhere = get_close_matches(unknown, sorted(_places(model)), n=1, cutoff=0.8)
    if near.startswith("did you mean") or not elsewhere:
        return near
    return f"did you mean {_places(model)[elsewhere[0]]!r}?"


def _places(model: type[BaseModel], above: str = "") -> dict[str, str]:
    """Each key of the sections below, and its path."""
    places: dict[str, str] = {}
    for key, field in model.model_fields.items():
        places.setdefault(key, above + key)
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                places = _places(inner, f"{above}{key}.") | places
    return places


def _section(model: type[BaseModel], path: Path) -> list[str]:
    """The known keys of the section at `path`."""
    for key in path:
        if isinstance(key, int):
            continue  # of a list, whose elements are all of one kind
        annotation = model.model_fields[key].annotation
        candidates = (annotation, *get_args(annotation))
        model = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return list(model.model_fields)


def _where(path: Path) -> str:
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return f"{text[:120]}: " if text else ""
