"""The installed agent, attached as a run attaches it: through its own process and channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from figure import BenchError

from storperf.engine.agents import Agent, make_agent
from storperf.jobfile.parse import parse_job
from storperf.model.job import Job, Origin
from storperf.providers.provider import AgentPlace
from storperf.remote.local import LocalRemote
from storperf.remote.pack import build_agent

Record = dict[str, Any]
_GRACE_S = 30.0


@contextmanager
def attached_agent(folder: Path) -> Iterator[Agent]:
    """An agent on this machine; its target is given back and its process ended at the end."""
    journals = folder / "journals"
    journals.mkdir(parents=True)
    place = AgentPlace(name="agent-01", remote=LocalRemote(folder / "agents"))
    agent = make_agent("bench", place, build_agent(), journals)
    agent.attach()
    try:
        yield agent
    finally:
        left = agent.release()
        agent.call("shutdown", forget=not left)
        agent.detach()


def job_of(text: str) -> Job:
    """The job in a text."""
    return parse_job(text, source="the bench's job", origin=Origin.TRUSTED)


def take_target(agent: Agent, job: Job) -> list[str]:
    """Lock the job's one target; the file names that fio is to open, none for the null engine."""
    target = job.sides[0].targets[0]
    request: dict[str, object] = {
        "kind": target.kind.value,
        "path": target.path,
        "size_bytes": target.size_bytes,
        "serial": target.serial,
        "destroy": target.destroy,
        "direct": job.direct,
    }
    return [str(name) for name in agent.prepare([request])[0]["filenames"]]


def start_trial(agent: Agent, trial: str, argv: Sequence[str], runtime_s: float, what: str) -> None:
    """Start a trial as a run does."""
    agent.call(
        "start",
        trial=trial,
        attempt=1,
        what=what,
        deadline_s=runtime_s + _GRACE_S,
        targets=[{"target": 0, "argv": list(argv)}],
    )


def wait_for_end(agent: Agent, trial: str) -> Record:
    """Hear every record of the trial, ten times a second as a run does; its end's figures."""
    while True:
        for record in agent.records(0.1):
            if record["kind"] == "trial_ended" and record["trial"] == trial:
                if len(record["targets"]) != 1 or record["targets"][0]["exit_status"] != 0:
                    raise BenchError(f"trial {trial} failed: {record}")
                end: Record = record["targets"][0]
                return end
