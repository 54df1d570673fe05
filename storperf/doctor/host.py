"""Findings about the host as it always is: processor, hypervisor, clock, memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storperf.doctor.wanted import Wanted
from storperf.model.finding import Finding, Level
from storperf.units import render_bytes

Facts = dict[str, Any]

_STEADY_GOVERNOR = "performance"
# A CPU second in a hundred that goes elsewhere shows in p99; one in ten shows in the mean.
_STEAL_SHOWS = 0.01
_STEAL_RULES = 0.10
# Below twice the memory most of a target can stay in the page cache.
_CACHE_FACTOR = 2


def host_findings(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    """Governor, virtualisation and steal, clock, swap, memory against the target's size."""
    yield _governor(facts["governors"])
    yield _virtual(facts["virtual"], facts["activity"])
    yield _clock(facts["clock"])
    yield _swap(facts["memory"], facts["activity"])
    yield _cache(facts["memory"], wanted)


def _governor(governors: Facts) -> Finding:
    why = "a CPU that sleeps deeply or runs slowly at low load lengthens every short latency"
    if not governors:
        text = "no frequency governor to be seen: the firmware or a hypervisor decides"
        return Finding(check="governor", level=Level.NOT_KNOWN, found=text, why=why)
    total = sum(governors.values())
    parts = [f"{name} on {count} of {total} CPUs" for name, count in sorted(governors.items())]
    text = ", ".join(parts)
    if set(governors) == {_STEADY_GOVERNOR}:
        return Finding(check="governor", level=Level.OK, found=text, why=why)
    remedy = "cpupower frequency-set --governor performance"
    return Finding(check="governor", level=Level.WARNING, found=text, why=why, remedy=remedy)


def _virtual(virtual: Facts, activity: Facts) -> Finding:
    why = "what a hypervisor gives to others comes and goes, and is seen here as slow storage"
    kind = "no sign of a hypervisor"
    if virtual["is_virtual"]:
        kind = f"a virtual machine ({virtual['name'] or 'the hypervisor gives no name'})"
    if virtual["container"]:
        kind += f", in a container ({virtual['container']})"
    steal = activity["cpu"].get("steal_share")
    if steal is None:
        text = f"{kind}; steal is not known"
        return Finding(check="virtualisation", level=Level.NOT_KNOWN, found=text, why=why)
    level, remedy = Level.OK, ""
    if steal >= _STEAL_SHOWS:
        level = Level.PROBLEM if steal >= _STEAL_RULES else Level.WARNING
        remedy = "measure when the hypervisor's host is quiet, or on dedicated CPUs"
    return Finding(
        check="virtualisation",
        level=level,
        found=f"{kind}; {steal:.1%} of CPU time stolen over {activity['interval_s']:.1f} s",
        why=why,
        remedy=remedy,
        spoils=level is Level.WARNING,
    )


def _clock(clock: Facts) -> Finding:
    why = "times in series and between machines are only as right as the clock; latencies are not"
    why += " touched"
    if clock["is_synchronised"] is None:
        text = "not known: neither the kernel nor chronyc nor timedatectl says"
        return Finding(check="clock", level=Level.NOT_KNOWN, found=text, why=why)
    if clock["is_synchronised"]:
        error = clock.get("largest_error_s")
        within = "" if error is None else f", within {error * 1000:.3g} ms"
        text = f"synchronised, says {clock['source']}{within}"
        return Finding(check="clock", level=Level.OK, found=text, why=why)
    return Finding(
        check="clock",
        level=Level.WARNING,
        found=f"not synchronised, says {clock['source']}",
        why=why,
        remedy="run chronyd or systemd-timesyncd",
    )


def _swap(memory: Facts, activity: Facts) -> Finding:
    why = "pages that go out and come back are I/O of nobody's asking, and stop fio meanwhile"
    if "swap_bytes" not in memory:
        return Finding(check="swap", level=Level.NOT_KNOWN, found="not known", why=why)
    used = memory["swap_bytes"] - memory.get("swap_free_bytes", memory["swap_bytes"])
    moved = activity["swapped_bytes_per_s"] or 0
    text = f"{render_bytes(used)} of {render_bytes(memory['swap_bytes'])} in use"
    if not memory["swap_bytes"]:
        return Finding(check="swap", level=Level.OK, found="there is none", why=why)
    if moved:
        text += f", {render_bytes(moved)} a second went in and out"
        remedy = "end what needs the memory, or swapoff -a"
        return Finding(
            check="swap", level=Level.WARNING, found=text, why=why, remedy=remedy, spoils=True
        )
    if used:
        remedy = "swapoff -a && swapon -a once there is memory for it"
        return Finding(check="swap", level=Level.WARNING, found=text, why=why, remedy=remedy)
    return Finding(check="swap", level=Level.OK, found=text, why=why)


def _cache(memory: Facts, wanted: Wanted) -> Finding:
    why = "a target that fits into memory is read from memory, unless O_DIRECT goes past it"
    total = memory.get("total_bytes")
    if total is None:
        return Finding(check="page cache", level=Level.NOT_KNOWN, found="not known", why=why)
    text = f"{render_bytes(total)} of memory"
    if not wanted.is_cached:
        text += "; the job uses O_DIRECT" if wanted.job else "; jobs use O_DIRECT by default"
        return Finding(check="page cache", level=Level.OK, found=text, why=why)
    size = wanted.size_bytes
    text += f", a target of {render_bytes(size)}, and the job goes through the page cache"
    if not size or size >= _CACHE_FACTOR * total:
        return Finding(check="page cache", level=Level.OK, found=text, why=why)
    remedy = f"direct: true, or a target.size of at least {render_bytes(_CACHE_FACTOR * total)}"
    return Finding(
        check="page cache", level=Level.WARNING, found=text, why=why, remedy=remedy, spoils=True
    )
