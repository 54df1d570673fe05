"""Histories made ahead of the first who asks, by a process of its own.

In the server's own process each would take a tenth of a second and more from all other requests,
for Python runs one thread at a time.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import msgspec

from storperf import service
from storperf.histories import Histories, MadeHistory
from storperf.settings import Settings

log = logging.getLogger(__name__)

Making = subprocess.Popen[bytes]


def write_histories(settings: Settings, lines: IO[bytes]) -> None:
    """Write the histories of the jobs that ran last, a line of JSON each, as they are made."""
    with service.open_store(settings) as store:
        for made in Histories(store).newest():
            try:
                line = msgspec.json.encode(made)
            except UnicodeEncodeError:
                continue  # a name that is no UTF-8; whoever asks has it made
            lines.write(line + b"\n")
            lines.flush()


@contextmanager
def histories_ahead(settings: Settings) -> Iterator[Making | None]:
    """A process that makes them, None when there can be none; it lives no longer than this."""
    argv = [sys.executable, "-P", "-m", "storperf", "--results", str(settings.results)]
    try:
        process = subprocess.Popen(
            [*argv, "histories"],
            cwd=settings.directory,
            env=dict(settings.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        log.warning("histories are made as they are asked for: %s", error)
        yield None
        return
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def taken_over(process: Making, histories: Histories) -> Iterator[None]:
    """Take over what was made ahead as it comes; the process ends with this."""
    thread = threading.Thread(target=take, args=(process.stdout, histories), name="histories")
    thread.start()
    try:
        yield
    finally:
        process.kill()
        thread.join()


def take(lines: IO[bytes], histories: Histories) -> None:
    """Keep what such a process writes, to its end."""
    # While the process loads its modules: what a history or a comparison made here would wait for.
    import scipy.ndimage
    import scipy.special  # noqa: F401

    decoder = msgspec.json.Decoder(MadeHistory)
    for line in lines:
        try:
            histories.take(decoder.decode(line))
        except msgspec.DecodeError as fault:
            # The end of a process that was killed; whoever asks has it made.
            log.info("a history that was made ahead is not whole: %s", fault)
