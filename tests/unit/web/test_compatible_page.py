"""The reference page of API v1 and v2 is true: its requests are sent, its answers compared."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from contract.store.store_values import a_run, a_summary, a_trial
from unit.web.old_clients import serving

from storperf.model.run import RunState
from storperf.plan import plan_job
from storperf.queueing.asking import parse_trusted

PAGE = Path(__file__).parents[3] / "docs/reference/api-v1-v2.md"
PIECE = re.compile(
    r"```http\n(?P<method>[A-Z]+) /api/(?P<path>\S+)\n(?P<body>.*?)```\n"
    r"```json (?P<status>\d+)\n(?P<answer>.*?)```|(?P<ends><!-- the job ends -->)",
    re.DOTALL,
)
FIGURES = {
    ("read", "iops"): 700.0,
    ("read", "bandwidth"): 700.0 * 4096,
    ("read", "lat_mean"): 250_000.0,
    ("write", "iops"): 300.0,
    ("write", "bandwidth"): 300.0 * 4096,
    ("write", "lat_mean"): 500_000.0,
}


def end_job(server, run_id):
    """The job has run and passed, as the store would hold it."""
    entry = server.store.queue_entry(run_id)
    plan = plan_job(parse_trusted(server.settings, entry.job_text))
    run = a_run(run_id, job_text=entry.job_text, created_s=time.time(), facts={"origin": "trusted"})
    server.store.create_run(run, plan)
    (planned,) = plan.trials
    trial = replace(a_trial(planned.id), step_key=planned.step_key, session=1, repeat=1)
    summaries = [
        a_summary(value, trial=trial.id, op=op, metric=metric)
        for (op, metric), value in FIGURES.items()
    ]
    server.store.store_trial(run_id, trial, summaries)
    server.store.end_run(
        run_id,
        state=RunState.COMPLETED,
        exit_code=0,
        verdict="pass",
        reason=None,
        ended_s=time.time(),
    )
    server.end(run_id)


def fits(shown, told):
    """Whether an answer is as the page shows it."""
    if shown == "...":
        return True
    if isinstance(shown, dict):
        return (
            isinstance(told, dict)
            and set(shown) == set(told)
            and all(fits(each, told[key]) for key, each in shown.items())
        )
    if isinstance(shown, list):
        return len(shown) == len(told) and all(map(fits, shown, told))
    return shown == told


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path) as server:
        (tmp_path / "scratch").mkdir()
        target = {"directory": str(tmp_path / "scratch"), "size": "16M"}
        server.allow(configurations="local", targets={"/dev/vdb": target})
        yield server


def test_every_example_of_the_page_is_true(server):
    job, count = "none yet", 0
    for piece in PIECE.finditer(PAGE.read_text(encoding="utf-8")):
        if piece["ends"]:
            end_job(server, job)
            continue
        content = json.loads(piece["body"]) if piece["body"].strip() else None
        answer = server.ask(piece["method"], piece["path"].replace("JOB", job), content)
        shown = json.loads(piece["answer"].replace("JOB", job))
        assert answer.status_code == int(piece["status"]), answer.text
        assert fits(shown, answer.json()), (shown, answer.json())
        job = answer.json().get("job_id", job) if answer.status_code == 200 else job
        count += 1
    assert count > 12
