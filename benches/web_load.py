"""Questions put to a server at a steady rate, each timed from when it was due."""

from __future__ import annotations

import http.client
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from figure import BenchError

_TIMEOUT_S = 60.0
_CLIENTS = 40
# A server closes a connection on which nothing came for a while (storperf: 30 s); who asks at
# that very moment gets no answer.
_FRESH_S = 10.0
_OK = 200

# A question's path, made anew each time from how often it has been asked.
Question = Callable[[int], str]


class Client:
    """One connection to a server; for one thread."""

    def __init__(self, address: str, token: str) -> None:
        self._headers = {"Authorization": f"Bearer {token}"}
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=_TIMEOUT_S)
        self._used_s = 0.0

    def get(self, path: str) -> bytes:
        """What the server says; BenchError when it is no 200."""
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: bytes | None = None, status: int = _OK) -> bytes:
        """The body of an answer; BenchError when its status is another one."""
        if time.monotonic() - self._used_s > _FRESH_S:
            self._connection.close()  # the request opens it anew
        kind = {} if body is None else {"Content-Type": "application/json"}
        self._connection.request(method, path, body, {**self._headers, **kind})
        answer = self._connection.getresponse()
        said = answer.read()
        self._used_s = time.monotonic()
        if answer.status != status:
            raise BenchError(f"{method} {path} gave {answer.status}: {said[:500]!r}")
        return said

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def put_questions(
    address: str, token: str, questions: Mapping[str, Question], per_s: float, length_s: float
) -> dict[str, list[float]]:
    """Ask the questions in turn, `per_s` of them a second; the seconds that each took, by name.

    They are asked when they are due, whether those before were answered or not, and what an
    answer took counts from then: a server that stands still makes all wait (no coordinated
    omission).  BenchError when one was not answered with 200.
    """
    due: queue.SimpleQueue[tuple[str, str, float] | None] = queue.SimpleQueue()
    took: dict[str, list[float]] = defaultdict(list)
    faults: list[Exception] = []

    def work() -> None:
        client = Client(address, token)
        while (asked := due.get()) is not None:
            name, path, at_s = asked
            try:
                client.get(path)
            except (BenchError, OSError, http.client.HTTPException) as error:
                faults.append(error)
                client.close()
                continue
            took[name].append(time.perf_counter() - at_s)
        client.close()

    workers = [threading.Thread(target=work, name=f"client-{n}") for n in range(_CLIENTS)]
    for worker in workers:
        worker.start()
    names = list(questions)
    begun_s = time.perf_counter()
    for number in range(round(per_s * length_s)):
        name, at_s = names[number % len(names)], begun_s + number / per_s
        time.sleep(max(0.0, at_s - time.perf_counter()))
        due.put((name, questions[name](number // len(names)), at_s))
    for _ in workers:
        due.put(None)
    for worker in workers:
        worker.join()
    if faults:
        raise BenchError(f"{len(faults)} questions were not answered, first: {faults[0]}")
    return took
