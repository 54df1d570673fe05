"""The use cases of the workload library: what there is, what it comes to, a user's own."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from storperf.engine.job_files import place_targets, read_job_file
from storperf.engine.profiles import Library, is_shipped, refuse_shipped
from storperf.errors import UnknownName, UsageError
from storperf.fio import engines
from storperf.fio.render import render_trial
from storperf.jobfile.composition import read_entry
from storperf.jobfile.faults import nearest
from storperf.jobfile.parse import NO_VARIABLES, parse_job
from storperf.model.job import Job, Origin, Plan
from storperf.model.target import Target, TargetKind
from storperf.plan import plan_job
from storperf.settings import Settings
from storperf.workloads.shipped import DESCRIPTIONS, WORKLOADS
from storperf.workloads.suites import description_of

# What a suite or a workload is shown on when no job says where it runs.
_PLACEHOLDER = {"directory": ".", "size": "1G"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryEntry:
    """One name; `kind` is workload or suite."""

    name: str
    kind: str
    is_shipped: bool
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A job, or a name of the library on a placeholder of a target, and its steps."""

    job: Job
    plan: Plan
    shortest_s: float


def entries(settings: Settings) -> list[LibraryEntry]:
    """Everything that a job file can name: workloads first, then suites, then a user's own."""
    library = Library(settings.workloads)
    found = [
        LibraryEntry(name=name, kind="workload", is_shipped=True, description=DESCRIPTIONS[name])
        for name in WORKLOADS
    ]
    for name in library:
        text = library[name]
        try:
            _, is_suite = read_entry(name, text)
            said = description_of(text)
        except (ValueError, yaml.YAMLError) as error:
            is_suite, said = False, f"unreadable: {error}"
        kind = "suite" if is_suite else "workload"
        found.append(
            LibraryEntry(name=name, kind=kind, is_shipped=is_shipped(name), description=said)
        )
    return found


def text_of(settings: Settings, name: str) -> str:
    """The YAML of a workload or a suite; UnknownName names the nearest."""
    if name in WORKLOADS:
        options = {"description": DESCRIPTIONS[name], **dict(WORKLOADS[name].options)}
        return yaml.safe_dump(options, sort_keys=False, allow_unicode=True, width=100)
    library = Library(settings.workloads)
    if name not in library:
        names = {*WORKLOADS, *library}
        raise UnknownName(f"nothing is called {name!r}; {nearest(name, names)}", name=name)
    return library[name]


def look(settings: Settings, what: str, variables: Mapping[str, str] = NO_VARIABLES) -> Looked:
    """The job that a file or a name comes to, every rule checked; JobFileError says what is wrong.

    A name of the library wins over a file of that name; a path (`./rr`) is never a name.
    """
    library = Library(settings.workloads)
    if what in WORKLOADS or what in library:
        is_suite = what in library and read_entry(what, library[what])[1]
        named = {"suite": what} if is_suite else {"workloads": [what]}
        text = yaml.safe_dump({"name": what, "target": _PLACEHOLDER, **named})
        job = parse_job(
            text, source=what, library=library, variables=variables, origin=Origin.TRUSTED
        )
        job = place_targets(job, settings.directory)
    elif Path(what).is_file():
        job = read_job_file(Path(what), settings.directory, Origin.TRUSTED, library, variables)
    else:
        names = {*WORKLOADS, *library}
        raise UsageError(f"{what!r} is neither a file nor a known name; {nearest(what, names)}")
    plan = plan_job(job)
    return Looked(job=job, plan=plan, shortest_s=len(plan.trials) * _shortest_s(job))


def render_steps(looked: Looked, target: Path | None) -> list[tuple[str, str]]:
    """Each step's key and its fio command for a shell, on `target` or the job's first target."""
    job = looked.job
    place = job.sides[0].targets[0]
    if target is not None:
        if engines.of_target(place.kind) is not None:
            job = replace(job, ioengine=engines.DEFAULT)
        place = replace(place, kind=TargetKind.DEVICE, path=str(target), rbd=None)
    return [
        (
            step.key,
            shlex.join(
                render_trial(job, step, place, fio=job.provider.fio, filenames=(_filename(place),))
            ),
        )
        for step in looked.plan.steps
    ]


def keep(
    settings: Settings,
    name: str,
    text: str,
    *,
    replace_it: bool,
    origin: Origin = Origin.TRUSTED,
) -> None:
    """Keep a workload or a suite under a name, once every rule holds for it."""
    library = Library(settings.workloads)
    trial = {**dict(library), name: text}
    try:
        _, is_suite = read_entry(name, text)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if not is_shipped(name):
        named = {"suite": name} if is_suite else {"workloads": [name]}
        job = yaml.safe_dump({"name": "x", "target": _PLACEHOLDER, **named})
        plan_job(parse_job(job, source=name, origin=origin, library=trial))
    library.keep(name, text, replace=replace_it)


def edit(settings: Settings, name: str, editor: str) -> bool:
    """Let the user change one of their own in `editor`; whether anything changed.

    What is wrong afterwards is refused, and the text stays in the file that the message names.
    """
    refuse_shipped(name)
    before = Library(settings.workloads).text(name)
    with tempfile.NamedTemporaryFile(
        "w", prefix=f"{name}-", suffix=".yaml", delete=False, encoding="utf-8"
    ) as file:
        file.write(before)
    path = Path(file.name)
    try:
        subprocess.run([*shlex.split(editor), str(path)], check=True)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        path.unlink()
        raise UsageError(f"the editor {editor!r} failed: {error}; set EDITOR to another") from error
    after = path.read_text(encoding="utf-8")
    if after != before:
        try:
            keep(settings, name, after, replace_it=True)
        except UsageError as error:
            raise UsageError(f"{error.message}\nyour text is in {path}") from error
    path.unlink()
    return after != before


def remove(settings: Settings, name: str) -> None:
    """Remove one of the user's own."""
    Library(settings.workloads).remove(name)


def _shortest_s(job: Job) -> float:
    rule = job.ending.until_steady
    return job.ending.runtime_s if rule is None else rule.round_s * rule.rounds


def _filename(place: Target) -> str:
    if place.kind is not TargetKind.DIRECTORY:
        return place.path
    return os.path.join(place.path, "target-0")  # noqa: PTH118 - a path on the agent
