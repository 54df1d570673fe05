"""What measuring takes away: IOPS of fio under the agent, over IOPS of fio alone."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path

from agents import attached_agent, job_of, start_trial, take_target, wait_for_end
from effort import Effort
from figure import BenchError, Figure
from noise import ratio_figure

from storperf.engine.agents import Agent
from storperf.fio.render import render_fill, render_trial
from storperf.model.job import Job
from storperf.plan import plan_job

_GOAL = 0.95
_FILL_S = 300.0
_TARGETS = {
    "null engine": "{null_engine: true, size: 1G}",
    "libaio file": "{directory: DIRECTORY, size: 256M}",
}
# Of storperf's own arguments, what bare fio does without: it prints one document at its end.
_ONLY_OURS = ("--status-interval=", "--output-format=")


def measure(effort: Effort) -> list[Figure]:
    """For each target rounds of three trials in random order: storperf, bare, bare again.

    "storperf" is the installed agent, driven through the manager's client: supervisor, sensors,
    journal, channel and the manager's copy of the journal all work as in a run.  The whole
    program would make a file of its own for every run, so that the two sides would read
    different blocks of the disk, and it adds nothing that runs while fio does but a line of
    progress and one query a second.  Bare fio gets the same options on the same filled file.
    """
    return [_measure(effort, name, target) for name, target in _TARGETS.items()]


def _measure(effort: Effort, name: str, target: str) -> Figure:
    folder = effort.scratch / name.replace(" ", "-")
    directory = folder / "target"
    directory.mkdir(parents=True)
    job = job_of(
        "name: bench-iops\n"
        f"target: {target.replace('DIRECTORY', json.dumps(str(directory)))}\n"
        "workloads: [rr]\n"
        f"duration: {effort.iops_trial_s}s\n"
    )
    with attached_agent(folder) as agent:
        filenames = take_target(agent, job)
        argv = render_trial(
            job, plan_job(job).steps[0], job.sides[0].targets[0], fio="fio", filenames=filenames
        )
        if filenames:
            _fill(agent, job, filenames)
        storperf, bare, again = _rounds(agent, argv, effort)
    return ratio_figure(
        f"IOPS under storperf / bare fio, {name}",
        storperf,
        bare,
        again,
        goal=_GOAL,
        at_least=True,
    )


def _fill(agent: Agent, job: Job, filenames: list[str]) -> None:
    argv = render_fill(job, job.sides[0].targets[0], fio="fio", filenames=filenames)
    start_trial(agent, "fill", argv, _FILL_S, "fill")
    wait_for_end(agent, "fill")


def _rounds(agent: Agent, argv: Sequence[str], effort: Effort) -> list[list[float]]:
    trial_s = effort.iops_trial_s
    bare_argv = [word for word in argv if not word.startswith(_ONLY_OURS)]
    found: list[list[float]] = [[], [], []]
    # A seed, so that two sessions differ in their noise alone; nothing here is a secret.
    order = random.Random(1)  # noqa: S311
    for number in range(effort.iops_rounds):
        for arm in order.sample(range(len(found)), len(found)):
            if arm == 0:
                iops = _under_storperf(agent, f"t{number:03}", argv, trial_s)
            else:
                iops = _bare(bare_argv, effort.scratch / "bare.json", trial_s)
            found[arm].append(iops)
    return found


def _under_storperf(agent: Agent, trial: str, argv: Sequence[str], trial_s: float) -> float:
    start_trial(agent, trial, argv, trial_s, "measure")
    end = wait_for_end(agent, trial)
    return float(end["ios"]["read"] / end["runtime_ms"]["read"])


def _bare(argv: Sequence[str], output: Path, trial_s: float) -> float:
    done = subprocess.run(
        [*argv, "--output-format=json", f"--output={output}"],
        capture_output=True,
        timeout=trial_s + 60,
        check=False,
    )
    if done.returncode != 0:
        raise BenchError(f"bare fio ended with {done.returncode}: {done.stderr!r}")
    read = json.loads(output.read_text(encoding="utf-8"))["jobs"][0]["read"]
    return float(read["total_ios"] / read["runtime"])
