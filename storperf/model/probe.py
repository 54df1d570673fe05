"""What is watched besides the load: a user's own probes, and hosts that run no fio."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from storperf.model.host import SshHost


class ProbeHosts(StrEnum):
    """Where a probe runs."""

    ALL = "all"
    AGENTS = "agents"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A user's own command that yields figures, `probe.<name>.<group>`.

    `pattern` is a regular expression whose named groups are numbers; None for a Nagios or Icinga
    plugin.  It runs every `every_s`: for the first `for_s` of a trial alone, and again each
    `each_s`, where these stand.
    """

    name: str
    argv: tuple[str, ...]
    pattern: str | None
    every_s: float
    timeout_s: float
    for_s: float | None = None
    each_s: float | None = None
    hosts: ProbeHosts = ProbeHosts.ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedHost:
    """A host that is watched and runs no fio; without `host` it is this machine."""

    host: SshHost | None


def observed_name(number: int) -> str:
    """The name of an observed host in results and series, the same from night to night."""
    return f"observed-{number:02}"
