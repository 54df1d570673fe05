"""What the manager's end of a channel does when the other end says little."""

from __future__ import annotations

import queue

import pytest

from storperf.agent import frames
from storperf.deadline import Deadline
from storperf.errors import AgentLost
from storperf.remote.client import AgentClient
from storperf.remote.journal_copy import JournalCopy


class Silent:
    """A stream that answers what it is told to answer."""

    def __init__(self):
        self.written = []
        self.answers = queue.Queue()

    def read(self):
        return self.answers.get()

    def write(self, content):
        self.written += [message for _, message in frames.FrameReader().feed(content)]

    def answer(self, number):
        self.answers.put(frames.encode(frames.REPLY, {"id": number, "ok": True}))

    def last_words(self):
        return ""

    def close(self):
        self.answers.put(b"")


@pytest.fixture
def stream():
    return Silent()


@pytest.fixture
def client(stream, tmp_path):
    copy = JournalCopy(tmp_path / "journal")
    client = AgentClient("agent-01", stream, copy)
    yield client
    client.close()
    copy.close()


def test_a_ping_waits_for_nobody_and_its_answer_is_no_other_command_s(client, stream):
    client.ping(Deadline.after(30))
    stream.answer(1)
    stream.answer(2)
    assert client.call("clock", Deadline.after(30))["id"] == 2
    client.ping(Deadline.after(30))
    assert [each["command"] for each in stream.written] == ["ping", "clock", "ping"]


def test_a_ping_that_is_not_answered_is_a_lost_agent_by_the_next_one(client, stream):
    client.ping(Deadline.after(0))
    with pytest.raises(AgentLost, match="agent-01 did not answer ping in time"):
        client.ping(Deadline.after(30))


def test_one_ping_at_a_time_is_on_its_way(client, stream):
    client.ping(Deadline.after(30))
    client.ping(Deadline.after(30))
    assert len(stream.written) == 1
