"""The process `storperf serve`: one application, one worker, until a signal comes."""

from __future__ import annotations

import gc
import logging
import signal
import sys
from contextlib import ExitStack
from types import FrameType

import uvicorn
from uvicorn.lifespan.on import LifespanOn

from storperf import service, tokens
from storperf.errors import StorperfError
from storperf.model.listing import RunSearch
from storperf.queueing.locks import serving
from storperf.settings import Settings
from storperf.web.app import create_app
from storperf.web.configuration import Configuration
from storperf.web.guard import MOST_HEADER_BYTES
from storperf.web.histories_ahead import Making, histories_ahead
from storperf.web.listening import check_tls, listening, shown_address

log = logging.getLogger(__name__)

# Streams of events end only when they are ended.
_LONGEST_GOODBYE_S = 3
_IDLE_S = 30
# Each may be a listener of a live run; what comes beyond them is told 503 at once.
_MOST_CONNECTIONS = 1000


def serve(settings: Settings, configuration: Configuration) -> None:
    """Serve the results folder until SIGTERM or SIGINT; the runs go on.

    Port 0 is any free one; where it listens is said on stderr.  Conflict: it is served already.
    UsageError: the address cannot be had.  StorperfError: a bug ended it.
    """
    check_files(configuration)
    with ExitStack() as stack:
        stack.enter_context(serving(settings))
        listener = stack.enter_context(listening(configuration))
        with service.open_store(settings) as store:
            token = tokens.ensure_local_token(settings, store)
            has_runs = bool(store.search_runs(RunSearch(limit=1)).runs)
        ahead = stack.enter_context(histories_ahead(settings)) if has_runs else None
        server = uvicorn.Server(_config(settings, configuration, ahead))
        _end_by_signals(server)
        where = shown_address(configuration, listener)
        sys.stderr.write(f"your token is in {token}\nserving {settings.results} on {where}\n")
        sys.stderr.flush()
        _collect_seldom()
        server.run(sockets=[listener])
        if isinstance(server.lifespan, LifespanOn) and server.lifespan.shutdown_failed:
            raise StorperfError("the server ended by a bug, told above; the runs go on")


def _end_by_signals(server: uvicorn.Server) -> None:
    """Let a signal end the server before it has handlers of its own, too.

    It repeats a signal once it is done; then this ends nothing.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _collect_seldom() -> None:
    """Let garbage collection stop the requests as seldom as can be.

    Making 20 histories of 100 runs, all of it took 1.1 s of 5.3, seven times up to 147 ms in one
    piece, in which no request went on; so it takes 0.3 s, and no more memory.
    """
    gc.collect()
    # What is there by now stays for good.
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def check_files(configuration: Configuration) -> None:
    """UsageError when a file that the configuration names cannot be used."""
    check_tls(configuration)
    if configuration.shows_tokens() and not configuration.proxies:
        log.warning(
            "%s: tokens can be read on the wire; give the server `tls`, or put a proxy before it",
            configuration.host,
        )


def _config(
    settings: Settings, configuration: Configuration, ahead: Making | None
) -> uvicorn.Config:
    app = create_app(
        settings,
        configuration=configuration,
        runs_at_once=configuration.runs_at_once,
        ahead=ahead,
    )
    return uvicorn.Config(
        app,
        log_config=None,
        # Ours says the same without the query.
        access_log=False,
        lifespan="on",
        http="h11",
        ws="none",
        server_header=False,
        # By itself uvicorn believes X-Forwarded-For from loopback: any local user could be anybody.
        proxy_headers=bool(configuration.proxies),
        forwarded_allow_ips=list(configuration.proxies),
        ssl_certfile=_text(configuration.certificate),
        ssl_keyfile=_text(configuration.key),
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=_LONGEST_GOODBYE_S,
    )


def _text(path: object) -> str | None:
    return None if path is None else str(path)
