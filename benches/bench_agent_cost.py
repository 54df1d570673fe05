"""What the agent takes of the machine that it measures."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from agents import attached_agent, job_of, start_trial, take_target, wait_for_end
from effort import Effort
from figure import Figure
from noise import median_figure

from storperf.agent.host_watch import HostWatch, wishes_of
from storperf.agent.steady_clock import SteadyClock
from storperf.fio.render import render_trial
from storperf.plan import plan_job

_PROCESSES = ["fio", "python3", "ceph-osd"]
# The first slices hold the start of fio and of the trial.
_SETTLE_S = 2.0
JOB = """
name: bench-agent
target: {{null_engine: true, size: 1G}}
workloads: [{{name: mixed, rw: randrw}}]
duration: {runtime_s}s
"""


def measure(effort: Effort) -> list[Figure]:
    """CPU of supervisor and channel, slice by slice, over one trial of the null engine at 1 Hz.

    Both directions, 16 outstanding: two histograms a second, and every sensor.
    """
    runtime_s = round(_SETTLE_S + effort.cpu_slices * effort.cpu_slice_s + 2)
    job = job_of(JOB.format(runtime_s=runtime_s))
    with attached_agent(effort.scratch / "cost") as agent:
        filenames = take_target(agent, job)
        step = plan_job(job).steps[0]
        target = job.sides[0].targets[0]
        argv = render_trial(job, step, target, fio="fio", filenames=filenames)
        supervisor = int(agent.call("hello")["pid"])
        channels = _children(os.getpid())
        start_trial(agent, "cost", argv, runtime_s, "measure")
        time.sleep(_SETTLE_S)
        supervising = []
        relaying = []
        for _ in range(effort.cpu_slices):
            before_s, before = time.monotonic(), (_cpu_s([supervisor]), _cpu_s(channels))
            for _ in agent.records(effort.cpu_slice_s):
                pass
            time.sleep(max(0.0, before_s + effort.cpu_slice_s - time.monotonic()))
            took_s = time.monotonic() - before_s
            supervising.append(100 * (_cpu_s([supervisor]) - before[0]) / took_s)
            relaying.append(100 * (_cpu_s(channels) - before[1]) / took_s)
        wait_for_end(agent, "cost")
    return [
        median_figure("agent: CPU of the supervisor, of one core", "%", supervising, goal=2.0),
        median_figure("agent: CPU of its channel (attach)", "%", relaying),
        *_sensors(effort),
    ]


def _sensors(effort: Effort) -> list[Figure]:
    """The sensors alone, with everything on: programs by name besides."""
    figures = []
    for rate, goal in ((1, 1.0), (10, None)):
        name = f"agent: CPU of the sensors at {rate} Hz, of one core"
        figures.append(median_figure(name, "%", _sampled(effort, 1 / rate), goal=goal))
    return figures


def _sampled(effort: Effort, every_s: float) -> list[float]:
    """What sampling and writing it down takes of a core, in each slice."""
    clock = SteadyClock(time.monotonic, time.time)
    wishes = wishes_of({"interval_s": every_s, "processes": _PROCESSES})
    watch = HostWatch(wishes, {}, (), clock)
    found = []
    for _ in range(effort.cpu_slices):
        begun_s, before_s = time.monotonic(), time.thread_time()
        while time.monotonic() < begun_s + effort.cpu_slice_s:
            time.sleep(max(0.0, watch.due_s - time.monotonic()))
            json.dumps(watch.poll())
        found.append(100 * (time.thread_time() - before_s) / (time.monotonic() - begun_s))
    watch.end()
    return found


def _children(parent: int) -> list[int]:
    """Processes that this one started and that still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(folder.name))
        if fields and int(fields[1]) == parent:
            found.append(int(folder.name))
    return found


def _cpu_s(pids: list[int]) -> float:
    """utime + stime since their start; the kernel counts in hundredths of a second."""
    clock_hz = os.sysconf("SC_CLK_TCK")
    return sum((int(f[11]) + int(f[12])) / clock_hz for f in map(_stat, pids) if f)


def _stat(pid: int) -> list[str]:
    """/proc/PID/stat behind the name, from the state on; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []
