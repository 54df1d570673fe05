"""What it costs to start the program, over what it costs to start Python."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Sequence

from effort import Effort
from figure import BenchError, Figure
from installed import PROGRAM, Installed
from noise import ratio_figure

_EMPTY = (sys.executable, "-I", "-c", "pass")
_COMMANDS = {"--help": 20.0, "version": 20.0, "list": None}


def measure(effort: Effort) -> list[Figure]:
    """Whole processes on the wall clock, in rounds of random order: commands, and Python twice.

    Each command runs once before: it writes byte code that an installer may have left out,
    and the store that `list` reads.
    """
    program = Installed(effort.scratch / "commands")
    argvs: list[Sequence[str]] = [_EMPTY, _EMPTY]
    argvs += [(str(PROGRAM), command) for command in _COMMANDS]
    for argv in argvs:
        _took_s(program, argv)
    took: list[list[float]] = [[] for _ in argvs]
    order = random.Random(2)  # noqa: S311 - the same order each time
    for _ in range(effort.commands):
        for number in order.sample(range(len(argvs)), len(argvs)):
            took[number].append(_took_s(program, argvs[number]))
    empty, again, *of_commands = took
    return [
        ratio_figure(f"storperf {command} / an empty Python", of_command, empty, again, goal=goal)
        for (command, goal), of_command in zip(_COMMANDS.items(), of_commands, strict=True)
    ]


def _took_s(program: Installed, argv: Sequence[str]) -> float:
    begun_s = time.perf_counter()
    done = subprocess.run(
        argv,
        cwd=program.folder,
        env=program.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    took_s = time.perf_counter() - begun_s
    if done.returncode != 0:
        raise BenchError(f"{argv} ended with {done.returncode}: {done.stderr!r}")
    return took_s
