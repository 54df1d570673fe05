"""Looks at the embedded Graphite from outside, as its users do."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from storperf.graphite.configuration import HOST, Ports

_PATIENCE_S = 5.0
_BLOCK_BYTES = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class CarbonFigures:
    """What carbon-cache says of its last day; the newest ten seconds are not in it yet."""

    received: int
    dropped: int


def takes_points(ports: Ports) -> bool:
    """Whether Carbon reads: it closes a connection that has been read to its end.

    The kernel accepts connections for a program that hangs, so accepting proves nothing.
    """
    try:
        with socket.create_connection((HOST, ports.line), _PATIENCE_S) as carbon:
            carbon.shutdown(socket.SHUT_WR)
            return not carbon.recv(1)
    except OSError:
        return False


def answers(ports: Ports) -> bool:
    """Whether graphite-web renders."""
    return _render(ports, "storperf.none", "-1min") is not None


def carbon_figures(ports: Ports) -> CarbonFigures | None:
    """Sums over the last day, None when graphite-web does not answer."""
    received = _sum_of(ports, "carbon.agents.*.metricsReceived")
    dropped = _sum_of(ports, "carbon.agents.*.droppedCreates")
    if received is None or dropped is None:
        return None
    return CarbonFigures(received=received, dropped=dropped)


def space_use(whisper: Path) -> tuple[int, int]:
    """Series and bytes on the disk; the files are sparse, their own sizes say nothing."""
    series = size_bytes = 0
    for path in whisper.rglob("*"):
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue
        series += path.suffix == ".wsp"
        size_bytes += found.st_blocks * _BLOCK_BYTES
    return series, size_bytes


def _sum_of(ports: Ports, target: str) -> int | None:
    found = _render(ports, target, "-24h")
    if found is None:
        return None
    values = (value for each in found for value, _ in each["datapoints"])
    return round(sum(float(value) for value in values if value is not None))


def _render(ports: Ports, target: str, since: str) -> list[dict[str, Any]] | None:
    query = urlencode({"target": target, "from": since, "format": "json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{ports.web}/render?{query}", timeout=_PATIENCE_S) as reply:
            found: list[dict[str, Any]] = json.load(reply)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return found
