"""A job file's text as plain values, with the line on which each of them stands.

Scalars stay the text that was written, except `true`, `false` and null.  So nothing is bent
on the way: with a YAML 1.1 loader `no` is False, `1:30` is 90, `010` is 8 and 1.10 is 1.1.
The keys' own types read the text afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
_MOST_FATAL = 100

Path: TypeAlias = tuple[str | int, ...]
Value: TypeAlias = "str | bool | list[Value] | dict[str, Value] | None"

_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
# libyaml where PyYAML was built with it: a file of 1 MB is read in 0.2 s instead of 5 s.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The top mapping, the line of every key and element, and what was wrong already."""

    top: dict[str, Value]
    lines: dict[Path, int]
    faults: tuple[str, ...]

    def line(self, path: Path) -> int:
        """The line of the nearest thing at or above `path` that stands in the file."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return self.lines.get((), 1)


class NotReadableError(ValueError):
    """The text is no single YAML mapping; `faults` says why, each with its line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def read_source(text: str) -> Source:
    """Give the text's top mapping; NotReadableError when nothing can be said about its keys."""
    _check_text(text)
    reader = _Reader()
    try:
        top = reader.document(yaml.parse(text.removeprefix("\ufeff"), Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        what = error.problem or error.context or "it cannot be read"
        raise NotReadableError([f"line {line}: not YAML: {what}"]) from error
    except yaml.YAMLError as error:
        raise NotReadableError([f"line 1: not YAML: {error}"]) from error
    if reader.fatal:
        raise NotReadableError(reader.fatal[:_MOST_FATAL])
    if top is None:
        raise NotReadableError(["line 1: the file is empty; name, target and workloads are needed"])
    if not isinstance(top, dict):
        raise NotReadableError(
            ["line 1: the file must be a mapping of keys such as `name: nightly`"]
        )
    return Source(top=top, lines=reader.lines, faults=tuple(reader.faults))


def _check_text(text: str) -> None:
    size = len(text.encode(errors="surrogatepass"))
    if size > MAX_BYTES:
        raise NotReadableError([f"line 1: the file has {size} bytes; at most {MAX_BYTES} are read"])
    found = _NOT_TEXT.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        raise NotReadableError(
            [f"line {line}: the file holds the control character U+{ord(found[0]):04X}"]
        )


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


@dataclass
class _Reader:
    """Builds values from YAML events; depth is bounded, aliases and tags are refused."""

    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    fatal: list[str] = field(default_factory=list)

    def document(self, events: Iterator[yaml.Event]) -> Value:
        """The only document's value."""
        value: Value = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    line = _line(event)
                    self.fatal.append(f"line {line}: a second document begins; one file is one job")
                    return None
                value = self._value(next(events), events, ())
        return value

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> Value:
        line = _line(event)
        self.lines.setdefault(path, line)
        if len(path) > MAX_DEPTH:
            raise NotReadableError([f"line {line}: more than {MAX_DEPTH} levels deep"])
        if isinstance(event, yaml.AliasEvent):
            self.fatal.append(
                f"line {line}: aliases (*{event.anchor}) are not read; repeat the value"
            )
            return None
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.fatal.append(f"line {line}: tags ({tag}) are not read; write the plain value")
        if isinstance(event, yaml.ScalarEvent):
            return event.value if event.style else _WORDS.get(event.value, event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path)
        return self._mapping(events, path)

    def _sequence(self, events: Iterator[yaml.Event], path: Path) -> list[Value]:
        values: list[Value] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            values.append(self._value(event, events, (*path, len(values))))
        return values

    def _mapping(self, events: Iterator[yaml.Event], path: Path) -> dict[str, Value]:
        values: dict[str, Value] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                self._value(event, events, (*path, ""))
                self.fatal.append(f"line {line}: a key must be a word")
                self._value(next(events), events, (*path, ""))
                continue
            key = event.value
            if key in values:
                first = self.lines[*path, key]
                self.faults.append(f"line {line}: key {key!r} stands twice, first on line {first}")
                self._value(next(events), events, (*path, key))
                continue
            self.lines[*path, key] = line
            values[key] = self._value(next(events), events, (*path, key))
        return values
