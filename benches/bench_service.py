"""The service over 10,000 runs: its start, its answers, its memory, and many who look on."""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from effort import Effort
from figure import BenchError, Figure, Interval
from installed import PROGRAM, Installed, peak_bytes
from many_runs import multiply
from noise import median_figure, median_interval
from web_load import Client, Question, put_questions

_JOBS = 20
_PER_S = 20.0
_ANSWER_GOAL_MS = 100.0
_START_GOAL_S = 2.0
_MEMORY_GOAL_MIB = 300e6 / 2**20
_LISTENERS = 200
_PATIENCE_S = 120.0
_END = b"event: end"
_LARGE_JOB = (
    "name: nightly\ntarget: {null_engine: true}\nworkloads: [rr, wr]\nduration: 2s\n"
    "matrix: {queue_depth: [1, 4, 16, 64], block_size: [4k]}\n"
)
_LIVE_JOB = (
    "name: {name}\ntarget: {{null_engine: true}}\nworkloads: [rr]\nduration: {seconds}s\n"
    "matrix: {{queue_depth: 1}}\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """A `storperf serve` that has answered; `start_s` is from its command to that."""

    process: subprocess.Popen[str]
    address: str
    token: str
    start_s: float

    def client(self) -> Client:
        """A connection for one thread."""
        return Client(self.address, self.token)


def measure(effort: Effort) -> list[Figure]:
    """Starts, questions at a steady rate, memory; then runs with and without listeners."""
    program = Installed(effort.scratch / "service")
    program.run(_LARGE_JOB)
    jobs = multiply(program.folder / "results", effort.served_runs, _JOBS)
    return [
        *_over_many(program, jobs, effort),
        *_with_listeners(Installed(effort.scratch / "listened"), effort),
    ]


def _over_many(program: Installed, jobs: list[str], effort: Effort) -> Iterator[Figure]:
    starts = []
    for _ in range(effort.starts):
        with _serving(program) as server:
            starts.append(server.start_s)
    words = f"over {effort.served_runs} runs"
    yield median_figure(
        f"service {words}: command to its first answer", "s", starts, goal=_START_GOAL_S
    )
    with _serving(program) as server:
        questions = _questions(server, jobs)
        for when in ("just after the start", "later"):
            before_s = _cpu_s(server)
            took = put_questions(server.address, server.token, questions, _PER_S, effort.asked_s)
            asked = sum(map(len, took.values()))
            yield Figure(
                name=f"service {words}, {when}: its CPU for an answer",
                unit="ms",
                value=1000 * (_cpu_s(server) - before_s) / asked,
                n=asked,
            )
            for name, seconds in took.items():
                yield _slowest(f"service {words}, {when}: {name}", seconds)
        yield Figure(
            name=f"service {words}: peak memory",
            unit="MiB",
            value=peak_bytes(server.process.pid) / 2**20,
            n=1,
            goal=_MEMORY_GOAL_MIB,
        )


def _cpu_s(server: _Server) -> float:
    """CPU time that the server itself has had, in the kernel's grain of 10 ms."""
    stat = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="utf-8")
    words = stat.rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _slowest(name: str, seconds: list[float]) -> Figure:
    """The 95 % answer, with the interval that order statistics give it."""
    ordered = sorted(1000 * each for each in seconds)
    n = len(ordered)
    at = min(n - 1, int(0.95 * n))
    # A normal approximation to the binomial of how many lie below the quantile.
    spread = 1.96 * (n * 0.95 * 0.05) ** 0.5
    low, high = int(max(0, 0.95 * n - spread)), int(0.95 * n + spread)
    interval: Interval | None = (ordered[low], ordered[high]) if high < n else None
    return Figure(
        name=f"{name}, 95 % within",
        unit="ms",
        value=ordered[at],
        n=n,
        goal=_ANSWER_GOAL_MS,
        interval=interval,
    )


def _questions(server: _Server, jobs: list[str]) -> dict[str, Question]:
    """What people and programs ask; each time of other runs and jobs."""
    client = server.client()
    ids, pages = [], [""]
    for _ in range(10):
        page = json.loads(client.get(f"/api/v3/runs?limit=500{pages[-1]}"))
        ids += [run["id"] for run in page["runs"]]
        if page["next"] is None:
            break
        pages.append(f"&after={page['next']}")
    client.close()

    def job(number: int) -> str:
        return jobs[number * 7 % len(jobs)]

    def run(number: int) -> str:
        return str(ids[number % len(ids)])

    def last_five(number: int) -> str:
        return quote(f"job={job(number)},last=5")

    return {
        "a page of runs": lambda n: f"/api/v3/runs?limit=50{pages[n % len(pages)]}",
        "a job's failed runs": lambda n: f"/api/v3/runs?job={job(n)}&verdict=fail",
        "runs by their end": lambda n: f"/api/v3/runs?sort=ended&order={('desc', 'asc')[n % 2]}",
        "runs that hold a word": lambda n: f"/api/v3/runs?text=build%20{5 * n}",
        "the history of a job": lambda n: f"/api/v3/history?job={job(n)}",
        "two runs compared": lambda n: (
            f"/api/v3/comparisons?reference={run(977 * n)}&candidate={run(331 * n + 1)}"
        ),
        "five runs with five": lambda n: (
            f"/api/v3/comparisons?reference={last_five(n)}&candidate={last_five(n + 1)}"
        ),
    }


