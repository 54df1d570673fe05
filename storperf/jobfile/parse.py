"""A job file's text to a Job, or to all of its faults at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from pydantic import ValidationError

from storperf.errors import JobFileError
from storperf.jobfile import defaults
from storperf.jobfile.checks import Checked, cross_faults
from storperf.jobfile.composition import OfferedProbes, OpenFile, compose
from storperf.jobfile.faults import Fault, model_faults, null_faults, render_faults
from storperf.jobfile.models import GraphiteSection, JobFile
from storperf.jobfile.pairing import reference_target
from storperf.jobfile.places import Places
from storperf.jobfile.probe_section import observed_host, probe
from storperf.jobfile.provider_section import ssh_host
from storperf.jobfile.source import NotReadableError, Source, Value, read_source
from storperf.jobfile.stack_section import stack
from storperf.jobfile.target_section import TargetSection
from storperf.jobfile.workload_entries import read_workloads
from storperf.model.ending import Confirmation
from storperf.model.job import (
    CANDIDATE,
    REFERENCE,
    Graphite,
    Job,
    Matrix,
    Origin,
    Provider,
    Side,
    Workload,
)
from storperf.model.stack import Volume
from storperf.model.target import FileSystem, RbdImage, Target
from storperf.workloads.suites import SUITES

NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


def no_files(name: str) -> str:
    """For a text that stands alone: it can name no file."""
    raise ValueError(f"{name!r} cannot be read from here; write the fio job file's own text")


def no_probes() -> Mapping[str, Mapping[str, Value]]:
    """For a text that stands alone: no package offers it a probe."""
    return {}


# Stand in for keys that are wrong or missing, so that the checks between the others still run.
_STAND_INS: dict[str, Value] = {
    "name": "x",
    "target": {"null_engine": True},
    "workloads": ["rr"],
}


def parse_job(  # noqa: PLR0913 - what a job file may lean on, by keyword
    text: str,
    *,
    source: str,
    origin: Origin = Origin.TRUSTED,
    library: Mapping[str, str] = SUITES,
    variables: Mapping[str, str] = NO_VARIABLES,
    open_file: OpenFile = no_files,
    offered: OfferedProbes = no_probes,
    places: Places | None = None,
) -> Job:
    """The job that `text` asks for, every default filled in.

    `source` names the text in messages; `library` holds the texts of suites and profiles that
    it may name; `variables` win over its own; `open_file` gives a fio job file's text, or raises
    ValueError; `offered` gives the probes of installed packages by name; `places` are what an
    untrusted text may name of a server's configuration.  Raises JobFileError with every fault
    found, each with its line.  An untrusted text is held to harmless fio options, programs and
    places.
    """
    try:
        composed = compose(read_source(text), library, variables, open_file, offered, places)
    except NotReadableError as error:
        raise JobFileError(source, error.faults) from error
    read = composed.source
    file, faults = _read_keys(read)
    faults = [*composed.faults, *faults]
    wrong = frozenset(str(fault.path[0]) for fault in faults if fault.path)
    unsafe_allowed = file.allow_unsafe_fio_options and origin is Origin.TRUSTED
    workloads, workload_faults = read_workloads(
        () if "workloads" in wrong else file.workloads, library, unsafe_allowed=unsafe_allowed
    )
    if workload_faults:
        wrong |= {"workloads"}
    checked = Checked(
        file=file, workloads=workloads, origin=origin, wrong=wrong, vouched=composed.vouched
    )
    faults = [*faults, *workload_faults, *cross_faults(checked)]
    if faults or read.faults:
        raise JobFileError(source, render_faults(read, faults))
    return _job(file, workloads, origin, text if composed.text is None else composed.text)


def _read_keys(read: Source) -> tuple[JobFile, list[Fault]]:
    """The keys that are right one by one, stand-ins for the others, and the others' faults."""
    faults = null_faults(read)
    try:
        file = JobFile.model_validate(read.top)
    except ValidationError as error:
        faults += model_faults(JobFile, error)
    if not faults:
        return file, []
    wrong = {str(fault.path[0]) for fault in faults}
    right = {key: value for key, value in read.top.items() if key not in wrong}
    return JobFile.model_validate(_STAND_INS | right), faults


def _job(file: JobFile, workloads: Sequence[Workload], origin: Origin, text: str) -> Job:
    graphite = file.graphite
    return Job(
        name=file.name,
        lab=file.lab,
        origin=origin,
        provider=Provider(
            kind=file.provider.kind,
            fio=file.provider.fio,
            hosts=tuple(ssh_host(host) for host in file.provider.hosts),
            fio_binary=file.provider.fio_binary,
            install_fio=file.provider.install_fio,
            on_lost_agent=file.provider.on_lost_agent,
            patience_s=file.provider.patience,
            lease_s=file.provider.lease,
            remove_agent=file.provider.remove_agent,
            stack=None if file.provider.stack is None else stack(file.provider.stack),
        ),
        sides=_sides(file),
        workloads=tuple(workloads),
        matrix=Matrix(
            block_sizes_bytes=file.matrix.block_size,
            queue_depths=defaults.queue_depths(file),
            numjobs=file.matrix.numjobs,
            agents=file.matrix.agents,
        ),
        ending=defaults.ending(file),
        interval_s=defaults.interval_s(file),
        repeats=file.repeats,
        ioengine=defaults.ioengine(file),
        direct=file.direct,
        precondition=defaults.precondition(file),
        limits=file.limits,
        baseline_runs=file.baseline.runs,
        baseline_age_s=file.baseline.max_age,
        graphite=None if graphite is None else _graphite(graphite),
        text=text,
        rounds=defaults.rounds(file),
        search=defaults.search(file),
        sensors=defaults.sensors(file),
        confirmation=Confirmation(when=file.confirm.when, at_most_s=file.confirm.at_most),
        probes=tuple(probe(each) for each in file.probes),
        observe=tuple(observed_host(each) for each in file.observe),
        resources=file.resources,
    )


def _sides(file: JobFile) -> tuple[Side, ...]:
    candidate = Side(name=CANDIDATE, targets=_targets(file.target))
    reference = reference_target(file)
    if reference is None:
        return (candidate,)
    return (candidate, Side(name=REFERENCE, targets=_targets(reference)))


def _graphite(graphite: GraphiteSection) -> Graphite:
    names = {"spool_size": "spool_bytes", "spool_age": "spool_age_s"}
    return Graphite(**{names.get(key, key): each for key, each in graphite.model_dump().items()})


def _targets(target: TargetSection) -> tuple[Target, ...]:
    if target.volume is None:
        return (_target(target),)
    volume = Volume(size_bytes=target.volume.size, type=target.volume.type)
    # Each agent finds out how its host calls it.
    made = replace(_target(target), path="volume", destroy=True, volume=volume)
    return (made,) * target.volume.count


def _target(target: TargetSection) -> Target:
    rbd = None if target.rbd is None else RbdImage(**target.rbd.model_dump())
    image = "" if rbd is None else f"{rbd.cluster}:{rbd.pool}/{rbd.image}"
    return Target(
        kind=defaults.kind(target),
        path=target.directory or target.device or target.nbd or image,
        size_bytes=defaults.span_bytes(target),
        serial=target.serial,
        destroy=target.destroy,
        nrfiles=target.nrfiles,
        rbd=rbd,
        file_system=_file_system(target),
    )


def _file_system(target: TargetSection) -> FileSystem | None:
    if target.mkfs is None:
        return None
    return FileSystem(
        type=target.mkfs.type,
        mkfs_options=target.mkfs.options,
        mount_options=() if target.mount is None else target.mount.options,
    )
