"""What every request of one server works with, handed from the app to the handlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from storperf.histories import Histories
from storperf.settings import Settings
from storperf.store.store import Store
from storperf.web.configuration import NO_CONFIGURATION, Configuration
from storperf.web.live_streams import LiveStreams
from storperf.web.log_tail import LogTail


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One server's settings, its configuration and its open store; many threads use it at once.

    `wake` makes the dispatcher look at the queue now; call it after a submit or a cancel.
    """

    settings: Settings
    store: Store
    configuration: Configuration = NO_CONFIGURATION
    log: LogTail
    histories: Histories
    streams: LiveStreams
    wake: Callable[[], None] | None = None

    def wake_queue(self) -> None:
        """What was asked for just now need not wait for the next look."""
        if self.wake is not None:
            self.wake()


def served(request: Request) -> Served:
    """What the app of this request serves."""
    return cast("Served", request.app.state.served)


ServedBy = Annotated[Served, Depends(served)]
