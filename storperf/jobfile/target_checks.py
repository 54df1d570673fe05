"""Checks between the keys of `target`, and between a target and the ioengine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storperf.fio import engines
from storperf.fio.job_text import read_sections
from storperf.jobfile import defaults
from storperf.jobfile.faults import Fault, nearest
from storperf.jobfile.models import JobFile
from storperf.jobfile.target_section import TargetSection
from storperf.model.job import Workload

_KINDS = ("directory", "device", "null_engine", "nbd", "rbd", "volume")
_REMOTE = ("nbd", "rbd")
_EXAMPLES = {
    engines.NULL: "{null_engine: true}",
    engines.NBD: "{nbd: 'nbd://HOST/EXPORT', size: 1G, destroy: true}",
    engines.RBD: "{rbd: {pool: POOL, image: IMAGE}, size: 1G, destroy: true}",
}


def target_faults(file: JobFile) -> Iterator[Fault]:
    """Whether the target is one thing, and says all that this thing needs."""
    target = file.target
    kinds = [kind for kind in _KINDS if getattr(target, kind) is not None]
    if len(kinds) != 1:
        said = f"not {' and '.join(kinds)}" if kinds else "none stands there"
        known = f"{', '.join(_KINDS[:-1])} and {_KINDS[-1]}"
        yield Fault(("target",), f"needs exactly one of {known}; {said}")
        return
    (kind,) = kinds
    if kind != "device" and "serial" in target.model_fields_set:
        yield Fault(("target", "serial"), "belongs to a device only")
    if kind == "device":
        yield from _device_faults(target)
    if kind in _REMOTE and "size" not in target.model_fields_set:
        yield Fault(("target",), f"{kind} needs a `size`: storperf does not ask the server for it")
    if target.volume is not None and (target.size or 0) > target.volume.size:
        yield Fault(("target", "size"), "is more than the volume's own size")
    if kind not in ("device", *_REMOTE):
        if "destroy" in target.model_fields_set:
            yield Fault(("target", "destroy"), "belongs to a device, to nbd and to rbd only")
    elif not target.destroy:
        thing = "a device" if kind == "device" else kind
        yield Fault(
            ("target", "destroy"),
            f"{thing} needs `destroy: true`: what it holds may be overwritten",
        )


def _device_faults(target: TargetSection) -> Iterator[Fault]:
    if not str(target.device).startswith("/"):
        yield Fault(("target", "device"), "must be an absolute path such as /dev/vdb")
    if target.serial is None:
        yield Fault(
            ("target",),
            "a device needs its `serial`, because its name can mean another one tomorrow",
        )


def engine_faults(file: JobFile, workloads: Sequence[Workload]) -> Iterator[Fault]:
    """Whether the ioengine is one that touches nothing but the target."""
    own = engines.of_target(defaults.kind(file.target))
    named = file.ioengine
    if own is not None:
        yield from _decided_faults(own, file, workloads)
    elif named in _EXAMPLES:
        words = f"the {named} engine is a target: write target: {_EXAMPLES[named]}"
        yield Fault(("ioengine",), words)
    elif named is not None and named not in engines.ENGINES and not file.allow_unsafe_fio_options:
        near = nearest(named, engines.ENGINES)
        yield Fault(
            ("ioengine",),
            f"{named!r} is not among the engines that touch nothing but the target; {near} "
            "(others need allow_unsafe_fio_options: true)",
        )


def _decided_faults(own: str, file: JobFile, workloads: Sequence[Workload]) -> Iterator[Fault]:
    """Another engine would not reach the target: it would make files where fio happens to run."""
    key = next(kind for kind in _KINDS if getattr(file.target, kind) is not None)
    why = f"target.{key} already says which engine; leave it out"
    if file.ioengine not in (None, own):
        yield Fault(("ioengine",), why)
    for workload in workloads:
        for section in read_sections(workload.fio_file) if workload.fio_file else ():
            named = section.options.get("ioengine", own)
            if named != own:
                where = f"{workload.name!r}, section [{section.name}] has ioengine {named}"
                yield Fault(("workloads",), f"{where}, but {why}")


def untrusted_target_faults(file: JobFile) -> Iterator[Fault]:
    """What an untrusted job file may not name."""
    directory = file.target.directory
    if directory is not None and (directory.startswith("/") or ".." in directory.split("/")):
        yield Fault(("target", "directory"), "an untrusted job file may only name one below ours")
    if file.target.device is not None:
        yield Fault(("target", "device"), "an untrusted job file may name no device")
    for kind in _REMOTE:
        if getattr(file.target, kind) is not None:
            yield Fault(
                ("target", kind),
                "an untrusted job file may name no server: this host would connect to it as its "
                "own user, and overwrite what it holds",
            )
