"""A run whose agents are made while it goes on: as many as its next trial takes."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace

import pytest

from storperf import service
from storperf.engine.cancel import Cancel
from storperf.engine.context import RunContext
from storperf.engine.events import Announcer
from storperf.engine.run_job import run_job
from storperf.errors import ExitCode
from storperf.jobfile.parse import parse_job
from storperf.model.run import LedgerEntry, Run, RunState
from storperf.plan import plan_job
from storperf.providers.provider import AgentPlace
from storperf.remote.local import LocalRemote
from storperf.settings import read_settings

TEXT = """
name: grow
target: {null_engine: true}
workloads: [rr, wr]
duration: 1s
confirm: never
"""


class Growing:
    """Hands out as many agents of this machine as it is asked for, and vanishes with them."""

    def __init__(self, folder):
        self.folder = folder
        self.asked = []
        self.released = 0

    def ledger(self, run_id, _job):
        return (LedgerEntry(name=f"{run_id}/stack", kind="stack", where="here"),)

    def acquire(self, _job, errand):
        self.asked.append(errand.agents)
        return tuple(
            AgentPlace(name=f"agent-{number:02}", remote=LocalRemote(self.folder / str(number)))
            for number in range(1, errand.agents + 1)
        )

    def release(self, _job, _errand):
        self.released += 1
        return []

    def vanishes(self, _job):
        return False


class Slow(Growing):
    """Takes longer to make the second agent than the first one's lease lasts."""

    lease_s = 2.0

    def acquire(self, job, errand):
        until_s = time.monotonic() + (3 * self.lease_s if errand.agents > 1 else 0)
        while time.monotonic() < until_s:
            errand.wait(0.2)
        places = super().acquire(job, errand)
        return tuple(replace(place, lease_s=self.lease_s) for place in places)


def grown(tmp_path, provider):
    """Four trials, two with one agent and two with two: the context, run, trials and ledger."""
    if shutil.which("fio") is None:
        pytest.skip("needs fio")
    settings = read_settings({"HOME": str(tmp_path)}, tmp_path)
    job = parse_job(TEXT, source="x")
    job = replace(job, matrix=replace(job.matrix, agents=(1, 2)))
    plan = plan_job(job)
    with service.open_store(settings) as store:
        run_id = "20260101-000000-abcd"
        store.create_run(
            Run(
                id=run_id,
                job_name=job.name,
                lab=job.lab,
                title=None,
                job_text=job.text,
                state=RunState.RUNNING,
                phase=None,
                created_s=time.time(),
            ),
            plan,
        )
        context = RunContext(
            run_id=run_id,
            job=job,
            plan=plan,
            store=store,
            provider=provider,
            cancel=Cancel(),
            announce=Announcer(run_id, ()),
            epoch=time.time,
        )
        run = run_job(context, lambda _: None)
        trials = store.trials(run_id)
        ledger = store.ledger(run_id)
    return context, run, trials, ledger


def test_agents_are_asked_for_when_a_trial_takes_them_and_stay(tmp_path):
    provider = Growing(tmp_path / "agents")
    context, run, trials, ledger = grown(tmp_path, provider)
    assert context.faults == []
    assert run.exit_code == ExitCode.INCONCLUSIVE
    assert [trial.end for trial in trials] == ["completed"] * 4
    assert provider.asked == [1, 2]
    assert provider.released == 1
    assert [entry.kind for entry in ledger] == ["stack"]


def test_an_agent_keeps_its_lease_while_others_are_made(tmp_path):
    context, _, trials, _ = grown(tmp_path, Slow(tmp_path / "agents"))
    assert context.faults == []
    assert [trial.end for trial in trials] == ["completed"] * 4
    assert not context.agents[0].was_replaced
