"""The job file of a compatible request: what it says, at the place that was found for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from storperf.errors import UsageError
from storperf.units import parse_duration_s, parse_size
from storperf.web.compatible.asked import WARM_UP, Asked, FileSystemAsked
from storperf.web.compatible.custom_workloads import Translated, translate

_SAMPLE_S = 60
# A line through two samples always fits: fewer than three say nothing of steadiness.
_FEWEST_SAMPLES = 3
# The earlier StorPerf had no limit without a deadline; one that is never steady would hold a lab.
_NO_DEADLINE_S = 86_400
_LEAST_SPAN_BYTES = 1 << 20

Section = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a request's job runs: sections of its job file, and how answers tell of it.

    `key` tells one place from another: what is initialized at one is not at the other.
    """

    key: str
    provider: Section
    target: Section
    agents: int = 1
    told: Section = field(default_factory=dict)

    @property
    def is_device(self) -> bool:
        """Whether what a run writes there is there for the next one."""
        return "mkfs" not in self.target and ("device" in self.target or "volume" in self.target)


def job_text(asked: Asked, place: Place, *, is_filled: bool) -> str:
    """The job file; `is_filled` says that an initialization has written the target.

    UsageError when the request's own options contradict each other.
    """
    translated = translate(asked.workloads)
    job = {
        "name": job_name(asked),
        "lab": _named(asked, "pod_name") or "local",
        "provider": dict(place.provider),
        "target": _target(asked, place, translated),
        "workloads": list(translated.entries),
        "matrix": {
            "block_size": list(asked.block_sizes_bytes),
            "queue_depth": list(asked.queue_depths),
            "numjobs": asked.numjobs or 1,
            "agents": place.agents,
        },
        "confirm": {"when": "never"},
        **_ending(asked, translated),
        **_of_the_job(translated),
    }
    if is_filled or _begins_with_warm_up(asked):
        job["precondition"] = {"fill": False}
    return yaml.safe_dump(_literal(job), sort_keys=False, allow_unicode=True, width=100)


def job_name(asked: Asked) -> str:
    """What the job is called: its test case, as the results database knows it."""
    if list(asked.workloads) == [WARM_UP]:
        return "initialization"
    return _named(asked, "test_case", "case_name") or "storperf"


def _named(asked: Asked, *keys: str) -> str | None:
    """A name out of the metadata, when it can be one."""
    for key in keys:
        value = asked.metadata.get(key)
        if isinstance(value, str) and value.strip() and len(value) <= 200 and value.isprintable():
            return value
    return None


def _begins_with_warm_up(asked: Asked) -> bool:
    return next(iter(asked.workloads)).startswith(WARM_UP)


def _ending(asked: Asked, translated: Translated) -> Section:
    """Until its rule is met or the deadline is over; without room for the rule, a fixed time."""
    limits = [limit for limit in (asked.deadline_s, _runtime_s(translated)) if limit is not None]
    most_s = min(limits) if limits else _NO_DEADLINE_S
    samples = max(asked.samples, _FEWEST_SAMPLES)
    if most_s < samples * _SAMPLE_S:
        return {"duration": f"{max(most_s, 1.0):g}s"}
    rule = {"sample": f"{_SAMPLE_S}s", "samples": samples}
    return {"until": {"storperf": rule, "at_most": f"{most_s:g}s"}}


def _runtime_s(translated: Translated) -> float | None:
    text = translated.of_the_job.get("runtime")
    try:
        return None if text is None else parse_duration_s(text)
    except ValueError as error:
        raise UsageError(f"ERROR: runtime: {error}") from error


def _of_the_job(translated: Translated) -> Section:
    keys: dict[str, Any] = {}
    if "ioengine" in translated.of_the_job:
        keys["ioengine"] = translated.of_the_job["ioengine"]
    if "direct" in translated.of_the_job:
        keys["direct"] = translated.of_the_job["direct"] != "0"
    return keys


def _target(asked: Asked, place: Place, translated: Translated) -> Section:
    """The place's target, with the span and the files that the request asks for."""
    target = dict(place.target)
    if place.is_device:
        return target
    size_bytes, nrfiles = _span_bytes(asked, translated), _nrfiles(asked, translated)
    most = target.get("size")
    if size_bytes is not None:
        # A size that the server's configuration gives is the most that a request may fill.
        wanted = min(size_bytes, parse_size(str(most))) if most is not None else size_bytes
        target["size"] = max(wanted, _LEAST_SPAN_BYTES)
    if nrfiles is not None:
        target["nrfiles"] = nrfiles
    return target


def _nrfiles(asked: Asked, translated: Translated) -> int | None:
    if asked.nrfiles is not None:
        return asked.nrfiles
    text = translated.of_the_job.get("nrfiles", "1")
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise UsageError("ERROR: nrfiles must be a whole number")
    return None if text == "1" else int(text)


def _span_bytes(asked: Asked, translated: Translated) -> int | None:
    """`size` is of all files together, `filesize` of each."""
    if asked.size_bytes is not None:
        return asked.size_bytes
    said = translated.of_the_job
    text = said.get("size", "")
    try:
        if text and not text.endswith("%"):
            return parse_size(text)
        if "filesize" in said:
            return parse_size(said["filesize"]) * (_nrfiles(asked, translated) or 1)
    except ValueError as error:
        raise UsageError(f"ERROR: size: {error}") from error
    return None


def with_file_system(target: Section, wanted: FileSystemAsked) -> Section:
    """A device's target with a file system on it, as an initialization asked for."""
    options = {"options": list(wanted.options)} if wanted.options else {}
    return {**target, "mkfs": {"type": wanted.type, **options}}


def _literal(value: Any) -> Any:
    """No text of a request is a variable of the job file."""
    if isinstance(value, dict):
        return {key: _literal(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_literal(each) for each in value]
    return value.replace("${", "$${") if isinstance(value, str) else value
