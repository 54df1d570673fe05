"""What every request of one server works with, handed from the app to the handlers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from storperf.settings import Settings
from storperf.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One server's settings and its open store; many threads use it at once."""

    settings: Settings
    store: Store


def served(request: Request) -> Served:
    """What the app of this request serves."""
    return cast("Served", request.app.state.served)


ServedBy = Annotated[Served, Depends(served)]
