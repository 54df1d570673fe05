"""The keys of `probes` and of `observe`: what is watched besides the load."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from storperf.agent.schedule import Schedule
from storperf.jobfile import scalars
from storperf.jobfile.provider_section import HostSection, ssh_host
from storperf.jobfile.section import Section
from storperf.jobfile.section import key as _key
from storperf.model.probe import ObservedHost, Probe, ProbeHosts

LOCAL = "local"
SHAPE = "<every> [for <window> [each <period>]]"
_SHORTEST, _LONGEST = "100ms", "1d"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_SENTENCE = re.compile(r"(\S+)(?: +for +(\S+)(?: +each +(\S+))?)?")


class Times(NamedTuple):
    """A schedule in seconds, as `Probe` has it."""

    every_s: float
    for_s: float | None = None
    each_s: float | None = None


def read_schedule(value: object) -> Times:
    """`10s`, `1s for 30s` or `1s for 10s each 1m`; ValueError says what is wrong."""
    text = scalars.printable(100)(value)
    found = _SENTENCE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not of the form `{SHAPE}`")
    read = scalars.duration(_SHORTEST, _LONGEST)
    times = Times(*(None if word is None else read(word) for word in found.groups()))  # type: ignore[arg-type]
    if times.for_s is not None and times.every_s > times.for_s:
        raise ValueError(f"{text!r}: the window is shorter than what it divides")
    if times.each_s is not None and times.for_s is not None and times.for_s > times.each_s:
        raise ValueError(f"{text!r}: the window is longer than its period")
    Schedule(*times)  # the agent's own opinion
    return times


def _name(value: object) -> str:
    text = scalars.printable(60)(value)
    if _NAME.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no name of a probe: letters, digits and _, a letter first")
    return text


def _words(value: object) -> object:
    """A command as a list of words; a text with blanks would be a single one."""
    if isinstance(value, str) and re.search(r"\s", value):
        raise ValueError("must be a list of words, such as [ceph, -s]; no shell reads it")
    return scalars.one_or_more(value)


def _pattern(value: object) -> str:
    text = scalars.printable(1000)(value)
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression of Python's: {error}") from error
    if not compiled.groupindex:
        raise ValueError("needs a named group such as (?P<queue>\\d+): its number is the figure")
    return text


_Schedule = Annotated[
    Times,
    BeforeValidator(read_schedule),
    WithJsonSchema(
        {
            "type": ["string", "number"],
            "x-kind": "schedule",
            "examples": ["10s", "1s for 10s each 1m"],
        }
    ),
]
_Timeout = Annotated[
    float,
    BeforeValidator(scalars.duration(_SHORTEST, "10m")),
    WithJsonSchema({"type": ["string", "number"], "x-kind": "duration"}),
]
_Words = Annotated[
    tuple[Annotated[str, BeforeValidator(scalars.printable(4096))], ...], BeforeValidator(_words)
]


class ProbeSection(Section):
    """A command of your own that yields figures."""

    probe: Annotated[str, BeforeValidator(_name)] | None = _key(
        "Name of a probe that an installed package offers; the keys that stand here win over its "
        "own. Such a name alone is an entry, too.",
        None,
    )
    name: Annotated[str, BeforeValidator(_name)] = _key(
        "What its figures are called: `probe.<name>.<group>`. Letters, digits and `_`."
    )
    command: _Words | None = _key("The command as a list of words; no shell reads it.", None)
    pattern: Annotated[str, BeforeValidator(_pattern)] | None = _key(
        "A regular expression of Python's, sought in the first 64 KiB of the command's output. "
        "Each named group is a number and a figure.",
        None,
    )
    nagios: _Words | None = _key(
        "Instead of `command` and `pattern`: a Nagios or Icinga plugin. Its exit status 0 to 3 is "
        "the figure `status`, its performance data are the others.",
        None,
    )
    every: _Schedule = _key(
        f"When it runs: `{SHAPE}`. From the beginning of a trial on; what falls due while it still "
        "runs is skipped.",
        Times(10.0),
        shown="10s",
    )
    timeout: _Timeout = _key(
        "After which it is killed, with all that it started; 100ms to 10m.", 5.0, shown="5s"
    )
    hosts: Annotated[
        ProbeHosts,
        BeforeValidator(scalars.word(*ProbeHosts)),
        WithJsonSchema({"type": "string", "enum": [each.value for each in ProbeHosts]}),
    ] = _key(
        "Where it runs: on the agents, on the hosts of `observe`, or on all of them.",
        ProbeHosts.ALL,
        shown="all",
    )


class ObservedSection(HostSection):
    """A host that is watched and runs no fio; the keys are those of a [host](#hosts)."""

    local: scalars.Flag = _key(
        "This machine, without SSH; the word `local` alone says the same.", False, shown=False
    )

    @model_validator(mode="before")
    @classmethod
    def _plain_address(cls, value: Any) -> Any:
        if value == LOCAL:
            value = {"local": True}
        if isinstance(value, dict) and value.get("local") is True:
            return {"address": "localhost", **value}
        return {"address": value} if isinstance(value, str) else value


Probes = Annotated[tuple[ProbeSection, ...], BeforeValidator(scalars.one_or_more)]
Observed = Annotated[tuple[ObservedSection, ...], BeforeValidator(scalars.one_or_more)]


def probe(section: ProbeSection) -> Probe:
    """The probe of an entry."""
    return Probe(
        name=section.name,
        argv=section.nagios or section.command or (),
        pattern=section.pattern,
        timeout_s=section.timeout,
        hosts=section.hosts,
        **section.every._asdict(),
    )


def observed_host(section: ObservedSection) -> ObservedHost:
    """The observed host of an entry."""
    return ObservedHost(host=None if section.local else ssh_host(section))
