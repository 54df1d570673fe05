"""The `reference`: what it takes over from `target`, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator

from storperf.jobfile import defaults
from storperf.jobfile.faults import Fault
from storperf.jobfile.models import JobFile
from storperf.jobfile.target_checks import target_faults, untrusted_target_faults
from storperf.jobfile.target_section import PlaceSection, TargetSection
from storperf.model.ending import ConfirmWhen
from storperf.model.target import TargetKind

_PLACE = set(PlaceSection.model_fields)


def reference_target(file: JobFile) -> TargetSection | None:
    """The target in the place of the reference; None without one."""
    if file.reference is None:
        return None
    place = {key: getattr(file.reference, key) for key in _PLACE}
    written = (file.target.model_fields_set - _PLACE) | file.reference.model_fields_set
    return TargetSection.model_construct(written, **{**dict(file.target), **place})


def pairing_faults(file: JobFile) -> Iterator[Fault]:
    """Whether the reference can be compared with the target, and is another thing."""
    twin = _twin(file)
    if twin is None:
        if file.confirm.when is ConfirmWhen.ALWAYS:
            yield Fault(("confirm",), "`always` measures pairs: name a second target, `reference`")
        return
    found = [*target_faults(twin)]
    yield from _of_reference(found)
    if found:
        return
    kind, wanted = defaults.kind(twin.target), defaults.kind(file.target)
    if kind is not wanted:
        words = f"is of the kind {kind}, and the target of the kind {wanted}; they compare unlike"
        yield Fault(("reference",), words)
    elif (ours := twin.target.volume) is not None and (theirs := file.target.volume) is not None:
        if (ours.size, ours.count) != (theirs.size, theirs.count):
            words = "has volumes of another size or number than the target; they compare unlike"
            yield Fault(("reference", "volume"), words)
        # Two volumes of one type are two things all the same: what they differ by is noise.
    elif kind is not TargetKind.NULL and _where(twin.target) == _where(file.target):
        yield Fault(("reference",), "is the target itself; name another place")


def untrusted_reference_faults(file: JobFile) -> Iterator[Fault]:
    """What an untrusted job file may not name as its reference."""
    twin = _twin(file)
    if twin is not None:
        yield from _of_reference(untrusted_target_faults(twin))


def _twin(file: JobFile) -> JobFile | None:
    """The job file with the reference as its target."""
    target = reference_target(file)
    return None if target is None else file.model_copy(update={"target": target})


def _of_reference(faults: Iterator[Fault] | list[Fault]) -> Iterator[Fault]:
    for fault in faults:
        if fault.path[:1] == ("target",):
            yield Fault(("reference", *fault.path[1:]), fault.sentence)


def _where(target: TargetSection) -> object:
    return target.directory or target.device or target.nbd or target.rbd or target.volume
