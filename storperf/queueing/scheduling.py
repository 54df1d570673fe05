"""Jobs that the clock puts into the queue: kept, changed, and fired when they are due."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from storperf.errors import Conflict, UsageError
from storperf.model.job import Job
from storperf.model.queued import EntryState, Schedule
from storperf.queueing.asking import make_entry
from storperf.queueing.times import (
    Rule,
    is_inside,
    next_time,
    parse_rule,
    rule_values,
    window_end,
    with_jitter,
)
from storperf.settings import Settings
from storperf.store.store import Store

log = logging.getLogger(__name__)

# Later than that it was missed: no server was there, or the machine stood still.
_MISSED_S = 60.0
# From an entry's facts: when waiting in the queue ends.
NOT_AFTER = "not_after_s"
_DIRECTORY = "directory"

Chance = Callable[[], float]


def add_schedule(  # noqa: PLR0913 - what a caller may say, by keyword
    settings: Settings,
    store: Store,
    name: str,
    job: Job,
    rule: Rule,
    *,
    priority: int,
    made_by: str,
    chance: Chance,
    facts: Mapping[str, object] | None = None,
    replace_it: bool = False,
) -> Schedule:
    """Keep a job that the clock runs; Conflict when the name is taken, unless with `replace_it`."""
    if not replace_it and any(each.name == name for each in store.schedules()):
        raise Conflict(f"there is a schedule {name} already; remove it first")
    now_s = time.time()
    rule = replace(rule, from_s=rule.from_s or now_s)
    made = Schedule(
        name=name,
        job_text=job.text,
        rule=rule_values(rule),
        priority=priority,
        made_by=made_by,
        made_s=now_s,
        next_s=due_after(rule, now_s, chance),
        facts={_DIRECTORY: str(settings.directory), **(facts or {})},
    )
    store.save_schedule(made)
    return made


def enable(store: Store, name: str, chance: Chance, *, is_enabled: bool) -> Schedule:
    """Let a schedule fire, or not; what was due meanwhile is not made up for."""
    found = store.schedule(name)
    next_s = due_after(parse_rule(found.rule), time.time(), chance) if is_enabled else None
    changed = replace(found, is_enabled=is_enabled, next_s=next_s)
    store.save_schedule(changed)
    return changed


def due_after(rule: Rule, now_s: float, chance: Chance) -> float:
    """When a rule fires next."""
    return with_jitter(rule, next_time(rule, now_s), chance())


def fire_due(settings: Settings, store: Store, now_s: float, chance: Chance) -> None:
    """Put the runs of all schedules that are due into the queue, each once.

    One that was missed is made up for once, while its window is open; else it is passed over, and
    so is one whose last run still waits.
    """
    for schedule in store.schedules():
        if schedule.is_enabled and schedule.next_s is not None and schedule.next_s <= now_s:
            _fire(settings, store, schedule, now_s, chance)


def _fire(
    settings: Settings, store: Store, schedule: Schedule, now_s: float, chance: Chance
) -> None:
    rule = parse_rule(schedule.rule)
    next_s = due_after(rule, now_s, chance)
    entry, note = None, _why_not(store, schedule, rule, now_s)
    if note is None:
        end_s = window_end(rule, now_s)
        facts = {key: value for key, value in schedule.facts.items() if key != "note"}
        facts |= {"schedule": schedule.name} | ({} if end_s is None else {NOT_AFTER: end_s})
        try:
            entry = make_entry(
                settings,
                schedule.job_text,
                submitted_by=f"schedule {schedule.name}",
                title=None,
                priority=schedule.priority,
                facts=facts,
            )
        except UsageError as error:
            note = f"refused: {error.message}"
    if note is not None:
        log.warning("schedule %s: %s", schedule.name, note)
    store.fire_schedule(schedule, entry, next_s=next_s, note=note)


def _why_not(store: Store, schedule: Schedule, rule: Rule, now_s: float) -> str | None:
    """Why no run comes of a schedule that is due; None when one does."""
    due_s = schedule.next_s or now_s
    if now_s - due_s > _MISSED_S and not is_inside(rule, now_s):
        due = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(due_s))
        return f"missed, due {due}: no server was there, and its window is closed"
    last = None if schedule.last_run is None else store.queue_entry(schedule.last_run)
    if last is not None and last.state is EntryState.QUEUED:
        return f"passed over: its last run {last.run_id} still waits"
    return None
