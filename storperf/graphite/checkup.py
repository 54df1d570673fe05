"""What a Graphite loses without a word, found out from outside, and which setting to change.

It is asked what it says of itself, and given points that must come back: of every age that our
rules keep, as fine as they say, and of more new series than Carbon makes files for in a minute as
it is shipped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import TypeVar

from storperf.deadline import Deadline
from storperf.errors import GraphiteError
from storperf.graphite.retention import HOST, LOAD, RUNS, Schema
from storperf.model.graphite import GraphiteFinding
from storperf.sinks.graphite_web import GraphiteWeb, Rendered
from storperf.sinks.link import Link, take_points
from storperf.sinks.paths import (
    SUMMARY,
    HostSeries,
    LoadSeries,
    RunSeries,
    render_path,
)

_PLACE = {"lab": "check", "job": "probe"}
_OWNER = {**_PLACE, "side": "candidate", "agent": "agent-01"}
_PROBES = (
    (
        LOAD,
        render_path(LoadSeries(**_OWNER, target="target-0", op="read", metric="iops")),
    ),
    (HOST, render_path(HostSeries(**_OWNER, sensor="cpu.user"))),
    (RUNS, render_path(RunSeries(tree=SUMMARY, **_PLACE, fact="exit_code"))),
)
# Carbon as it is shipped makes 50 files a minute.
_NEW_SERIES = 60
_PATIENCE_S = 15.0
_CONNECT_S = 5.0
_POLL_S = 0.3
# Three points of Carbon's own rule, a minute each.
_COARSE_S = 180
_HOUR_S = 3600
# So far into each archive that the next one cannot be meant.
_SHARE_OF_AGE = 0.9
_RULES = (
    "put what `storperf graphite config` prints before the other rules, and remove the files that "
    "were made by the old ones"
)
# What Carbon counts of itself, what it means, and what helps.
_SAYS = (
    (
        "carbon.agents.*.droppedCreates",
        "points of new series were dropped: over the limit of new files a minute",
        "MAX_CREATES_PER_MINUTE = inf in the section [cache] of carbon.conf",
    ),
    (
        "carbon.agents.*.cache.overflow",
        "points were dropped: the cache was full",
        "MAX_CACHE_SIZE = inf in the section [cache] of carbon.conf, or a faster disk",
    ),
    (
        "carbon.agents.*.errors",
        "points could not be written to their files",
        "look into Carbon's log: a full disk, or files that it may not write",
    ),
    (
        "carbon.relays.*.destinations.*.fullQueueDrops",
        "a relay dropped points: the queue to a cache was full",
        "MAX_QUEUE_SIZE in the section [relay] of carbon.conf, or more caches",
    ),
)
# Carbon as it is shipped tells once a minute what it dropped, which may come after the check.
_UNSAID = (
    "MAX_CREATES_PER_MINUTE = inf in the section [cache] of carbon.conf; where that is so, "
    "MAX_CACHE_SIZE = inf there, or MAX_QUEUE_SIZE of a relay in front; Carbon says which "
    "within a minute: check again"
)
_Found = TypeVar("_Found", bound=Sized)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Probe:
    """A point that must come back, and how fine."""

    path: str
    second: int
    value: int
    resolution_s: int


def check(
    web: GraphiteWeb, carbon: tuple[str, int], epoch: Callable[[], float] = time.time
) -> tuple[GraphiteFinding, ...]:
    """What is wrong, worst first; empty when nothing was found.  It takes up to half a minute."""
    now_s = int(epoch())
    try:
        take_points(carbon, _CONNECT_S)
        wrong, absent = _probe(web, carbon, now_s)
        # What was sent here may be what it speaks of.
        said = tuple(_said(web, int(epoch())))
        return (*wrong, *_not_made(absent, said), *said)
    except OSError as error:
        return (_unreachable(carbon, error),)
    except GraphiteError as error:
        return (
            GraphiteFinding(
                what=f"points cannot be read back: {error.message}",
                remedy="give the address of graphite-web",
                is_loss=False,
            ),
        )


def _unreachable(carbon: tuple[str, int], error: OSError) -> GraphiteFinding:
    host, port = carbon
    return GraphiteFinding(
        what=f"{host}:{port} takes no points: {error.strerror or error}",
        remedy="name Carbon's plaintext port with --carbon HOST:PORT; LINE_RECEIVER_PORT in "
        "carbon.conf says which it is, 2003 as shipped; one that hangs must be started again",
        is_loss=False,
    )


def _said(web: GraphiteWeb, now_s: int) -> Iterator[GraphiteFinding]:
    """What Carbon says of its last hour."""
    for pattern, what, remedy in _SAYS:
        series = web.render([pattern], now_s - _HOUR_S, now_s)
        total = sum(value for each in series for _, value in each.points)
        if total > 0:
            yield GraphiteFinding(
                what=f"{what} ({total:g} in the last hour, {pattern})", remedy=remedy, is_loss=True
            )


def _probe(
    web: GraphiteWeb, carbon: tuple[str, int], now_s: int
) -> tuple[tuple[GraphiteFinding, ...], int]:
    """What is wrong with the points that come back, and how many new series did not come."""
    probes = [probe for schema, path in _PROBES for probe in _probes_of(schema, path, now_s)]
    # One day's series, so that a day of checks leaves no more files than one.
    day = time.strftime("%Y%m%d", time.gmtime(now_s))
    fresh = [f"storperf.check.{day}.s{number:02}" for number in range(_NEW_SERIES)]
    was_there = len(web.render(fresh, now_s - _HOUR_S, now_s)) > 0
    lines = [f"{probe.path} {probe.value} {probe.second}" for probe in probes]
    lines += [f"{path} 1 {now_s}" for path in fresh]
    _send(carbon, lines)
    deadline = Deadline.after(_PATIENCE_S)
    wrong = _until_none(lambda: _wrong(web, probes), deadline)
    absent = () if was_there else _until_none(lambda: _absent(web, fresh, now_s), deadline)
    return tuple(wrong.values()), len(absent)


def _not_made(count: int, said: Sequence[GraphiteFinding]) -> Iterator[GraphiteFinding]:
    """New series that did not come; Carbon itself may say why."""
    if count:
        yield GraphiteFinding(
            what=f"{count} of {_NEW_SERIES} new series were not made within {_PATIENCE_S:.0f} s, "
            "and their points were dropped",
            remedy="; ".join(each.remedy for each in said) or _UNSAID,
            is_loss=True,
        )


def _probes_of(schema: Schema, path: str, now_s: int) -> Iterator[_Probe]:
    """A point in each archive, of this moment and of long ago."""
    for resolution_s, count in schema.archives:
        second = now_s - int(resolution_s * count * _SHARE_OF_AGE)
        second -= second % resolution_s
        yield _Probe(path=path, second=second, value=now_s % 10_000 + 1, resolution_s=resolution_s)
    newest = schema.archives[0][0]
    # Two of the present: the first is overwritten where a point is a minute.
    for second in (now_s - 2 * newest, now_s - newest):
        yield _Probe(
            path=path, second=second - second % newest, value=second % 10_000, resolution_s=newest
        )


def _send(carbon: tuple[str, int], lines: Sequence[str]) -> None:
    """Send lines; OSError when they are not read."""
    link = Link()
    try:
        link.open(carbon, _CONNECT_S)
        link.send("".join(f"{line}\n" for line in lines).encode(), _CONNECT_S)
        link.finish(_CONNECT_S)
    finally:
        link.drop()


def _until_none(look: Callable[[], _Found], deadline: Deadline) -> _Found:
    """What is still there at the deadline; carbon makes files and writes when it comes to it."""
    pause = threading.Event()
    while (found := look()) and not deadline.is_over:
        pause.wait(_POLL_S)
    return found


def _wrong(web: GraphiteWeb, probes: Sequence[_Probe]) -> dict[str, GraphiteFinding]:
    found = {}
    for probe in probes:
        # Some points around it, so that their distance is to be seen.
        around_s = max(3 * probe.resolution_s, _COARSE_S)
        answer = web.render([probe.path], probe.second - around_s, probe.second + around_s)
        problem = _problem(probe, answer)
        if problem is not None:
            # A series is told of once: its finest archive is looked at last, and says most.
            found[probe.path] = problem
    return found


def _problem(probe: _Probe, answer: Sequence[Rendered]) -> GraphiteFinding | None:
    kept_s = max((each.resolution_s or 0 for each in answer), default=0)
    values = dict(point for each in answer for point in each.points)
    if kept_s > probe.resolution_s:
        return GraphiteFinding(
            what=f"{probe.path} has a point each {kept_s} s where ours has one each "
            f"{probe.resolution_s} s: the others are overwritten",
            remedy=f"storage-schemas.conf: {_RULES}",
            is_loss=True,
        )
    if values.get(probe.second) == probe.value:
        return None
    return GraphiteFinding(
        what=f"{probe.path} does not keep a point of {_age(probe.second)}",
        remedy=f"storage-schemas.conf: {_RULES}",
        is_loss=True,
    )


def _age(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(second))


def _absent(web: GraphiteWeb, paths: Sequence[str], now_s: int) -> tuple[str, ...]:
    there = {each.path for each in web.render(paths, now_s - _HOUR_S, now_s + 60) if each.points}
    return tuple(path for path in paths if path not in there)


def carbon_of(address: str | None, web: GraphiteWeb, port: int) -> tuple[str, int]:
    """Where Carbon is: HOST:PORT, HOST, or by default the host of graphite-web."""
    if address is None:
        host = web.address.split("//", 1)[-1].split("/", 1)[0]
        return host.rpartition(":")[0].strip("[]") or host, port
    host, colon, text = address.rpartition(":")
    if colon and text.isdigit():
        return host.strip("[]"), int(text)
    return address, port
