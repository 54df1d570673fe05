"""The service as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from storperf import service
from storperf.errors import StorperfError
from storperf.histories import Histories
from storperf.queueing.dispatcher import dispatching
from storperf.queueing.following import has_ended
from storperf.settings import Settings
from storperf.version import package_version
from storperf.web import login
from storperf.web.callers import LoginNeeded
from storperf.web.compatible import installing as compatible
from storperf.web.configuration import NO_CONFIGURATION, Configuration
from storperf.web.guard import Guard
from storperf.web.histories_ahead import Making, taken_over
from storperf.web.live_streams import LiveStreams
from storperf.web.log_tail import LogTail
from storperf.web.native import described
from storperf.web.native import router as native
from storperf.web.native.faults import add_fault_handlers
from storperf.web.pages import documented
from storperf.web.pages import router as pages
from storperf.web.served import Served


def create_app(
    settings: Settings,
    *,
    configuration: Configuration = NO_CONFIGURATION,
    runs_at_once: int | None = None,
    ahead: Making | None = None,
) -> FastAPI:
    """The application over one store; it is opened with the server and closed with it.

    With `runs_at_once` it works the queue too; without, what is asked for only waits.
    `ahead` makes histories meanwhile.
    """

    @asynccontextmanager
    async def open_while_serving(app: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as stack:
            log = stack.enter_context(LogTail())
            store = stack.enter_context(service.open_store(settings))
            histories = Histories(store)
            wake = None
            if runs_at_once is not None:
                at_work = dispatching(settings, store, at_once=runs_at_once)
                wake = stack.enter_context(at_work).wake
            app.state.served = Served(
                configuration=configuration,
                settings=settings,
                store=store,
                log=log,
                histories=histories,
                streams=LiveStreams(partial(has_ended, store), settings.results),
                wake=wake,
            )
            if ahead is not None:
                stack.enter_context(taken_over(ahead, histories))
            compatible.begin(app, app.state.served, configuration.compatible)
            yield

    app = FastAPI(
        title="storperf",
        version=package_version(),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=open_while_serving,
    )
    app.add_exception_handler(StorperfError, _as_answer)
    app.add_exception_handler(LoginNeeded, login.ask_for_login)
    app.add_middleware(Guard, configuration=configuration)
    add_fault_handlers(app)
    app.include_router(native.router)
    app.include_router(described.router)
    app.include_router(documented.router)
    compatible.install(app)
    app.include_router(pages.router)
    app.include_router(login.router)
    return app


def _as_answer(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, StorperfError):
        raise error
    return JSONResponse(
        {"error": error.message, "exit_code": int(error.exit_code)}, error.http_status
    )
