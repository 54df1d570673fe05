"""The use cases of anchors: where a baseline begins anew, because the level changed for good."""

from __future__ import annotations

import time
from dataclasses import replace

from storperf.baselines import acceptable
from storperf.errors import UsageError
from storperf.model.baseline import Anchor, BaselineKey
from storperf.service import open_store
from storperf.settings import Settings


def anchors(settings: Settings, lab: str, job: str) -> tuple[Anchor, ...]:
    """Where the job's baselines began anew, and who took that back, newest first."""
    with open_store(settings) as store:
        return store.anchors(lab, job)


def anchor(
    settings: Settings, run_text: str, step: str | None, *, who: str, why: str
) -> tuple[Anchor, ...]:
    """Let the baseline of a run's steps, or of one of them, begin anew with it.

    It is accepted as `accept` does, and refused where that refuses.
    """
    with open_store(settings) as store:
        found = [
            entry
            for entry in acceptable(store, run_text, who=who, why=why)
            if step in (None, entry.key.step)
        ]
        if not found:
            raise UsageError(f"run {run_text} measured no step {step}")
        store.enter_baseline(found)
        made = tuple(
            Anchor(key=entry.key, run=entry.run, who=who, why=why, at_s=entry.at_s)
            for entry in found
        )
        store.anchor_baseline(made)
        return made


def unanchor(  # noqa: PLR0913 - what is taken back, by whom and why
    settings: Settings, lab: str, job: str, step: str | None, *, who: str, why: str
) -> tuple[Anchor, ...]:
    """Take the anchors of a job, or of one of its steps, back; UsageError when there are none."""
    with open_store(settings) as store:
        newest: dict[BaselineKey, Anchor] = {}
        for each in store.anchors(lab, job):
            newest.setdefault(each.key, each)
        held = [
            replace(each, run=None, confirmed_by=None, who=who, why=why, at_s=time.time())
            for key, each in newest.items()
            if each.run is not None and step in (None, key.step)
        ]
        if not held:
            of_step = "" if step is None else f", step {step},"
            raise UsageError(f"no baseline of lab {lab}, job {job}{of_step} is anchored to a run")
        store.anchor_baseline(held)
        return tuple(held)
