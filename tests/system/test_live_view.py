"""The live view of a real run, on a terminal of the test's own."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

from .conftest import PROGRAM

STEP = "rr-bs4k-qd1-nj1-a1"
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def watch(storperf, *arguments, columns=100, rows=24, **more):
    """Exit code, stdout, and all that a terminal on stderr was sent."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {**storperf.environment, "TERM": "xterm-256color", **more}
    environment.pop("COLUMNS")
    process = subprocess.Popen(
        [str(PROGRAM), *arguments],
        cwd=storperf.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    sent = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # EIO: nobody holds the other end any more
            break
        sent += piece
    os.close(ours)
    stdout, _ = process.communicate(timeout=60)
    return process.returncode, stdout, sent.decode()


@pytest.fixture
def job(storperf):
    return storperf.job(duration="3s", interval="250ms")


def test_a_person_watches_the_step_and_a_program_gets_the_result(storperf, job):
    exit_code, stdout, sent = watch(storperf, "run", job)
    assert exit_code == 0, sent
    assert "PASS" in stdout
    assert "\x1b" not in stdout
    plain = ESCAPE.sub("", sent)
    assert re.search(rf"▶ {STEP} +[▁-█]{{4,}} +[\d.]+ IOPS +[\d.]+ [mu]s +[12]s  not yet", plain)
    # The last frame stays, for stdout went elsewhere.
    last = plain.rpartition("100%")[2]
    assert re.search(rf"✓ {STEP} +[▁-█]{{8,}} +[\d.]+ IOPS +(not )?(steady|judged)", last), last


def test_nothing_is_wider_than_a_narrow_terminal(storperf, job):
    _, _, sent = watch(storperf, "run", job, columns=42, rows=6)
    frames, _, _ = ESCAPE.sub("", sent).partition("report:")
    lines = re.split(r"[\r\n]+", frames)
    assert any(STEP in text for text in lines)
    assert max(map(len, lines)) <= 42


def test_no_color_is_respected(storperf, job):
    _, _, sent = watch(storperf, "run", job, NO_COLOR="1")
    assert STEP in sent
    assert not re.search(r"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7]|38)[;m]", sent)


def test_a_dumb_terminal_gets_plain_lines(storperf, job):
    _, _, sent = watch(storperf, "run", job, TERM="dumb")
    assert "\x1b" not in sent
    assert f"{STEP}: completed" in sent
