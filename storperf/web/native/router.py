"""/api/v3: everything that storperf knows and does, for programs."""

from __future__ import annotations

from fastapi import APIRouter

from storperf.web.native import (
    figures,
    files,
    intervals,
    jobs,
    library,
    live,
    runs,
    starting,
    state,
)
from storperf.web.native.reply import ERRORS

router = APIRouter(prefix="/api/v3", responses=ERRORS)
for _part in (state, runs, starting, live, intervals, files, figures, library, jobs):
    router.include_router(_part.router)
