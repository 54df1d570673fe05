"""The use cases of a build on Jenkins: its baseline, its files, its description, other builds.

Like `service`: CLI and web know only these functions; what goes wrong is a StorperfError.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from storperf import baselines, clouds, service
from storperf.deadline import Deadline
from storperf.errors import ExitCode, UnknownName, UsageError
from storperf.hooks.criteria import verdict_facts
from storperf.hooks.jenkins_server import EndedBuild, GoodBuild, JenkinsLogin, JenkinsServer
from storperf.model.result import RunResult
from storperf.model.run import RunState
from storperf.reports.clean import line
from storperf.reports.papers import PAPERS
from storperf.settings import Settings
from storperf.store.atomic import replacing
from storperf.store.faults import file_faults

BASELINE = "baseline.json"
VERDICT = "verdict.txt"
_PAPERS = (*PAPERS, "report.html")
# Jenkins shows a description in a list of builds.
_LONGEST_WORDS = 500
# What a build's parameter is called there; its variable in the job file has the same name in lower
# case.  Those of the second kind are lists.
PARAMETERS = ("AGENT_COUNT", "VOLUME_SIZE", "VOLUME_TYPE", "DISK_TYPE", "POD")
LISTS = ("WORKLOADS", "BLOCK_SIZES", "QUEUE_DEPTHS")
_CODES = {
    "SUCCESS": ExitCode.PASS,
    "UNSTABLE": ExitCode.INCONCLUSIVE,
    "NOT_BUILT": ExitCode.INFRASTRUCTURE,
    "ABORTED": ExitCode.CANCELLED,
}


class BaselinePolicy(StrEnum):
    """Where the baseline of a build comes from."""

    STORED = "stored"
    LAST_GOOD_BUILD = "last-good-build"
    LAST_GREEN_BUILD = "last-green-build"


_BUILD_OF = {
    BaselinePolicy.LAST_GOOD_BUILD: GoodBuild.NOT_RED,
    BaselinePolicy.LAST_GREEN_BUILD: GoodBuild.GREEN,
}


def fetch_baseline(
    login: JenkinsLogin,
    job: str,
    *,
    policy: BaselinePolicy,
    artefact: str,
    output: Path,
) -> int | None:
    """Write the baseline that the last good build kept into a file; gives the build's number.

    None when no such build is there yet, or the policy wants none: then no file is left either, so
    that an older one is not taken for it.
    """
    found = None
    if policy is not BaselinePolicy.STORED:
        found = JenkinsServer(login).artefact(job, artefact, _BUILD_OF[policy])
    with file_faults("write the baseline", output):
        output.parent.mkdir(parents=True, exist_ok=True)
        output.unlink(missing_ok=True)
    if found is None:
        return None
    with replacing(output) as file:
        file.write(found.content)
    return found.build


def in_cloud(settings: Settings, cloud: str) -> Settings:
    """The settings of a build that names a cloud of clouds.yaml; the same when it names none."""
    if not cloud:
        return settings
    return replace(settings, openstack={**settings.openstack, "OS_CLOUD": cloud})


def build_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a build that say something, as variables of a job file."""
    single = {name: environment.get(name, "").strip() for name in PARAMETERS}
    lists = {name: environment.get(name, "").replace(",", " ").split() for name in LISTS}
    found = {name.lower(): text for name, text in single.items() if text}
    return found | {name.lower(): f"[{','.join(parts)}]" for name, parts in lists.items() if parts}


def clear_files(folder: Path) -> None:
    """Remove what an earlier build left in this place, so that it is not taken for this one's."""
    for name in (*_PAPERS, VERDICT, BASELINE):
        with file_faults("remove an earlier build's file", folder / name):
            (folder / name).unlink(missing_ok=True)


def leave_files(settings: Settings, result: RunResult, folder: Path, key_file: Path | None) -> None:
    """Put a run's papers, its verdict and its job's baseline where Jenkins picks them up."""
    with service.open_store(settings) as store:
        source = store.artefacts(result.run.id)
    with file_faults("leave the build's files", folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / VERDICT).write_text(f"{description(result)}\n", encoding="utf-8")
        for name in _PAPERS:
            if (source / name).is_file():
                shutil.copyfile(source / name, folder / name)
    try:
        text = baselines.export_file(settings, result.run.lab, result.run.job_name, key_file)
    except UnknownName:
        # Nothing was accepted yet: the next build begins without, too.
        return
    with replacing(folder / BASELINE) as file:
        file.write(text.encode())


def description(result: RunResult) -> str:
    """A run's verdict in one line, for people who look at a list of builds."""
    facts = verdict_facts(result)
    words = line(f"{facts['verdict']}, {facts['reason']}: {facts['sentence']}")
    # Where Jenkins shows HTML, it shall show none of ours.
    return words.replace("<", "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}")[:_LONGEST_WORDS]


def annotate(
    settings: Settings, run_text: str, login: JenkinsLogin, *, job: str, build: int
) -> str:
    """Set a build's description to a run's verdict; gives what was set."""
    words = description(service.show(settings, run_text))
    JenkinsServer(login).describe(job, build, words)
    return words


def clean_up(
    settings: Settings, title: str, *, cloud: str | None, with_cloud: bool
) -> tuple[tuple[str, ...], ExitCode]:
    """End what a build has left running, and delete what it left in a cloud; says what was done.

    A run whose manager is gone is torn down from here; a living one is asked to end.
    """
    done = []
    with service.open_store(settings) as store:
        runs = store.find_runs(limit=None)
    for run in runs:
        if run.state is RunState.RUNNING and run.title == title:
            ended = service.cancel_run(settings, run.id)
            done.append(f"run {run.id}: {'asked to end' if ended.ended_s is None else 'ended'}")
    if not with_cloud:
        return tuple(done), ExitCode.PASS
    found = clouds.cleanup(settings, cloud, dry_run=False)
    ours = [each for each in found.found if each.whose.may_go]
    done += [f"{each.kind} {each.name}: {each.fault or 'deleted'}" for each in ours]
    return (*done, *found.faults), found.exit_code


def trigger(login: JenkinsLogin, job: str, parameters: Mapping[str, str]) -> str:
    """Put a build into Jenkins' queue; gives the address of its place there."""
    return JenkinsServer(login).trigger(job, parameters)


def wait(login: JenkinsLogin, job: str, build: str, patience_s: float) -> EndedBuild:
    """How a build ended: `build` is its number, or its place in the queue.

    DeliveryError when it has not after `patience_s`.
    """
    server = JenkinsServer(login)
    patience = Deadline.after(patience_s)
    if build.isascii() and build.isdigit():
        number = int(build)
    elif "/queue/item/" in build:
        number = server.wait_in_queue(build, patience)
    else:
        raise UsageError(f"{line(build)!r} is no number of a build and no place in the queue")
    return server.wait_for_build(job, number, patience)


def exit_code_of(ended: EndedBuild) -> ExitCode:
    """A build's result as an exit code of ours; what is unknown is no pass."""
    return _CODES.get(ended.result, ExitCode.FAIL)
