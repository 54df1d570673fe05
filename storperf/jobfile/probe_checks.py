"""Checks of `probes` and `observe`, and of what they need of each other."""

from __future__ import annotations

from collections.abc import Iterator

from storperf.jobfile.faults import Fault
from storperf.jobfile.models import JobFile
from storperf.jobfile.probe_section import ObservedSection, ProbeSection
from storperf.model.probe import ProbeHosts


def probe_faults(file: JobFile) -> Iterator[Fault]:
    """Probes without a command or with two, and two of one name."""
    seen: set[str] = set()
    for index, probe in enumerate(file.probes):
        path = ("probes", index)
        if probe.name in seen:
            yield Fault(path, f"two probes are called {probe.name!r}")
        seen.add(probe.name)
        for sentence in _command_faults(probe):
            yield Fault(path, sentence)
        if probe.hosts is ProbeHosts.OBSERVE and not file.observe:
            yield Fault((*path, "hosts"), "the job has no hosts to `observe`")


def _command_faults(probe: ProbeSection) -> Iterator[str]:
    if probe.nagios is not None and (probe.command is not None or probe.pattern is not None):
        yield "`nagios` needs no `command` and no `pattern`; leave them out"
    elif probe.nagios is None and probe.command is None:
        yield "needs a `command` and its `pattern`, or a `nagios` plugin"
    elif probe.command is not None and probe.pattern is None:
        yield "`command` needs a `pattern` that finds the figures in its output"


def observe_faults(file: JobFile) -> Iterator[Fault]:
    """Keys that an observed host cannot have."""
    for index, host in enumerate(file.observe):
        for sentence in _host_faults(host):
            yield Fault(("observe", index), sentence)


def _host_faults(host: ObservedSection) -> Iterator[str]:
    for key in ("target", "reference"):
        if getattr(host, key) is not None:
            yield f"an observed host runs no fio; leave `{key}` out"
    more = sorted(host.model_fields_set - {"address", "local", "labels"})
    if host.local and more:
        yield f"this machine is reached without SSH; leave {', '.join(more)} out"
    ways = [name for name in ("key", "password_file", "password_env") if getattr(host, name)]
    if len(ways) > 1:
        yield f"{' and '.join(ways)} exclude each other; leave all but one out"


def untrusted_watching_faults(file: JobFile) -> Iterator[Fault]:
    """An untrusted job file may name no program and no machine."""
    if file.probes:
        yield Fault(("probes",), "an untrusted job file may not name commands")
    if file.observe:
        yield Fault(("observe",), "an untrusted job file may not name machines")
