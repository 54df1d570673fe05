"""What happens in runs, told to any number of listeners at once as server-sent events.

One task looks at a run's feed and wakes those who listen; each of these reads on from where it is
and waits for nobody.  A listener that takes nothing for a while is dropped: what it missed is in
the file, and it may ask again from the last number it saw.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from storperf.engine.live_feed import FEED_FILE
from storperf.engine.live_reading import FeedReader
from storperf.errors import Conflict

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_MOST_LISTENERS = 1000
_EVERY_S = 0.25
# The store is asked less often than the file: most looks find that the run goes on.
_LOOKS_A_STORE_LOOK = 4
# Proxies cut a connection on which nothing comes for a minute.
_HEARTBEAT_S = 15.0
_PATIENCE_S = 30.0
_AT_ONCE = 500


class _Watch:
    """One run's feed, looked at by one task for all who listen."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listeners = 0
        self.is_over = False
        # Set once, when something has happened, and replaced by a new one.
        self.moved = asyncio.Event()

    async def look(self, has_ended: Callable[[str], bool], run_id: str) -> None:
        size, looks = -1, 0
        while self.listeners and not self.is_over:
            # Asked first, looked at next: what was written before the end is not missed.
            if looks % _LOOKS_A_STORE_LOOK == 0:
                self.is_over = await run_in_threadpool(has_ended, run_id)
            now = _size(self.path)
            if now != size or self.is_over:
                size = now
                moved, self.moved = self.moved, asyncio.Event()
                moved.set()
            looks += 1
            await asyncio.sleep(_EVERY_S)


class LiveStreams:
    """The streams of one server; used on its event loop alone.

    `has_ended` says of a run's id whether nothing more will happen (queueing/following.py);
    `patience_s` is how long a listener may take nothing.
    """

    def __init__(
        self,
        has_ended: Callable[[str], bool],
        results: Path,
        *,
        patience_s: float = _PATIENCE_S,
        most: int = _MOST_LISTENERS,
    ) -> None:
        self.patience_s = patience_s
        self._most = most
        self._has_ended = has_ended
        self._results = results
        self._watches: dict[str, _Watch] = {}
        self._lookers: set[asyncio.Task[None]] = set()

    @property
    def listeners(self) -> int:
        """How many listen now, to all runs together."""
        return sum(watch.listeners for watch in self._watches.values())

    def stream(self, run_id: str, after: int) -> EventStream:
        """The events of a run behind the one of that number; Conflict when too many listen."""
        if self.listeners >= self._most:
            raise Conflict(f"{self._most} listen already; come back later")
        return EventStream(self, run_id, after)

    @asynccontextmanager
    async def watching(self, run_id: str) -> AsyncIterator[_Watch]:
        """The watch over a run, for as long as somebody listens."""
        watch = self._watches.get(run_id)
        if watch is None or watch.is_over:
            watch = _Watch(self._results / "runs" / run_id / FEED_FILE)
            self._watches[run_id] = watch
        watch.listeners += 1
        if watch.listeners == 1:
            task = asyncio.create_task(watch.look(self._has_ended, run_id))
            self._lookers.add(task)
            task.add_done_callback(self._lookers.discard)
        try:
            yield watch
        finally:
            watch.listeners -= 1
            if not watch.listeners and self._watches.get(run_id) is watch:
                del self._watches[run_id]


class EventStream(Response):
    """The answer to one listener; see the module."""

    media_type = "text/event-stream"

    def __init__(self, streams: LiveStreams, run_id: str, after: int) -> None:
        super().__init__(
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        del self.headers["content-length"]
        self._streams = streams
        self._run_id = run_id
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Tell until the run has ended, the listener is gone, or takes nothing any more."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        telling = asyncio.create_task(self._tell(send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait((telling, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (telling, gone):
                task.cancel()
            with suppress(asyncio.CancelledError, TimeoutError):
                await telling

    async def _tell(self, send: Send) -> None:
        async with self._streams.watching(self._run_id) as watch:
            reader = FeedReader(watch.path, self._after)
            is_over = False
            while True:
                moved, was_over = watch.moved, watch.is_over
                records = reader.read()
                while some := list(islice(records, _AT_ONCE)):
                    text = "".join(f"id: {each.number}\ndata: {each.text}\n\n" for each in some)
                    await self._send(send, text)
                if is_over:
                    await self._send(send, "event: end\ndata: {}\n\n", more=False)
                    return
                is_over = was_over
                if not is_over and not await _happened(moved):
                    await self._send(send, ": nothing new\n\n")

    async def _send(self, send: Send, text: str, *, more: bool = True) -> None:
        async with asyncio.timeout(self._streams.patience_s):
            await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


async def _happened(moved: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(moved.wait(), _HEARTBEAT_S)
    except TimeoutError:
        return False
    return True


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
