"""What is not as it was when the runs were made that a run is compared with."""

from __future__ import annotations

from collections.abc import Mapping

from storperf.model.run import Run
from storperf.reports.flat_facts import flat_facts

_ENVIRONMENT = "environment."
# What may make a figure another one and is no other hardware; new ones every night are left out.
_TOLD = (
    *("fio", "host.kernel", "host.distribution", "host.python", "host.cpus", "host.memory_bytes"),
    *("governor", "firmware", "scheduler", "virtual.hypervisor", "write_cache", "mount_options"),
)
_MOST = 4


def unlike(now: Run, then: Run) -> str:
    """Which facts of the hosts differ between two runs, with both values; empty for none."""
    was, is_now = _facts(then), _facts(now)
    found = [
        f"{name} is {is_now.get(name, 'not known')}, was {was.get(name, 'not known')}"
        for name in sorted({*was, *is_now})
        if was.get(name) != is_now.get(name)
    ]
    if not found or not was:
        return ""
    more = f"; and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return f"Unlike in run {then.id}: {'; '.join(found[:_MOST])}{more}."


def _facts(run: Run) -> dict[str, str]:
    """The values of all agents, each once, by the fact's name."""
    found: dict[str, set[str]] = {}
    for place, facts in run.facts.items():
        if not place.startswith(_ENVIRONMENT) or not isinstance(facts, Mapping):
            continue
        for name, text in flat_facts(facts):
            if name.endswith(_TOLD):
                found.setdefault(name.removeprefix("host."), set()).add(text)
    if found:
        found["storperf"] = {str(run.manager.get("storperf", "not known"))}
    return {name: ", ".join(sorted(texts)) for name, texts in found.items()}
