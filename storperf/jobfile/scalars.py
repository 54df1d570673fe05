"""The kinds of values that a job file holds, each read from the text as it was written."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from storperf.units import (
    parse_duration_s,
    parse_share,
    parse_size,
    render_size,
)

KI = 1 << 10
MI = 1 << 20
PI = 1 << 50
MAX_NAME = 200
ALWAYS = "always"
_LONGEST_NUMBER = 30


def _text(value: object) -> str:
    """The value's text; a mapping, a list or a null is none."""
    if isinstance(value, bool):
        raise ValueError(f"must be text; write it in quotes if {str(value).lower()!r} is meant")
    if value is None:
        raise ValueError("has no value")
    if not isinstance(value, str):
        kind = "a list" if isinstance(value, list) else "a mapping"
        raise ValueError(f"must be a single value, not {kind}")
    return value


def _number(value: object) -> str:
    text = _text(value)
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"is too long for a number: {text[:_LONGEST_NUMBER]!r}...")
    return text


def printable(longest: int) -> Callable[[object], str]:
    """A reader of one line of printable text, 1 to `longest` characters."""

    def read(value: object) -> str:
        text = _text(value)
        if not text.strip():
            raise ValueError("is empty")
        if len(text) > longest:
            raise ValueError(f"has {len(text)} characters; at most {longest} are possible")
        if not text.isprintable():
            raise ValueError("must be one line of printable characters")
        return text

    return read


def whole(low: int, high: int) -> Callable[[object], int]:
    """A reader of a whole decimal number between two bounds."""

    def read(value: object) -> int:
        text = _number(value)
        if re.fullmatch(r"0|-?[1-9][0-9]*", text) is None:
            raise ValueError(f"{text!r} is not a whole number")
        return _bounded(int(text), low, high, str)

    return read


def size(low: int, high: int, multiple: int) -> Callable[[object], int]:
    """A reader of a size between two bounds, a multiple of `multiple` bytes."""

    def read(value: object) -> int:
        number = _bounded(parse_size(_number(value)), low, high, render_size)
        if number % multiple:
            raise ValueError(f"{number} bytes is not a multiple of {render_size(multiple)}")
        return number

    return read


def duration(low: str, high: str) -> Callable[[object], float]:
    """A reader of a duration between two bounds, in seconds."""

    def read(value: object) -> float:
        text = _number(value)
        seconds = parse_duration_s(text)
        if not parse_duration_s(low) <= seconds <= parse_duration_s(high):
            raise ValueError(f"{text} is not between {low} and {high}")
        return seconds

    return read


def _share(value: object) -> float:
    text = _number(value)
    share = parse_share(text)
    if share == 0:
        raise ValueError("a limit of 0 can never be met")
    return share


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        shown = f", not {value!r}" if isinstance(value, str) else ""
        raise ValueError(f"must be true or false{shown}")
    return value


def _fill_choice(value: object) -> bool | str:
    if value == ALWAYS or isinstance(value, bool):
        return value
    shown = f", not {value!r}" if isinstance(value, str) else ""
    raise ValueError(f"must be true, false or {ALWAYS}{shown}")


def only_true(value: object) -> bool:
    """True; anything else is refused, because leaving the key out says false."""
    if value is not True:
        raise ValueError("can only be true; leave it out otherwise")
    return True


def word(*known: str) -> Callable[[object], str]:
    """A reader of one of a few words."""

    def read(value: object) -> str:
        text = _text(value)
        if text not in known:
            raise ValueError(f"{text!r} is not one of {', '.join(known)}")
        return text

    return read


def host(value: object) -> str:
    """A host's name or address."""
    text = printable(255)(value)
    if re.fullmatch(r"[A-Za-z0-9_.:%-]+", text) is None:
        raise ValueError(f"{text!r} is not a host's name or address")
    return text


def web_address(value: object) -> str:
    """An http or https address, without credentials."""
    text = printable(2000)(value)
    if re.fullmatch(r"https?://[^\s/@?#]+(/[^\s?#]*)?", text) is None:
        raise ValueError(f"{text!r} is not an address such as http://127.0.0.1:8080")
    return text.rstrip("/")


def _bounded(number: int, low: int, high: int, render: Callable[[int], str]) -> int:
    if not low <= number <= high:
        raise ValueError(f"{render(number)} is not between {render(low)} and {render(high)}")
    return number


