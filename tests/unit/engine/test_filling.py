"""The fill: heard whenever it ends, and believed only once the target was looked at."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from storperf.engine.cancel import Cancel
from storperf.engine.contents import explain_unwritten, is_in_question, unknown_of
from storperf.engine.context import RunContext
from storperf.engine.precondition import precondition
from storperf.errors import FioFailed
from storperf.jobfile.parse import parse_job
from storperf.plan import plan_job

SIZE = 16 << 20
FULL = {
    "samples": 66,
    "zero_samples": 0,
    "unwritten_bytes": 0,
    "hole_bytes": 0,
    "map": "fiemap",
}


def a_target(written=SIZE, exit_status=0):
    return {
        "target": 0,
        "exit_status": exit_status,
        "signal": None,
        "stopped": False,
        "timed_out": False,
        "documents": 1,
        "rubbish": 0,
        "broken": "",
        "errors": [0],
        "ios": {"read": 0, "write": written >> 20, "trim": 0},
        "bytes": {"read": 0, "write": written, "trim": 0},
        "last_lines": ["it broke"],
        "notes": [],
    }


class QuickAgent:
    """An agent whose fill has ended before anybody listens: the journal has all, nothing comes."""

    name = "agent-01"
    place = SimpleNamespace(
        targets=lambda job: list(job.sides[0].targets), remote=SimpleNamespace(fio=None)
    )

    was_replaced = False

    def __init__(self, ended, holds=FULL):
        self._ended = ended
        self._holds = holds
        self._records = []
        self.calls = []
        self.journal = SimpleNamespace(
            records=lambda: list(self._records), since=lambda _trial, _attempt: list(self._records)
        )

    def call(self, command, **fields):
        self.calls.append(command)
        if command == "start":
            key = {"trial": fields["trial"], "attempt": fields["attempt"], "what": fields["what"]}
            self._note("trial_started", **key)
            self._note("trial_ended", why="", targets=[self._ended], **key)
        return {"targets": [self._holds]}

    def note(self, kind, **fields):
        self._note(kind, **fields)

    def _note(self, kind, **fields):
        self._records.append({"n": len(self._records) + 1, "kind": kind, **fields})

    def records(self, _wait_s):
        raise AssertionError("waited for a fill that has ended")


def job_of(extra="", target="{directory: d, size: 16M}", workloads="[rr]"):
    text = f"name: n\ntarget: {target}\nworkloads: {workloads}\n{extra}\n"
    return parse_job(text, source="x")


def context_of(agent, job=None, facts=None, announce=None):
    job = job or job_of()
    kept = {} if facts is None else facts
    silent = SimpleNamespace(tell=lambda *_args, **_facts: None, note=lambda _text: None)
    return RunContext(
        run_id="r",
        job=job,
        plan=plan_job(job),
        store=SimpleNamespace(
            cancel_requested=lambda _run: False,
            set_run_facts=lambda _run, more: kept.update(more),
        ),
        provider=None,
        cancel=Cancel(),
        announce=announce or silent,
        epoch=lambda: 0.0,
        agents=[agent],
        prepared={"agent-01": [{"filenames": ["f"], "size_bytes": SIZE}]},
    )


def test_a_fill_that_ended_before_anybody_listened_is_heard():
    agent, facts = QuickAgent(a_target()), {}
    precondition(context_of(agent, facts=facts))
    assert agent.calls == ["start", "inspect", "remember_fill"]
    assert facts["precondition.agent-01"]["holds"] == [FULL]


def test_a_fill_that_failed_before_anybody_listened_is_heard():
    agent = QuickAgent(a_target(written=0, exit_status=1))
    with pytest.raises(FioFailed, match="filling the target failed"):
        precondition(context_of(agent))
    assert agent.calls == ["start"]


def test_a_fill_that_wrote_too_little_is_none():
    with pytest.raises(FioFailed, match="wrote only 8388608 of 16777216 bytes"):
        precondition(context_of(QuickAgent(a_target(written=SIZE // 2))))


@pytest.mark.parametrize(
    ("holds", "words"),
    [
        ({"unwritten_bytes": 4096}, "4096 bytes of its file were never written"),
        ({"hole_bytes": 8192}, "8192 bytes of its file were never written"),
        ({"zero_samples": 3}, "3 of 66 blocks looked at are all zero"),
        ({"zero_samples": 1, "unwritten_bytes": None, "hole_bytes": None}, "1 of 66 blocks"),
    ],
)
def test_a_target_that_does_not_hold_what_fio_said_is_not_measured(holds, words):
    agent = QuickAgent(a_target(), FULL | holds)
    with pytest.raises(FioFailed, match=f"fio says the targets are filled, but .*{words}"):
        precondition(context_of(agent))


def test_a_filled_target_is_filled_once_and_looked_at_until_it_is_measured():
    agent = QuickAgent(a_target())
    precondition(context_of(agent))
    precondition(context_of(agent))
    assert agent.calls.count("start") == 1
    assert agent.calls.count("inspect") == 2
    agent.note("trial_started", trial="t001", attempt=1, what="measure")
    agent.calls.clear()
    precondition(context_of(agent))
    assert agent.calls == []


def test_a_target_that_was_made_anew_is_filled_again():
    agent = QuickAgent(a_target())
    precondition(context_of(agent))
    agent.note("target_created", filename="f")
    precondition(context_of(agent))
    assert agent.calls.count("start") == 2


def test_nothing_is_filled_where_the_job_says_so():
    agent = QuickAgent(a_target())
    precondition(context_of(agent, job_of("precondition: {fill: false}")))
    assert agent.calls == []


NBD = "{nbd: 'nbd://h/x', size: 16M, destroy: true}"


def test_what_a_server_holds_is_unknown_and_never_proven():
    agent = QuickAgent(a_target(), holds=None)
    facts = {}
    precondition(context_of(agent, job_of(target=NBD), facts=facts))
    (held,) = facts["precondition.agent-01"]["holds"]
    assert (held["map"], held["samples"], held["sha256"]) == ("unknown", 0, None)
    assert "recall_fill" not in agent.calls
    assert explain_unwritten(held) is None
    assert unknown_of([None, FULL, held]) == ["target-2: only its server can tell what it holds"]


DEVICE = "{device: /dev/vdb, serial: S, destroy: true}"


@pytest.mark.parametrize(
    ("job", "answers"),
    [
        (job_of(), [False]),
        (job_of("precondition: {fill: false}"), [True]),
        (job_of("precondition: {fill: false}", workloads="[wr, rr]"), [False, True]),
        (job_of(target=DEVICE, workloads="[rr, {name: t, rw: randtrim}]"), [True, False]),
        (job_of("precondition: {fill: false}", target="{null_engine: true}"), [False]),
    ],
)
def test_only_reads_of_what_need_not_be_filled_are_in_question(job, answers):
    context = context_of(QuickAgent(a_target()), job)
    assert [is_in_question(context, step) for step in context.plan.steps] == answers


def test_a_target_without_files_has_nothing_unwritten():
    assert explain_unwritten(None) is None
    assert explain_unwritten(FULL) is None
