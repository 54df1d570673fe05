"""How the service is: alive, in numbers, in its log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from storperf.version import package_version
from storperf.web.callers import Admin, Reader
from storperf.web.native.metrics import METRICS_TYPE, metrics_text
from storperf.web.native.reply import as_files, reply
from storperf.web.served import ServedBy

router = APIRouter(tags=["service"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether the service answers, and which storperf it is."""

    status: Literal["ok"] = "ok"
    storperf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of the server's log; `at_s` is epoch seconds."""

    at_s: float
    level: str
    logger: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLogDocument:
    """The last lines of the server's log since it was started, oldest first."""

    schema: Literal["storperf-server-log/1"] = "storperf-server-log/1"
    lines: tuple[LogLine, ...]


@router.get("/health", response_model=Health)
def health() -> Response:
    """Say whether the service answers; needs no token."""
    return reply(Health(storperf=package_version()))


@router.get("/metrics", response_class=Response, responses=as_files("text/plain"))
def metrics(_caller: Reader, by: ServedBy) -> Response:
    """The service in numbers, in the text format of Prometheus."""
    return Response(metrics_text(by), 200, media_type=METRICS_TYPE)


@router.get("/log", response_model=ServerLogDocument)
def log_tail(
    _caller: Admin,
    by: ServedBy,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most so many.")] = 100,
) -> Response:
    """The last lines of the server's log."""
    lines = tuple(
        LogLine(at_s=each.created, level=each.levelname, logger=each.name, text=each.getMessage())
        for each in by.log.newest(limit)
    )
    return reply(ServerLogDocument(lines=lines))
