"""/api/v3: everything that storperf knows and does, for programs."""

from __future__ import annotations

from fastapi import APIRouter

from storperf.version import package_version
from storperf.web.callers import Reader
from storperf.web.served import ServedBy

router = APIRouter(prefix="/api/v3")


@router.get("/health")
def health() -> dict[str, str]:
    """Whether the service answers; needs no token."""
    return {"status": "ok", "storperf": package_version()}


@router.get("/runs")
def runs(_caller: Reader, by: ServedBy) -> list[str]:
    """The newest runs' ids."""
    return [run.id for run in by.store.find_runs()]
