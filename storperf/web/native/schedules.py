"""Jobs that the clock puts into the queue: kept, changed, paused, removed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Response

from storperf.errors import UsageError
from storperf.model.queued import Schedule
from storperf.queueing import asking, scheduling
from storperf.queueing.times import Rule, parse_rule
from storperf.units import parse_duration_s
from storperf.web.callers import Admin, Reader
from storperf.web.native.jobs import Variables, job_text
from storperf.web.native.parameters import LINE, Name
from storperf.web.native.reply import reply
from storperf.web.native.starting import (
    NAMES,
    VETTED,
    Confirm,
    MaybeText,
    Priority,
    StoredName,
    ToGraphite,
    Version,
    meaning_of,
)
from storperf.web.served import ServedBy
from storperf.web.submitting import vetted

router = APIRouter(tags=["schedules"])

Clock = Annotated[
    str | None,
    Body(pattern=LINE, max_length=5, description="Every day at this time.", examples=["22:30"]),
]
Every = Annotated[
    str | None,
    Body(pattern=LINE, max_length=20, description="Instead: from now on, every `6h`."),
]
Zone = Annotated[
    str,
    Body(pattern=LINE, max_length=100, description="Of all times of day, as `Europe/Vienna`."),
]
Window = Annotated[
    str | None,
    Body(pattern=LINE, max_length=11, description="Begin no run outside of `22:00-06:00`."),
]
Jitter = Annotated[
    str, Body(pattern=LINE, max_length=20, description="Up to so much later, by chance.")
]
Replace = Annotated[bool, Body(description="Take the place of one of that name.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulesDocument:
    """Schedules by name; `next_s` is when each is due, null while it rests."""

    schema: Literal["storperf-schedules/1"] = "storperf-schedules/1"
    schedules: tuple[Schedule, ...]


@router.get("/schedules", response_model=SchedulesDocument)
def list_schedules(_caller: Reader, by: ServedBy) -> Response:
    """List what the clock will ask for, and what became of it last."""
    return reply(SchedulesDocument(schedules=by.store.schedules()))


@router.get("/schedules/{name}", response_model=Schedule)
def show_schedule(_caller: Reader, by: ServedBy, name: Name) -> Response:
    """Show one schedule."""
    return reply(by.store.schedule(name))


@router.put("/schedules/{name}", response_model=Schedule)
def add_schedule(  # noqa: PLR0913, PLR0917 - a key each
    caller: Admin,
    by: ServedBy,
    name: Name,
    text: MaybeText = None,
    job: StoredName = None,
    version: Version = None,
    variables: Variables = None,
    at: Clock = None,
    every: Every = None,
    zone: Zone = "UTC",
    window: Window = None,
    jitter: Jitter = "0s",
    priority: Priority = 0,
    confirm: Confirm = None,
    graphite: ToGraphite = True,  # noqa: FBT002 - a key of the body
    replace: Replace = False,  # noqa: FBT002 - a key of the body
) -> Response:
    """Keep a job that the clock runs, with what its names mean now.

    Conflict when the name is taken, unless with `replace`.
    """
    rule = _rule(at=at, every=every, zone=zone, window=window, jitter=jitter)
    whole = vetted(by, job_text(by.store, text, job, version), variables=variables or {})
    made = scheduling.add_schedule(
        by.settings,
        by.store,
        name,
        asking.parse_trusted(by.settings, whole),
        rule,
        priority=priority,
        made_by=caller.name,
        chance=random.random,
        facts={
            "confirm": None if confirm is None else confirm.value,
            "graphite": graphite,
            VETTED: True,
            NAMES: meaning_of(by.configuration.places),
        },
        replace_it=replace,
    )
    by.wake_queue()
    return reply(made)


@router.patch("/schedules/{name}", response_model=Schedule)
def switch_schedule(
    _caller: Admin,
    by: ServedBy,
    name: Name,
    is_enabled: Annotated[bool, Body(embed=True, description="False lets it rest.")],
) -> Response:
    """Let a schedule rest, or go on; what was due meanwhile is not made up for."""
    changed = scheduling.enable(by.store, name, random.random, is_enabled=is_enabled)
    by.wake_queue()
    return reply(changed)


@router.delete("/schedules/{name}", status_code=204, response_class=Response)
def remove_schedule(_caller: Admin, by: ServedBy, name: Name) -> Response:
    """Forget a schedule; its runs stay."""
    by.store.delete_schedule(name)
    return Response(status_code=204)


def _rule(*, at: str | None, every: str | None, zone: str, window: str | None, jitter: str) -> Rule:
    return parse_rule(
        {
            "at": at,
            "every_s": None if every is None else _seconds("every", every),
            "zone": zone,
            "window": None if window is None else window.split("-"),
            "jitter_s": _seconds("jitter", jitter),
        }
    )


def _seconds(name: str, text: str) -> float:
    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise UsageError(f"{name} {text!r}: {error}") from error
