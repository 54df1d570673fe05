"""The compatible API as a part of the service."""

from __future__ import annotations

import threading

from fastapi import FastAPI

from storperf.queueing.lent_secrets import forget_ended
from storperf.web.compatible import pins, router
from storperf.web.compatible.allowed import Allowed
from storperf.web.compatible.starting import Compatible
from storperf.web.served import Served


def install(app: FastAPI) -> None:
    """Add the routes."""
    app.include_router(router.router)
    app.include_router(pins.router)


def begin(app: FastAPI, served: Served, allowed: Allowed) -> None:
    """Before the first request: what the routes share; secrets of ended runs are forgotten."""
    forget_ended(served.settings, served.store)
    app.state.compatible = Compatible(
        settings=served.settings,
        store=served.store,
        allowed=allowed,
        starting=threading.Lock(),
        wake=served.wake_queue,
    )
