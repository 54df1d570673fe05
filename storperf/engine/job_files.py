"""Job files on this machine: read, parsed, their targets placed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from storperf.engine.offered_probes import offered_probes
from storperf.errors import UsageError
from storperf.jobfile.parse import NO_VARIABLES, no_probes, parse_job
from storperf.model.host import SshHost
from storperf.model.job import Job, Origin, Provider
from storperf.model.target import Target, TargetKind
from storperf.workloads.suites import SUITES

MAX_JOB_FILE_BYTES = 1 << 20


def read_job_file(
    path: Path,
    directory: Path,
    origin: Origin,
    library: Mapping[str, str] = SUITES,
    variables: Mapping[str, str] = NO_VARIABLES,
) -> Job:
    """The job in a file; relative target paths start at `directory`.

    `library` and `variables` as `parse_job` takes them.
    """
    try:
        with path.open("rb") as source:
            content = source.read(MAX_JOB_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read the job file {path}: {error.strerror}") from error
    if len(content) > MAX_JOB_FILE_BYTES:
        raise UsageError(f"{path} is larger than 1 MiB; that is no job file")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8 text: {error.reason} at byte {error.start}"
        ) from error
    job = parse_job(
        text,
        source=str(path),
        origin=origin,
        library=library,
        variables=variables,
        open_file=partial(_read_beside, path.parent, origin),
        offered=no_probes if origin is Origin.UNTRUSTED else offered_probes,
    )
    return place_targets(job, directory)


def _read_beside(folder: Path, origin: Origin, name: str) -> str:
    """A file that a job file names, from the job file's folder on; ValueError says why not."""
    if origin is Origin.UNTRUSTED:
        raise ValueError("an untrusted job file may name no other file")
    path = folder / name
    try:
        with path.open("rb") as source:
            content = source.read(MAX_JOB_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > MAX_JOB_FILE_BYTES:
        raise ValueError(f"{path} is larger than 1 MiB; that is no fio job file")
    return content.decode("utf-8")


def place_targets(job: Job, directory: Path) -> Job:
    """The job with all paths of this machine made absolute, from `directory` on."""

    def place(target: Target) -> Target:
        if target.kind is not TargetKind.DIRECTORY or job.provider.kind != "local":
            return target
        return replace(target, path=os.path.normpath(directory / target.path))

    sides = tuple(
        replace(side, targets=tuple(place(target) for target in side.targets)) for side in job.sides
    )
    observe = tuple(
        each if each.host is None else replace(each, host=place_hosts((each.host,), directory)[0])
        for each in job.observe
    )
    provider = _place_provider(job.provider, directory)
    return replace(job, sides=sides, provider=provider, observe=observe)


def _place_provider(provider: Provider, directory: Path) -> Provider:
    """The provider with the paths of this machine made absolute; those of a home stay."""
    return replace(
        provider,
        hosts=place_hosts(provider.hosts, directory),
        fio_binary=_place(provider.fio_binary, directory),
    )


def place_hosts(hosts: Iterable[SshHost], directory: Path) -> tuple[SshHost, ...]:
    """Hosts with the paths of their keys and passwords made absolute, from `directory` on."""
    return tuple(
        replace(
            host,
            key=_place(host.key, directory),
            password_file=_place(host.password_file, directory),
        )
        for host in hosts
    )


def _place(path: str | None, directory: Path) -> str | None:
    if path is None or path.startswith("~"):
        return path
    return os.path.normpath(directory / path)
