"""What happens in a run, as it happens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from starlette.concurrency import run_in_threadpool

from storperf.queueing.following import has_ended
from storperf.web.callers import Reader
from storperf.web.native.parameters import RunId
from storperf.web.native.reply import as_files
from storperf.web.served import ServedBy

router = APIRouter(tags=["runs"])

_MOST = 10**9


@router.get("/runs/{run}/events", response_class=Response, responses=as_files("text/event-stream"))
async def events(
    _caller: Reader,
    by: ServedBy,
    run: RunId,
    after: Annotated[int, Query(ge=0, le=_MOST, description="Only what comes behind it.")] = 0,
    last: Annotated[
        str | None,
        Header(alias="Last-Event-ID", max_length=40, description="What a browser sends again."),
    ] = None,
) -> Response:
    """Tell what happens in a run as server-sent events, from the first on, until it has ended.

    Each event is a JSON object with `number`, `at_s`, `kind` and the facts of that kind; its `id`
    is the number.  The last one is called `end`.  A run that waits in the queue is waited for.
    """
    # UnknownName before the stream begins: afterwards there is no status to say it with.
    await run_in_threadpool(has_ended, by.store, run)
    is_number = last is not None and last.isascii() and last.isdecimal() and len(last) < 10
    return by.streams.stream(run, int(last or 0) if is_number else after)
