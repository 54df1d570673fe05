"""Graphite events: what happened, for the vertical lines of a graph.

They live in graphite-web's own database, not in whisper, and are sent to its web address.
Sent from a thread of their own: a web server that hangs holds back neither a run nor its points.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import logging
import queue
import threading
import urllib.request
from dataclasses import dataclass

from storperf.deadline import Deadline
from storperf.sinks.paths import render_part

log = logging.getLogger(__name__)

_CAPACITY = 1000
_IDLE_S = 0.2
_PATIENCE_S = 2.0
# graphite-web refuses longer ones (MAX_TAG_LENGTH).
_LONGEST_TAG = 50
_DIGEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event: a line for people, tags to find it by, and plain facts."""

    what: str
    tags: tuple[str, ...]
    at_s: float
    facts: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCount:
    """How many events were given, and how many graphite-web took."""

    offered: int
    sent: int
    last_error: str | None


class EventSender:
    """One thread that posts; `put` and `close` are called from another one."""

    def __init__(self, web: str) -> None:
        self._address = f"{web.rstrip('/')}/events/"
        # No proxy: Carbon is reached directly too.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._queue: queue.Queue[Happening] = queue.Queue(_CAPACITY)
        self._offered = 0
        self._sent = 0
        self._last_error: str | None = None
        self._closing = threading.Event()
        self._end = Deadline.after(float("inf"))
        self._thread = threading.Thread(target=self._run, name="graphite-events", daemon=True)
        self._thread.start()

    def put(self, happening: Happening) -> None:
        """Take an event; one for which there is no room is lost, and counted."""
        self._offered += 1
        try:
            self._queue.put_nowait(happening)
        except queue.Full:
            self._last_error = self._last_error or "the queue of events is full"

    def close(self, deadline: Deadline) -> EventCount:
        """Post what is left until the deadline; how it went."""
        self._end = deadline
        self._closing.set()
        self._thread.join(deadline.remaining_s() + _IDLE_S)
        return EventCount(offered=self._offered, sent=self._sent, last_error=self._last_error)

    def _run(self) -> None:
        while not (self._closing.is_set() and self._end.is_over):
            try:
                happening = self._queue.get(timeout=0 if self._closing.is_set() else _IDLE_S)
            except queue.Empty:
                if self._closing.is_set():
                    return
                continue
            self._post(happening)

    def _post(self, happening: Happening) -> None:
        document = {
            "what": happening.what,
            "tags": list(happening.tags),
            "when": int(happening.at_s),
            "data": json.dumps(happening.facts, ensure_ascii=False),
        }
        request = urllib.request.Request(  # noqa: S310 - http or https, the job file sees to it
            self._address,
            data=json.dumps(document).encode(),
            headers={"Content-Type": "application/json"},
        )
        patience_s = max(0.05, min(_PATIENCE_S, self._end.remaining_s()))
        try:
            with self._opener.open(request, timeout=patience_s) as reply:
                reply.read()
        except (OSError, http.client.HTTPException, ValueError) as error:
            if self._last_error is None:
                log.warning("Graphite does not take events at %s: %s", self._address, error)
            self._last_error = f"{self._address}: {error}"
        else:
            self._sent += 1


def render_tag(name: str) -> str:
    """A name as a tag: no blanks, at most 50 characters, long ones told apart by a hash."""
    tag = render_part(name).replace(".", "")
    if len(tag) <= _LONGEST_TAG:
        return tag
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{tag[: _LONGEST_TAG - _DIGEST - 1]}-{digest}"
