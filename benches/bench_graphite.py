"""Points to a real Carbon: how fast, at what cost, and what is lost when it goes away."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import graphyte
from effort import Effort
from figure import BenchError, Figure
from graphite_rig import Rig, running
from installed import Installed
from noise import median_figure, ratio_figure

from storperf.model.job import Graphite
from storperf.sinks.entries import Fold, Points
from storperf.sinks.graphite import GraphiteSink
from storperf.sinks.points import Point
from storperf.sinks.spool import Owner
from storperf.store.intervals import read_rows

# Where single seconds are kept.
_TREE = "storperf.live.bench.loss.candidate.agent-01.target-0"
_FEEDER = Path(__file__).with_name("graphite_feeder.py")
_SERIES = 1000
_POINTS = 60_000
_BATCH = 500
_WRITTEN_S = 1.3
_SYNC_SENDS = 300
# A slice has twelve figures.
_STREAMS = 1667
_FIGURES = 12
_LIVE_SERIES = 100
_MIB = 1 << 20
_LAG_S = 15


def measure(effort: Effort) -> list[Figure]:
    """One carbon-cache and one graphite-web for all of it, on this machine."""
    # It logs every message that it loses, whole.
    logging.getLogger("graphyte").setLevel(logging.CRITICAL)
    with running(effort.scratch / "graphite") as rig:
        return [
            *_rates(rig, effort),
            *_absence(rig, effort),
            *_live(rig, effort),
            _visible(rig, effort),
        ]


# --- how fast --------------------------------------------------------------------------------


def _rates(rig: Rig, effort: Effort) -> list[Figure]:
    """Rounds of the same points: through the spool, by a plain socket, and by that once more.

    All of them end when carbon-cache has read the last point.
    """
    second = int(time.time())
    lines = [
        Point(f"bench.rate.s{n % _SERIES}", float(n), second - n // _SERIES) for n in range(_POINTS)
    ]
    rig.plain_send(lines)  # makes the files
    spools = effort.scratch / "rate"

    def ours() -> None:
        _spool_send(spools, rig.address, lines)

    def plain() -> None:
        rig.plain_send(lines)

    rounds = []
    for _ in range(2 * effort.timings):
        order = {"ours": ours, "plain": plain, "again": plain}
        took = {}
        for name in random.sample(sorted(order), 3):
            # What the one before left in Carbon's memory is on its disk then.
            time.sleep(_WRITTEN_S)
            took[name] = _took_s(order[name])
        rounds.append(took)
    spooled, socket_s, again = (
        [each[name] for each in rounds] for name in ("ours", "plain", "again")
    )
    sync = graphyte.Sender(rig.address.host, rig.address.port, raise_send_errors=True)
    alone = [_took_s(lambda: _send_each(sync, lines[:_SYNC_SENDS])) for _ in range(effort.timings)]
    return [
        ratio_figure(
            "points/s through the spool / by a plain socket, into carbon-cache",
            [1 / each for each in spooled],
            [1 / each for each in socket_s],
            [1 / each for each in again],
            goal=0.95,
            at_least=True,
        ),
        median_figure(
            "points/s through the spool into carbon-cache", "1/s", [_POINTS / s for s in spooled]
        ),
        median_figure(
            "points/s by graphyte alone, a connection each", "1/s", [_SYNC_SENDS / s for s in alone]
        ),
    ]


def _spool_send(spools: Path, address: Graphite, lines: Sequence[Point]) -> None:
    # Nobody reads back: the socket beside it does not either.
    plain = Graphite(host=address.host, port=address.port)
    sink = GraphiteSink(spools, Owner(run="rate", lab="lab", job="job", graphite=plain))
    for first in range(0, len(lines), _BATCH):
        sink.put([Points(fold=Fold.LAST, points=tuple(lines[first : first + _BATCH]))])
    facts: Any = sink.close(60.0)
    if facts["points"]["confirmed"] != len(lines):
        raise BenchError(f"not all was sent: {facts}")


def _send_each(sender: graphyte.Sender, lines: Sequence[Point]) -> None:
    for path, value, second in lines:
        sender.send(path, value, second)


# --- what is lost ----------------------------------------------------------------------------


def _absence(rig: Rig, effort: Effort) -> list[Figure]:
    """Carbon is killed by SIGKILL and away for a while, then hung; a hundred series each second.

    graphyte sends beside it, in the background and with a queue that has room for all of it.
    """
    spools = effort.scratch / "absence"
    sink = GraphiteSink(spools, Owner(run="away", lab="lab", job="job", graphite=rig.address))
    queued = int(_LIVE_SERIES * (2 * effort.away_s + 3 * _LAG_S))
    other = graphyte.Sender(rig.address.host, rig.address.port, interval=1, queue_size=queued)
    ended, counts = threading.Event(), [0]
    begun_s = int(time.time())

    def feed() -> None:
        while not ended.wait(1.0 - time.time() % 1.0):
            second = int(time.time())
            ours = tuple(Point(f"{_TREE}.ours.s{n}", float(n), second) for n in range(_LIVE_SERIES))
            sink.put([Points(fold=Fold.LAST, points=ours)])
            for n in range(_LIVE_SERIES):
                other.send(f"{_TREE}.graphyte.s{n}", float(n), second)
            counts[0] += 1

    feeder = threading.Thread(target=feed, name="feed")
    feeder.start()
    try:
        time.sleep(_LAG_S)
        os.kill(rig.carbon_pid(), signal.SIGKILL)
        time.sleep(effort.away_s)
        rig.heal()
        time.sleep(_LAG_S)
        pid = rig.carbon_pid()
        os.kill(pid, signal.SIGSTOP)
        time.sleep(effort.away_s)
        os.kill(pid, signal.SIGCONT)
        time.sleep(_LAG_S)
    finally:
        ended.set()
        feeder.join()
        other.stop()
        sink.close(60.0)
    offered = counts[0] * _LIVE_SERIES
    away = f"{effort.away_s:.0f} s away and {effort.away_s:.0f} s hung"
    return [
        _lost(rig, f"points lost, Carbon {away}, storperf", "ours", offered, begun_s, goal=0.0),
        _lost(rig, f"points lost, Carbon {away}, graphyte", "graphyte", offered, begun_s),
    ]


def _lost(  # noqa: PLR0913, PLR0917 - whose points, of how many, since when
    rig: Rig, name: str, tree: str, offered: int, begun_s: int, goal: float | None = None
) -> Figure:
    paths = [f"{_TREE}.{tree}.s{n}" for n in range(_LIVE_SERIES)]
    lost = 100.0 * (1 - rig.count(paths, begun_s - 1, time.time()) / offered)
    # Counted, not estimated.
    return Figure(name=name, unit="%", value=lost, n=offered, goal=goal, interval=(lost, lost))


# --- at what cost ----------------------------------------------------------------------------


def _live(rig: Rig, effort: Effort) -> list[Figure]:
    """20,000 series each second, from a process that does nothing else."""
    spools = effort.scratch / "live"
    address = json.dumps(asdict(rig.address))
    ended = subprocess.run(
        [sys.executable, _FEEDER, spools, address, str(_STREAMS), str(effort.live_s)],
        capture_output=True,
        text=True,
        timeout=600 + effort.live_s,
        check=False,
    )
    if ended.returncode:
        raise BenchError(f"the feeder ended with {ended.returncode}: {ended.stderr[-2000:]}")
    found = json.loads(ended.stdout)
    points, read = found["facts"]["points"], found["facts"]["read_back"]
    lost = points["offered"] - points["confirmed"]
    series = f"{_STREAMS * _FIGURES} series at 1 Hz for {effort.live_s} s"
    return [
        _one(f"{series}: CPU of the sender, of one core", "%", 100 * found["cores"], goal=100.0),
        _one(f"{series}: peak memory of the sender", "MiB", found["peak_bytes"] / _MIB, goal=200.0),
        _one(f"{series}: points lost", "", lost, goal=0.0),
        _one(f"{series}: series that lack points", "", read["missing_series"], goal=0.0),
        _one(f"{series}: series read back", "", read["read"]),
    ]


def _one(name: str, unit: str, value: float, goal: float | None = None) -> Figure:
    return Figure(name=name, unit=unit, value=value, n=1, goal=goal, interval=(value, value))


# --- how soon --------------------------------------------------------------------------------


def _visible(rig: Rig, effort: Effort) -> Figure:
    """A real run; from the end of an interval on the agent to the first /render that shows it."""
    program = Installed(effort.scratch / "visible")
    address = rig.address
    job = (
        f"name: seen\ntarget: {{null_engine: true}}\nworkloads: [rr]\nduration: {effort.live_s}s\n"
        f'graphite: {{host: {address.host}, port: {address.port}, web: "{address.web}"}}\n'
    )
    path = "storperf.live.local.seen.candidate.agent-01.target-0.read.iops"
    seen: dict[int, float] = {}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            now_s = time.time()
            for each in rig.web.render([path], now_s - 30, now_s + 5):
                for second, _ in each.points:
                    seen.setdefault(second, time.time())

    looker = threading.Thread(target=look, name="look")
    looker.start()
    try:
        program.run(job)
    finally:
        ended.set()
        looker.join()
    (intervals,) = (program.folder / "results").glob("runs/*/intervals/*.zip")
    ends_s = [float(end_s) for end_s in read_rows(intervals).end_s]
    # The first one waits for its file, and the last one may share its second.
    delays = [seen[int(end_s)] - end_s for end_s in ends_s[1:-1] if int(end_s) in seen]
    return median_figure("end of an interval on the agent to /render", "s", delays, goal=2.0)


def _took_s(act: Callable[[], None]) -> float:
    begun_s = time.perf_counter()
    act()
    return time.perf_counter() - begun_s