def _with_listeners(program: Installed, effort: Effort) -> Iterator[Figure]:
    """Runs in turn without and with listeners, each under a name of its own."""
    alone: list[dict[str, float]] = []
    heard: list[dict[str, float]] = []
    missed = 0
    with _serving(program) as server:
        for number in range(2 * effort.listened_runs):
            listeners = _LISTENERS if number % 2 else 0
            job = _LIVE_JOB.format(name=f"live-{number}", seconds=effort.listened_s)
            found, without = _listened_run(server, job, listeners)
            (heard if listeners else alone).append(found)
            missed += without
    yield Figure(
        name=f"{_LISTENERS} listeners: those that missed an event",
        unit="",
        value=missed,
        n=len(heard) * _LISTENERS,
        goal=0,
        interval=(missed, missed),
    )
    for what, words in (("took_s", "the run's time"), ("iops", "its IOPS")):
        ratios = [b[what] / a[what] for a, b in zip(alone, heard, strict=True)]
        yield Figure(
            name=f"{_LISTENERS} listeners: {words}, over that of a run without",
            unit="x",
            value=statistics.median(ratios),
            n=len(ratios),
            interval=median_interval(ratios),
        )


def _listened_run(server: _Server, job: str, listeners: int) -> tuple[dict[str, float], int]:
    """A run's time and IOPS, and how many who listened were not told all of it."""
    client = server.client()
    body = json.dumps({"text": job}).encode()
    run = json.loads(client.ask("POST", "/api/v3/runs", body, 202))["entry"]["run_id"]
    heard: list[bytes] = []
    threads = [
        threading.Thread(target=_listen, args=(server, run, heard), name=f"listener-{n}")
        for n in range(max(1, listeners))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result = json.loads(client.get(f"/api/v3/runs/{run}"))
    client.close()
    told = [_events(each) for each in heard]
    (step,) = result["steps"]
    figures = step["trials"][0]["figures"]
    iops = next(
        each["value"] for each in figures if (each["agent"], each["metric"]) == ("all", "iops")
    )
    took_s = result["run"]["ended_s"] - result["run"]["created_s"]
    most = max(map(len, told), default=0)
    whole = (*(b"id: %d" % number for number in range(1, most)), _END)
    return {"took_s": took_s, "iops": iops}, len(threads) - told.count(whole)


def _events(stream: bytes) -> tuple[bytes, ...]:
    return tuple(line for line in stream.splitlines() if line.startswith((b"id:", _END)))


def _listen(server: _Server, run: str, heard: list[bytes]) -> None:
    """Read the stream of a run to its end; nothing is kept of one that breaks off."""
    place = urlsplit(server.address)
    request = (
        f"GET /api/v3/runs/{run}/events HTTP/1.1\r\nHost: {place.netloc}\r\n"
        f"Authorization: Bearer {server.token}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port), timeout=_PATIENCE_S) as connection:
        connection.sendall(request.encode())
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    stream = b"".join(parts)
    if _END in stream:
        heard.append(stream)


@contextmanager
def _serving(program: Installed) -> Iterator[_Server]:
    """A server on a free port while inside."""
    began_s = time.perf_counter()
    process = subprocess.Popen(
        [PROGRAM, "serve", "--port", "0"],
        cwd=program.folder,
        env=program.environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = _said(process)
        address = said["serving"].split()[-1]
        token = Path(said["your token is in"].strip()).read_text(encoding="utf-8").strip()
        client = Client(address, token)
        client.get("/api/v3/runs?limit=1")
        client.close()
        yield _Server(
            process=process,
            address=address,
            token=token,
            start_s=time.perf_counter() - began_s,
        )
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=_PATIENCE_S)
        if process.stderr is not None:
            process.stderr.close()


def _said(process: subprocess.Popen[str]) -> dict[str, str]:
    """What a server tells on stderr until it listens, by how each line begins."""
    found: dict[str, str] = {}
    lines: list[str] = []
    for line in process.stderr or ():
        lines.append(line)
        for begin in ("your token is in", "serving"):
            if line.startswith(begin):
                found[begin] = line.removeprefix(begin)
        if len(found) == 2:
            return found
    raise BenchError(f"storperf serve said {''.join(lines)[-2000:]}")
