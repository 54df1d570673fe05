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

router = APIRouter(prefix="/api/v3", responses=ERRORS)
_PARTS = (
    state,
    runs,
    starting,
    schedules,
    live,
    intervals,
    files,
    figures,
    baselines,
    library,
    jobs,
    agents,
)
for _part in _PARTS:
    router.include_router(_part.router)
