"""/api/v3: everything that storperf knows and does, for programs."""

from __future__ import annotations

from fastapi import APIRouter

from storperf.web.native import (
    agents,
    baselines,
    figures,
    files,
    intervals,
    jobs,
    library,
    live,
    runs,
    schedules,
    starting,
    state,
)
from storperf.web.native.reply import ERRORS

PREFIX = "/api/v3"
PARTS = (
    state.router,
    runs.router,
    starting.router,
    schedules.router,
    live.router,
    intervals.router,
    files.router,
    figures.router,
    baselines.router,
    library.router,
    jobs.router,
    agents.router,
)
router = APIRouter(prefix=PREFIX, responses=ERRORS)
for _part in PARTS:
    router.include_router(_part)
