"""What a job file leaves to others, filled in before its keys are read.

A suite lends its keys, a profile its fio options, a variable its value.  What comes out stands
for itself: it is what the run keeps, so that a suite or a profile may change afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import yaml

from storperf.fio.job_text import include_text
from storperf.jobfile.faults import Fault, nearest
from storperf.jobfile.places import Places, put_in
from storperf.jobfile.source import (
    MAX_BYTES,
    NotReadableError,
    Path,
    Source,
    Value,
    read_source,
)
from storperf.workloads.shipped import WORKLOADS

# Keys of a suite or a profile that speak of itself, not of a job.
_OWN_WORDS = ("description",)
# Keys that exclude each other: the job file's one takes the place of the suite's other one.
_EXCLUDING = {"duration": "until", "until": "duration"}
# A short text must not become a long one on the way: a variable of half a million characters
# that stands in a thousand places, or a profile in as many.
_MOST_FILLED = MAX_BYTES
_MOST_WORKLOADS = 1000
# For a fio job file that cannot be read, so that the checks of the others still run.
_STAND_IN = "[x]\nrw=read\nruntime=1\n"

OpenFile = Callable[[str], str]
OfferedProbes = Callable[[], Mapping[str, Mapping[str, Value]]]

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """The job file as a whole; `text` is None when nothing had to be filled in."""

    source: Source
    text: str | None
    faults: list[Fault]
    vouched: frozenset[Path] = frozenset()


def compose(  # noqa: PLR0913, PLR0917 - all that a job file may lean on
    read: Source,
    library: Mapping[str, str],
    given: Mapping[str, str],
    open_file: OpenFile,
    offered: OfferedProbes,
    places: Places | None = None,
) -> Composed:
    """Fill in suite, profiles, variables, fio job files and probes.

    `library` maps the names of suites and profiles to their YAML texts; `given` holds
    variables that win over the file's own; `open_file` gives the text of a file that stands
    beside the job file, or raises ValueError; `offered` gives the keys of the probes of
    installed packages, and is asked only when the file names one; `places` are a server's
    names, None where there is no server.
    """
    faults: list[Fault] = []
    source = _with_suite(read, library, faults)
    source = _with_profiles(source, library, faults)
    source = _with_variables(source, given, faults)
    source = _with_fio_files(source, open_file, faults)
    vouched: frozenset[Path] = frozenset()
    if places is not None:
        placed = put_in(source, places)
        source, vouched = placed.source, placed.vouched
        faults += placed.faults
    source = _with_inventory(source, open_file, faults)
    source = _with_probes(source, offered, faults)
    text = None
    if source is not read:
        top = _escaped(source.top)
        text = yaml.safe_dump(top, sort_keys=False, allow_unicode=True, width=100)
    return Composed(source=source, text=text, faults=faults, vouched=vouched)


def read_entry(name: str, text: str) -> tuple[dict[str, Value], bool]:
    """What a suite or a profile says, and whether it is a suite; ValueError when it is neither."""
    try:
        read = read_source(text)
    except NotReadableError as error:
        raise ValueError(f"{name!r} cannot be read: {error}") from error
    if read.faults:
        raise ValueError(f"{name!r} cannot be read: {'; '.join(read.faults)}")
    kept = {key: value for key, value in read.top.items() if key not in _OWN_WORDS}
    return kept, "workloads" in kept


def _with_suite(read: Source, library: Mapping[str, str], faults: list[Fault]) -> Source:
    name = read.top.get("suite")
    if not isinstance(name, str):
        return read
    own = {key: value for key, value in read.top.items() if key != "suite"}
    suite: dict[str, Value] = {}
    if name in library:
        try:
            suite, is_suite = read_entry(name, library[name])
        except ValueError as error:
            faults.append(Fault(("suite",), str(error)))
        else:
            if not is_suite:
                message = f"{name!r} is a workload, no suite: name it in `workloads`"
                faults.append(Fault(("suite",), message))
                suite = {}
    elif name in WORKLOADS:
        faults.append(Fault(("suite",), f"{name!r} is a workload: name it in `workloads`"))
    else:
        faults.append(Fault(("suite",), f"no suite is called {name!r}; {nearest(name, library)}"))
    merged = _merged(suite, own)
    if faults:
        merged.setdefault("workloads", ["rr"])  # the fault is the suite's, not a missing key
    line = read.line(("suite",))
    lent: dict[Path, int] = {(key,): line for key in merged if key not in own}
    return replace(read, top=merged, lines={**lent, **read.lines})


def _merged(suite: dict[str, Value], own: dict[str, Value]) -> dict[str, Value]:
    """The suite's keys, the file's own above them; of a section, key by key."""
    merged = {key: value for key, value in suite.items() if _EXCLUDING.get(key) not in own}
    for key, value in own.items():
        lent = merged.get(key)
        if isinstance(lent, dict) and isinstance(value, dict):
            merged[key] = {**lent, **value}
        else:
            merged[key] = value
    # The name first, as people write it.
    return {key: merged[key] for key in sorted(merged, key=lambda key: key != "name")}


def _with_profiles(read: Source, library: Mapping[str, str], faults: list[Fault]) -> Source:
    entries = read.top.get("workloads")
    if isinstance(entries, str):
        entries = [entries]
    if not isinstance(entries, list):
        return read
    if len(entries) > _MOST_WORKLOADS:
        line = read.line(("workloads",))
        words = f"line {line}: workloads: {len(entries)} stand there; at most {_MOST_WORKLOADS} can"
        raise NotReadableError([words])
    filled: list[Value] = []
    budget = _Budget("profiles")
    for index, entry in enumerate(entries):
        if not isinstance(entry, str) or entry in WORKLOADS or entry not in library:
            filled.append(entry)
            continue
        path = ("workloads", index)
        text = library[entry]
        budget.spend(text)
        try:
            options, is_suite = read_entry(entry, text)
        except ValueError as error:
            faults.append(Fault(path, str(error)))
            continue
        if is_suite:
            faults.append(Fault(path, f"{entry!r} is a suite: write `suite: {entry}`"))
            continue
        filled.append({"name": entry, **options})
    if filled == entries:
        return read
    return replace(read, top={**read.top, "workloads": filled})


def _with_fio_files(read: Source, open_file: OpenFile, faults: list[Fault]) -> Source:
    """Put the text of a fio job file, includes and all, in the place of its name."""
    entries = read.top.get("workloads")
    if not isinstance(entries, list):
        return read
    filled: list[Value] = []
    for index, entry in enumerate(entries):
        named = entry.get("fio_file") if isinstance(entry, dict) else None
        # A text of several lines is a job file already, as in the text that a run keeps.
        if not isinstance(entry, dict) or not isinstance(named, str) or "\n" in named:
            filled.append(entry)
            continue
        try:
            text = include_text(named, open_file)
        except ValueError as error:
            faults.append(Fault(("workloads", index, "fio_file"), str(error)))
            text = _STAND_IN
        filled.append({**entry, "fio_file": text})
    if filled == entries:
        return read
    return replace(read, top={**read.top, "workloads": filled})


def _with_inventory(read: Source, open_file: OpenFile, faults: list[Fault]) -> Source:
    """Put the hosts of an inventory in the place of its name."""
    provider = read.top.get("provider")
    named = provider.get("inventory") if isinstance(provider, dict) else None
    if not isinstance(provider, dict) or not isinstance(named, str):
        return read
    path = ("provider", "inventory")
    rest = {key: value for key, value in provider.items() if key != "inventory"}
    hosts: Value = ["host.invalid"]  # where it cannot be read, so that other checks still run
    if "hosts" in rest:
        faults.append(Fault(path, "`inventory` and `hosts` exclude each other; leave one out"))
        hosts = rest["hosts"]
    else:
        try:
            inventory = read_source(open_file(named))
        except (ValueError, NotReadableError) as error:
            faults.append(Fault(path, f"{named!r} cannot be read: {error}"))
        else:
            hosts = inventory.top.get("hosts", [])
            unknown = sorted(set(inventory.top) - {"hosts"})
            if unknown or inventory.faults:
                what = "; ".join((*inventory.faults, *(f"unknown key {key}" for key in unknown)))
                faults.append(Fault(path, f"{named!r}: {what}"))
    lines = {**read.lines, ("provider", "hosts"): read.line(path)}
    top = {**read.top, "provider": {**rest, "hosts": hosts}}
    return replace(read, top=top, lines=lines)


def _with_probes(read: Source, offered: OfferedProbes, faults: list[Fault]) -> Source:
    """Put the keys of an offered probe in the place of its name."""
    entries = read.top.get("probes")
    entries = [entries] if isinstance(entries, str | dict) else entries
    if not isinstance(entries, list):
        return read
    filled: list[Value] = []
    for index, entry in enumerate(entries):
        own = {"probe": entry} if isinstance(entry, str) else entry
        name = own.get("probe") if isinstance(own, dict) else None
        if not isinstance(own, dict) or not isinstance(name, str):
            filled.append(entry)
            continue
        known = offered()
        if name in known:
            rest = {key: value for key, value in own.items() if key != "probe"}
            filled.append({"name": name, **known[name], **rest})
            continue
        near = nearest(name, known) if known else "no installed package offers any"
        faults.append(Fault(("probes", index), f"no probe is called {name!r}; {near}"))
        filled.append({"name": f"x{index}", "nagios": ["x"]})  # so that the other checks still run
    if filled == entries:
        return read
    return replace(read, top={**read.top, "probes": filled})


def _with_variables(read: Source, given: Mapping[str, str], faults: list[Fault]) -> Source:
    if "variables" not in read.top and not given and not _mentions(read.top):
        return read
    said = read.top.get("variables", {})
    variables: dict[str, Value] = {}
    if not isinstance(said, dict):
        faults.append(Fault(("variables",), "must be a mapping of names to values"))
    else:
        variables = dict(said)
    for name, value in variables.items():
        if _NAME.fullmatch(name) is None:
            message = "is no name of a variable: letters, digits and _, no digit first"
            faults.append(Fault(("variables", name), message))
        elif isinstance(value, dict):
            faults.append(Fault(("variables", name), "must be a single value or a list of them"))
    for name, text in given.items():
        if name not in variables:
            message = f"{name!r} was given, but the job has no such variable; "
            faults.append(Fault(("variables",), message + nearest(name, variables)))
        variables[name] = _given_value(text)
    rest = {key: value for key, value in read.top.items() if key != "variables"}
    filler = _Filler(variables, faults, _Budget("variables"))
    top = {key: filler.filled(value, (key,)) for key, value in rest.items()}
    return replace(read, top=top)


def _given_value(text: str) -> Value:
    """What was given for a variable: `[4k, 16k]` is a list, anything else a single value."""
    if not (text.startswith("[") and text.endswith("]")):
        return text
    return [part.strip() for part in text[1:-1].split(",") if part.strip()]


def _mentions(value: Value) -> bool:
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, dict):
        return any(map(_mentions, value.values()))
    return isinstance(value, list) and any(map(_mentions, value))


def _escaped(value: Value) -> Value:
    """The value with `$${` for each `${`: when the text is read again, nothing is filled in."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, dict):
        return {key: _escaped(inner) for key, inner in value.items()}
    return [_escaped(inner) for inner in value] if isinstance(value, list) else value


