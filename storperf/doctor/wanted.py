"""What a machine is to be fit for: a job, or whatever may be measured in a directory."""

from __future__ import annotations

from dataclasses import dataclass

from storperf.fio import engines
from storperf.model.job import Job
from storperf.model.target import Target, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What will be asked of the machine.  `outstanding` is queue depth x fio jobs, at most.

    `servers` are the targets that only fio reaches, in words.
    """

    job: str | None
    provider: str
    fio: str
    ioengine: str
    direct: bool
    targets: tuple[Target, ...]
    outstanding: int
    numjobs: int
    servers: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """The span of all targets together; whole devices and unsaid sizes count nothing."""
        return sum(target.size_bytes or 0 for target in self.targets)

    @property
    def is_cached(self) -> bool:
        """Whether the page cache lies between fio and the storage."""
        return not self.direct or self.ioengine in engines.ALWAYS_CACHED


def wanted_by_job(job: Job, instead: str | None = None) -> Wanted:
    """What a job asks of its machine; the null engine and targets on servers need no place.

    `instead` is a path that takes the place of the job's targets; it keeps the largest size.
    """
    every = [target for side in job.sides for target in side.targets]
    servers = tuple(f"{target.kind} {target.path}" for target in every if target.kind.is_remote)
    targets = {
        target.path: target
        for target in every
        if target.kind is not TargetKind.NULL and not target.kind.is_remote
    }
    if instead is not None:
        sizes = [target.size_bytes or 0 for target in every]
        size_bytes = max(sizes, default=0) or None
        targets = {instead: Target(kind=TargetKind.DIRECTORY, path=instead, size_bytes=size_bytes)}
    numjobs = max(job.matrix.numjobs)
    return Wanted(
        job=job.name,
        provider=job.provider.kind,
        servers=servers if instead is None else (),
        fio=job.provider.fio,
        ioengine=job.ioengine,
        direct=job.direct,
        targets=tuple(targets.values()),
        outstanding=max(job.matrix.queue_depths) * numjobs,
        numjobs=numjobs,
    )


def wanted_by_directory(path: str) -> Wanted:
    """What a job with every default would ask of a directory, its size left open."""
    return Wanted(
        job=None,
        provider="local",
        fio="fio",
        ioengine=engines.DEFAULT,
        direct=True,
        targets=(Target(kind=TargetKind.DIRECTORY, path=path),),
        outstanding=1,
        numjobs=1,
    )
