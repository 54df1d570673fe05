"""A baseline as a file, for a CI that keeps it in git or as an artefact of a build.

JSON with a checksum over its content, and with a signature (HMAC-SHA256) where there is a key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from storperf.errors import ExitCode
from storperf.model.job import Step
from storperf.model.run import Flag, Steadiness, TrialEnd

SCHEMA = "storperf-baseline-file/1"
_FAMILY = SCHEMA.partition("/")[0]
# Names of runs and trials are names of files in the store.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class BaselineFileError(ValueError):
    """Why a text is no baseline that can be taken; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileValue:
    """A figure of one trial over all its agents, in the metric's unit."""

    op: str
    metric: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTrial:
    """One execution of a step, with its figures."""

    id: str
    step_key: str
    side: str
    session: int
    repeat: int
    end: TrialEnd
    steadiness: Steadiness
    flags: tuple[Flag, ...]
    values: tuple[FileValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlace:
    """A step for which the run is accepted, by whose word, why and when (epoch seconds)."""

    step: str
    side: str
    fingerprint: str
    measuring: tuple[tuple[str, str], ...]
    who: str
    why: str
    at_s: float
    pinned: bool
    hosts: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRun:
    """An accepted run: its accepted steps alone."""

    id: str
    title: str | None
    created_s: float
    ended_s: float
    exit_code: ExitCode
    verdict: str
    reason: str
    runtime_s: float
    interval_s: float
    until_steady: bool
    steps: tuple[Step, ...]
    trials: tuple[FileTrial, ...]
    places: tuple[FilePlace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineFile:
    """The accepted runs of one job in one lab, oldest first."""

    lab: str
    job: str
    exported_s: float
    program: str
    runs: tuple[FileRun, ...]


_FILE = TypeAdapter(BaselineFile)


def render_baseline(file: BaselineFile, key: bytes | None) -> str:
    """The file's text; signed when there is a key."""
    content: dict[str, Any] = {"schema": SCHEMA, **asdict(file)}
    seals = {"sha256": _digest(content)}
    if key is not None:
        seals["hmac_sha256"] = _signature(content, key)
    return json.dumps({**content, **seals}, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def parse_baseline(text: str, key: bytes | None) -> BaselineFile:
    """The baseline in a text.

    Raises BaselineFileError when it is none, is damaged, was made by a newer storperf, or does
    not bear the signature of `key`.
    """
    content = _read(text)
    schema = str(content.get("schema"))
    if schema.partition("/")[0] != _FAMILY:
        raise BaselineFileError("it is no baseline that `storperf baseline export` wrote")
    if schema != SCHEMA:
        raise BaselineFileError(f"it is of {schema}, and {SCHEMA} is known here; update storperf")
    _check_seals(content, content.pop("sha256", None), content.pop("hmac_sha256", None), key)
    del content["schema"]
    try:
        file = _FILE.validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BaselineFileError(f"{where} is not as it must be: {first['msg']}") from error
    for run in file.runs:
        _check_run(run)
    return file


def _check_run(run: FileRun) -> None:
    """What types cannot say: a checksum proves that a file is whole, not who wrote it."""
    names = [run.id, *(trial.id for trial in run.trials)]
    if not all(map(_NAME.fullmatch, names)):
        raise BaselineFileError(f"run {run.id!r}, or one of its trials, has a name that is none")
    keys = {step.key for step in run.steps}
    if not {trial.step_key for trial in run.trials} <= keys:
        raise BaselineFileError(f"run {run.id} has trials of steps that it does not describe")
    values = [value.value for trial in run.trials for value in trial.values]
    values += [value for place in run.places for _, value in place.hosts]
    if not all(map(math.isfinite, values)):
        raise BaselineFileError(f"run {run.id} has a figure that is no number")


def _read(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BaselineFileError(f"it is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise BaselineFileError("it is no baseline that `storperf baseline export` wrote")
    return content


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _check_seals(
    content: Mapping[str, Any], digest: object, signature: object, key: bytes | None
) -> None:
    if digest != _digest(content):
        raise BaselineFileError("its checksum is not that of its content: it was damaged or edited")
    if key is None:
        return
    if signature is None:
        raise BaselineFileError("it is not signed; export it with the same --key-file")
    if not hmac.compare_digest(str(signature).encode(), _signature(content, key).encode()):
        raise BaselineFileError("its signature was made with another key, or by nobody who has one")


def _plain(content: Mapping[str, Any]) -> bytes:
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode()


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(_plain(content)).hexdigest()


def _signature(content: Mapping[str, Any], key: bytes) -> str:
    return hmac.new(key, _plain(content), "sha256").hexdigest()