def one_or_more(value: object) -> object:
    """A list; a single value is a list of one, an empty list is refused."""
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ValueError("the list is empty")
    return values


def distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values, if none of them stands twice (`4k` and `4096` are one)."""
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"the list holds {', '.join(twice)} more than once")
    return values


def _schema(kind: str | list[str], **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **more})


_SIZE_EXAMPLES = ["4k", "64M", "1G"]
_DURATION_EXAMPLES = ["250ms", "60s", "20m", "1h30m"]
_SIZE = _schema(["string", "integer"], **{"x-kind": "size"}, examples=_SIZE_EXAMPLES)
_DURATION = _schema(["string", "number"], **{"x-kind": "duration"}, examples=_DURATION_EXAMPLES)


def _whole_schema(low: int, high: int) -> WithJsonSchema:
    return _schema("integer", minimum=low, maximum=high)


BLOCK_SIZE = size(512, 64 * MI, 512)
QUEUE_DEPTH = whole(1, 4096)
NUMJOBS = whole(1, 512)
WORKLOAD_NAME = printable(100)
LONGEST_TRIAL = "7d"

Name = Annotated[
    str,
    BeforeValidator(printable(MAX_NAME)),
    _schema("string", minLength=1, maxLength=MAX_NAME),
]
FilePath = Annotated[
    str, BeforeValidator(printable(4096)), _schema("string", minLength=1, maxLength=4096)
]
Flag = Annotated[bool, BeforeValidator(_flag), _schema("boolean")]
Span = Annotated[int, BeforeValidator(size(MI, PI, 4 * KI)), _SIZE]
SpoolSize = Annotated[int, BeforeValidator(size(MI, PI, 1)), _SIZE]
BlockSize = Annotated[int, BeforeValidator(BLOCK_SIZE), _SIZE]
QueueDepth = Annotated[int, BeforeValidator(QUEUE_DEPTH), _whole_schema(1, 4096)]
NumJobs = Annotated[int, BeforeValidator(NUMJOBS), _whole_schema(1, 512)]
AgentCount = Annotated[int, BeforeValidator(whole(1, 1024)), _whole_schema(1, 1024)]
Repeats = Annotated[int, BeforeValidator(whole(1, 100)), _whole_schema(1, 100)]
BaselineRuns = Annotated[int, BeforeValidator(whole(1, 1000)), _whole_schema(1, 1000)]
FileCount = Annotated[int, BeforeValidator(whole(1, 100)), _whole_schema(1, 100)]
Passes = Annotated[int, BeforeValidator(whole(1, 10)), _whole_schema(1, 10)]
FillChoice = Annotated[
    bool | str,
    BeforeValidator(_fill_choice),
    _schema(
        ["boolean", "string"], enum=[True, False, ALWAYS], **{"x-kind": f"true, false or {ALWAYS}"}
    ),
]
Rounds = Annotated[int, BeforeValidator(whole(3, 100)), _whole_schema(3, 100)]
RoundCount = Annotated[int, BeforeValidator(whole(3, 1000)), _whole_schema(3, 1000)]
IntervalCount = Annotated[int, BeforeValidator(whole(50, 1_000_000)), _whole_schema(50, 1_000_000)]
Port = Annotated[int, BeforeValidator(whole(1, 65535)), _whole_schema(1, 65535)]
Share = Annotated[
    float,
    BeforeValidator(_share),
    _schema(["string", "number"], **{"x-kind": "share"}, examples=["20%", "0.2"]),
]
TrialDuration = Annotated[float, BeforeValidator(duration("1s", LONGEST_TRIAL)), _DURATION]
RoundDuration = Annotated[float, BeforeValidator(duration("10s", "1d")), _DURATION]
IntervalDuration = Annotated[float, BeforeValidator(duration("100ms", "60s")), _DURATION]
PatienceDuration = Annotated[float, BeforeValidator(duration("1s", "1d")), _DURATION]
LeaseDuration = Annotated[float, BeforeValidator(duration("10s", "7d")), _DURATION]
ConfirmDuration = Annotated[float, BeforeValidator(duration("1s", "30d")), _DURATION]
SpoolAge = Annotated[float, BeforeValidator(duration("1m", "365d")), _DURATION]
BaselineAge = Annotated[float, BeforeValidator(duration("1d", "3650d")), _DURATION]
SettleDuration = Annotated[float, BeforeValidator(duration("0s", "7d")), _DURATION]