@dataclass(slots=True)
class _Budget:
    """How much may be filled in; NotReadableError when it is spent."""

    what: str
    spent: int = 0

    def spend(self, value: Value) -> None:
        self.spent += _length(value)
        if self.spent > _MOST_FILLED:
            words = f"line 1: its {self.what} come to more than {_MOST_FILLED} characters"
            raise NotReadableError([words])


def _length(value: Value) -> int:
    if isinstance(value, list):
        return sum(map(_length, value)) + len(value)
    if isinstance(value, dict):
        return sum(len(key) + _length(inner) for key, inner in value.items())
    return len(value) if isinstance(value, str) else 1


@dataclass(frozen=True, slots=True)
class _Filler:
    """Puts values in the place of `${NAME}`; `$${` stands for `${`."""

    variables: Mapping[str, Value]
    faults: list[Fault]
    budget: _Budget

    def filled(self, value: Value, path: Path) -> Value:
        if isinstance(value, dict):
            return {key: self.filled(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(inner, (*path, index)) for index, inner in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        whole = _REFERENCE.fullmatch(value)
        if whole is not None and whole[1] is not None:
            return self._value(whole[1], path)  # a list may stand for the whole value
        return _REFERENCE.sub(lambda found: self._text(found, path), value)

    def _text(self, found: re.Match[str], path: Path) -> str:
        if found[1] is None:
            return "${"
        value = self._value(found[1], path)
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return str(value).lower()
        self.faults.append(Fault(path, f"${{{found[1]}}} is a list; it can only stand alone"))
        return ""

    def _value(self, name: str, path: Path) -> Value:
        if name not in self.variables:
            known = nearest(name, self.variables) if self.variables else "`variables` has none"
            self.faults.append(Fault(path, f"no variable is called {name!r}; {known}"))
            return "0"
        self.budget.spend(self.variables[name])
        return self.variables[name]
