"""A server's configuration file, read and checked as a whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ValidationError

from storperf.errors import JobFileError, UsageError
from storperf.jobfile.composition import compose
from storperf.jobfile.faults import Fault, model_faults, null_faults, render_faults
from storperf.jobfile.models import GraphiteSection, JobFile
from storperf.jobfile.parse import no_probes
from storperf.jobfile.places import Places
from storperf.jobfile.probe_section import ObservedSection, ProbeSection
from storperf.jobfile.source import NotReadableError, Source, Value, read_source
from storperf.jobfile.source import Path as KeyPath
from storperf.jobfile.target_checks import target_faults
from storperf.settings import Settings
from storperf.web.compatible.allowed import Allowed
from storperf.web.configuration import Configuration, Limits
from storperf.web.configuration_sections import NamedProviderSection, ServerFile

MAX_BYTES = 1 << 20
_WHAT = "a configuration that a server can use"
# What a name may mean, by the key under which it stands.
_NAMED: Mapping[str, type[BaseModel]] = {
    "providers": NamedProviderSection,
    "graphites": GraphiteSection,
    "probes": ProbeSection,
    "observed": ObservedSection,
}


def default_path(settings: Settings) -> Path:
    """Where the configuration is looked for."""
    configured = settings.environment.get("XDG_CONFIG_HOME")
    return (Path(configured) if configured else settings.home / ".config") / "storperf/serve.yaml"


def load_configuration(settings: Settings, path: Path | None) -> Configuration:
    """The configuration in a file, by default in the usual place, where none need be.

    JobFileError names every fault with its line; UsageError when it cannot be read, or when
    others could have written it.
    """
    chosen = path or default_path(settings)
    if path is None and not chosen.exists():
        return parse_configuration("{}", chosen)
    try:
        with chosen.open("rb") as file:
            others_write = os.fstat(file.fileno()).st_mode & stat.S_IWOTH
            content = file.read(MAX_BYTES + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise UsageError(f"cannot read the configuration {chosen}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{chosen} is not UTF-8 text: {error.reason}") from error
    if others_write:
        raise UsageError(f"everybody may write {chosen}, so nobody can trust it; chmod o-w")
    return parse_configuration(text, chosen)


def parse_configuration(text: str, path: Path) -> Configuration:
    """The configuration that a text says; its relative paths start at the folder of `path`."""
    try:
        read = read_source(text)
    except NotReadableError as error:
        raise JobFileError(str(path), error.faults, _WHAT) from error
    faults = null_faults(read)
    file = ServerFile()
    try:
        file = ServerFile.model_validate(read.top)
    except ValidationError as error:
        faults += model_faults(ServerFile, error)
    named = _Names(read, path.parent, faults)
    faults += _target_faults(read.top.get("targets"), ("targets",))
    compatible = read.top.get("compatible")
    if isinstance(compatible, dict):
        faults += _target_faults(compatible.get("targets"), ("compatible", "targets"))
    places = Places(
        providers=named.of("providers", without="directories"),
        targets=named.of("targets"),
        graphites=named.of("graphites"),
        probes=named.of("probes"),
        observed=named.of("observed"),
        directories=named.directories(),
    )
    faults += _rules(file)
    if faults or read.faults:
        raise JobFileError(str(path), render_faults(read, faults), _WHAT)
    return _configuration(file, places, path.parent)


class _Names:
    """The named sections of a file; what is wrong with them is added to `faults`."""

    def __init__(self, read: Source, folder: Path, faults: list[Fault]) -> None:
        self._top = read.top
        self._folder = folder
        self._faults = faults

    def of(self, kind: str, without: str | None = None) -> dict[str, Value]:
        """What the names of a kind mean, as a job file would say it."""
        meant: dict[str, Value] = {}
        for name, value in self._entries(kind):
            whole = self._with_hosts(name, value) if kind == "providers" else value
            if kind in _NAMED:
                self._faults += _faults_in(_NAMED[kind], whole, (kind, name))
            if isinstance(whole, dict):
                whole = {key: each for key, each in whole.items() if key != without}
            meant[name] = whole
        return meant

    def _entries(self, kind: str) -> Iterator[tuple[str, Value]]:
        section = self._top.get(kind)
        if isinstance(section, dict):
            yield from section.items()

    def _with_hosts(self, name: str, value: Value) -> Value:
        """A provider with the hosts of its inventory in the place of the file's name."""
        composed = compose(
            Source(top={"provider": value}, lines={}, faults=()),
            {},
            {},
            partial(_beside, self._folder),
            no_probes,
        )
        for fault in composed.faults:
            self._faults.append(Fault(("providers", name, *fault.path[1:]), fault.sentence))
        return composed.source.top["provider"]

    def directories(self) -> dict[str, tuple[str, ...]]:
        """The directories that requests may name, by provider."""
        found = {}
        for name, value in self._entries("providers"):
            said = value.get("directories") if isinstance(value, dict) else None
            each = tuple(map(str, said if isinstance(said, list) else [said] if said else []))
            for directory in each:
                if not directory.startswith("/") or ".." in directory.split("/"):
                    words = f"{directory!r} is no absolute directory"
                    self._faults.append(Fault(("providers", name, "directories"), words))
            found[name] = each
        return found


def _faults_in(model: type[BaseModel], value: Value, above: KeyPath) -> Iterator[Fault]:
    try:
        model.model_validate(value)
    except ValidationError as error:
        for fault in model_faults(model, error):
            yield Fault((*above, *fault.path), fault.sentence)


def _target_faults(named: Value, above: KeyPath) -> Iterator[Fault]:
    """What is wrong with targets, each looked at as the target of a job."""
    for name, value in named.items() if isinstance(named, dict) else ():
        try:
            file = JobFile.model_validate({"name": "x", "workloads": ["rr"], "target": value})
        except ValidationError as error:
            found = model_faults(JobFile, error)
        else:
            found = list(target_faults(file))
        for fault in found:
            yield Fault((*above, name, *fault.path[1:]), fault.sentence)


def _beside(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error


def _rules(file: ServerFile) -> Iterator[Fault]:
    if file.socket is not None and file.tls is not None:
        yield Fault(("tls",), "nobody listens on a Unix socket from outside; leave one out")


def _configuration(file: ServerFile, places: Places, folder: Path) -> Configuration:
    host, port = file.listen
    limits = file.limits
    return Configuration(
        host=host,
        port=port,
        socket=None if file.socket is None else folder / file.socket,
        certificate=None if file.tls is None else folder / file.tls.certificate,
        key=None if file.tls is None else folder / file.tls.key,
        hosts=frozenset(name.lower() for name in file.hosts),
        origins=frozenset(file.origins),
        networks=tuple((each.range, each.scope) for each in file.networks),
        proxies=file.proxies,
        runs_at_once=limits.runs_at_once,
        keep_audit_s=file.keep_audit,
        limits=Limits(
            body_bytes=limits.body,
            requests_per_s=limits.requests_per_s,
            failed_logins=limits.failed_logins,
            queued_runs=limits.queued_runs,
        ),
        places=places,
        compatible=Allowed(
            configurations=file.compatible.configurations,
            targets=file.compatible.targets,
            stack=file.compatible.stack,
            networks=file.compatible.networks,
            known_hosts=tuple(folder / each for each in file.compatible.known_hosts),
        ),
    )
