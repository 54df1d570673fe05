"""Events of a run, told to listeners: whole, from a number on, and without waiting for anybody."""

from __future__ import annotations

import asyncio
import json

import pytest

from storperf.errors import Conflict
from storperf.web.live_streams import LiveStreams


def feed(settings, run, count):
    """A feed of so many records, as a manager writes it."""
    path = settings.results / "runs" / run / "live.jsonl"
    lines = [json.dumps({"number": n, "kind": "note"}) for n in range(1, count + 1)]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def told(client, run, headers=None, **parameters):
    """The numbers and names of the events that an ended run tells."""
    answer = client.get(f"/api/v3/runs/{run}/events", params=parameters, headers=headers or {})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block for block in answer.text.split("\n\n") if block]
    return [block.split("\n")[0] for block in blocks]


def test_an_ended_run_tells_everything_and_its_end(client, settings, runs):
    feed(settings, runs[0], 1200)
    assert told(client, runs[0]) == [f"id: {n}" for n in range(1, 1201)] + ["event: end"]


def test_a_listener_goes_on_behind_the_last_number_it_saw(client, settings, runs):
    feed(settings, runs[0], 3)
    assert told(client, runs[0], after=2) == ["id: 3", "event: end"]
    assert told(client, runs[0], {"Last-Event-ID": "2"}) == ["id: 3", "event: end"]
    assert told(client, runs[0], {"Last-Event-ID": "x"}, after=2) == ["id: 3", "event: end"]


def test_a_run_without_a_feed_tells_its_end(client, runs):
    assert told(client, runs[0]) == ["event: end"]


def test_events_of_no_run_are_not_found(client):
    assert client.get("/api/v3/runs/20010101-000000-aaaa/events").status_code == 404


class Listener:
    """Takes what a stream sends; `is_stuck` takes nothing."""

    def __init__(self, *, is_stuck=False):
        self.is_stuck = is_stuck
        self.sent = []
        self.is_gone = asyncio.Event()

    async def receive(self):
        await self.is_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if self.is_stuck and message["type"] == "http.response.body":
            await asyncio.Event().wait()
        self.sent.append(message.get("body", b"").decode())


class Going:
    """A run that goes on until `has_ended`, its feed, and the streams over it."""

    def __init__(self, folder):
        self.has_ended = False
        self.feed = folder / "runs/r1/live.jsonl"
        self.feed.parent.mkdir(parents=True)
        self.feed.write_text("")
        self.streams = LiveStreams(lambda _run: self.has_ended, folder, patience_s=0.2)

    def happens(self):
        with self.feed.open("a") as file:
            file.write("{}\n")

    def listen(self, listener):
        stream = self.streams.stream("r1", 0)
        return asyncio.create_task(stream({}, listener.receive, listener.send))


def test_every_listener_hears_everything_and_one_task_looks_for_all(tmp_path):
    async def scene():
        going = Going(tmp_path)
        listeners = [Listener() for _ in range(50)]
        tasks = [going.listen(each) for each in listeners]
        await asyncio.sleep(0)
        before = len(asyncio.all_tasks())
        going.happens()
        going.has_ended = True
        await asyncio.gather(*tasks)
        heard = {"".join(each.sent) for each in listeners}
        # One more than the listeners have: the task that looks.
        return heard, before - 1, going.streams.listeners

    heard, tasks, left = asyncio.run(scene())
    assert heard == {"id: 1\ndata: {}\n\nevent: end\ndata: {}\n\n"}
    assert tasks <= 3 * 50 + 1
    assert left == 0


def test_a_listener_that_takes_nothing_is_dropped_and_nobody_waits_for_it(tmp_path):
    async def scene():
        going = Going(tmp_path)
        going.happens()
        stuck, other = Listener(is_stuck=True), Listener()
        tasks = [going.listen(stuck), going.listen(other)]
        await tasks[0]
        assert going.streams.listeners == 1
        going.happens()
        going.has_ended = True
        await tasks[1]
        return "".join(other.sent)

    assert asyncio.run(scene()).count("data: {}") == 3


def test_a_listener_that_goes_away_is_forgotten(tmp_path):
    async def scene():
        going = Going(tmp_path)
        listener = Listener()
        task = going.listen(listener)
        listener.is_gone.set()
        await task
        return going.streams.listeners

    assert asyncio.run(scene()) == 0


def test_more_listeners_than_are_served_are_refused(tmp_path):
    streams = LiveStreams(lambda _run: False, tmp_path)
    assert streams.stream("r1", 0)
    crowd = LiveStreams(lambda _run: False, tmp_path, most=0)
    with pytest.raises(Conflict, match="listen already"):
        crowd.stream("r1", 0)
