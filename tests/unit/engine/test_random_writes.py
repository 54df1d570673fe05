"""Random writes until steady: stopped when they are, told and flagged when they are not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from storperf.engine.cancel import Cancel
from storperf.engine.context import RunContext
from storperf.engine.events import EventKind
from storperf.engine.past import past_of
from storperf.engine.random_writes import TRIAL, write_randomly
from storperf.errors import FioFailed
from storperf.jobfile.parse import parse_job
from storperf.plan import plan_job

SIZE = 16 << 20
JOB = parse_job(
    "name: n\ntarget: {directory: d, size: 16M}\nworkloads: [wr]\n"
    "precondition: {random: {at_most: 100s, window: 3}}\n",
    source="x",
)
FALLING = [1000.0 * 0.8**second for second in range(100)]


class Writer:
    """An agent whose random writes go on until it is told to stop or has no more rates."""

    name = "agent-01"
    place = SimpleNamespace(
        targets=lambda job: list(job.sides[0].targets), remote=SimpleNamespace(fio=None)
    )

    def __init__(self, rates, exit_status=0):
        self._rates = list(rates)
        self._exit_status = exit_status
        self._second = 0
        self._why = ""
        self._is_over = False
        self.past = []
        self.calls = []
        self.journal = SimpleNamespace(
            records=lambda: list(self.past),
            since=lambda trial, _attempt: [each for each in self.past if each["trial"] == trial],
        )

    def call(self, command, **fields):
        self.calls.append(command)
        if command == "start":
            self.note("trial_started", attempt=fields["attempt"])
        if command == "stop":
            self._why = fields["why"]

    def note(self, kind, **fields):
        key = {"trial": TRIAL, "attempt": 1, "what": TRIAL}
        self.past.append({"n": len(self.past) + 1, "kind": kind, **key, **fields})

    def records(self, _wait_s):
        if self._is_over:
            raise AssertionError("waited behind the end")
        if self._why or self._second == len(self._rates):
            self._is_over = True
            self.end()
        else:
            self.slice()
        return self.past[-1:]

    def slice(self):
        ios = int(self._rates[self._second])
        self.note(
            "progress",
            target=0,
            op="write",
            index=self._second,
            start_s=float(self._second),
            end_s=self._second + 1.0,
            duration_s=1.0,
            ios=ios,
            bytes=ios * 4096,
            clat_count=ios,
            clat_sum_ns=0.0,
            slat_sum_ns=0.0,
            lat_sum_ns=0.0,
        )
        self._second += 1

    def end(self):
        figures = {
            "target": 0,
            "exit_status": self._exit_status,
            "signal": None,
            "stopped": bool(self._why),
            "timed_out": False,
            "documents": 1,
            "rubbish": 0,
            "broken": "",
            "errors": [0],
            "ios": {"read": 0, "write": 5, "trim": 0},
            "bytes": {"read": 0, "write": 5 * 4096, "trim": 0},
            "last_lines": ["it broke"],
            "notes": [],
        }
        self.note(
            "trial_ended", why=self._why, targets=[figures], start_s=0.0, end_s=float(self._second)
        )


class Told:
    """Keeps what was told."""

    def __init__(self):
        self.kinds = []
        self.notes = []

    def tell(self, kind, **_facts):
        self.kinds.append(kind)

    def note(self, text):
        self.notes.append(text)


def carry_out(agent):
    told, facts = Told(), {}
    context = RunContext(
        run_id="r",
        job=JOB,
        plan=plan_job(JOB),
        store=SimpleNamespace(
            cancel_requested=lambda _run: False,
            set_run_facts=lambda _run, more: facts.update(more),
        ),
        provider=None,
        cancel=Cancel(),
        announce=told,
        epoch=lambda: 0.0,
        agents=[agent],
        prepared={"agent-01": [{"filenames": ["f"], "size_bytes": SIZE}]},
    )
    write_randomly(context, JOB.precondition.random)
    return context, facts.get("random_writes"), told


def test_writes_that_hold_still_are_stopped_after_one_window():
    agent = Writer([1000.0] * 100)
    context, facts, told = carry_out(agent)
    assert agent.calls == ["start", "stop"]
    assert (facts["end"], facts["steadiness"]) == ("steady", "steady")
    assert facts["last_rounds_iops"] == [1000.0] * 3
    assert facts["took_s"] == 30.0
    assert context.is_preconditioned
    assert told.notes == ["random writes: steady after 30s"]
    assert told.kinds == [EventKind.TRIAL_STARTED, EventKind.TRIAL_ENDED]


def test_writes_that_fall_are_stopped_once_they_hold_still():
    agent = Writer([*FALLING[:40], *[50.0] * 60])
    _, facts, _ = carry_out(agent)
    assert facts["end"] == "steady"
    assert 60 < facts["took_s"] < 80


def test_writes_that_never_hold_still_end_at_the_deadline_and_it_is_told():
    agent = Writer(FALLING)
    context, facts, told = carry_out(agent)
    assert agent.calls == ["start"]
    assert (facts["end"], facts["steadiness"]) == ("deadline", "not_steady")
    assert not context.is_preconditioned
    assert told.notes == ["random writes: not steady after 1m40s; every trial is flagged"]


def test_writes_that_fail_end_the_run_with_the_reason():
    with pytest.raises(FioFailed, match="agent-01: the random writes failed: fio ended"):
        carry_out(Writer([1000.0] * 5, exit_status=1))


def test_a_resumed_run_hears_what_was_done_and_does_not_do_it_again():
    agent = Writer([1000.0] * 100)
    first = carry_out(agent)[1]
    agent.calls.clear()
    _, again, told = carry_out(agent)
    assert again == first
    assert "start" not in agent.calls
    assert told.kinds == []


def test_a_resumed_run_goes_on_with_writes_that_still_run():
    agent = Writer([1000.0] * 100)
    agent.note("trial_started")
    for _ in range(20):
        agent.slice()
    assert past_of(agent, TRIAL).attempt == 1
    _, facts, _ = carry_out(agent)
    assert (facts["end"], facts["took_s"]) == ("steady", 30.0)


@pytest.mark.parametrize("kind", ["target_created", "purged"])
def test_writes_are_worth_nothing_once_the_target_is_another(kind):
    agent = Writer([1000.0] * 100)
    carry_out(agent)
    agent.past.append({"n": 999, "kind": kind, "trial": None})
    past = past_of(agent, TRIAL)
    assert (past.is_done, past.attempt) == (False, 2)
