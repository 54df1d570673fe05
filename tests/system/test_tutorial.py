"""The tutorial is true: its files are saved, its commands run, in order, in an empty folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-run.md"
BLOCK = re.compile(
    r"Save this as `(?P<file>[^`]+)`:\n\n```yaml\n(?P<yaml>.*?)```"
    r"|```console\n(?P<console>.*?)```\n<!-- exit (?P<codes>[\d ]+) -->",
    re.DOTALL,
)


def commands(console):
    return [line[2:] for line in console.splitlines() if line.startswith("$ ")]


def test_every_command_of_the_tutorial_ends_as_it_says(storperf):
    ran = 0
    for block in BLOCK.finditer(PAGE.read_text()):
        if block["file"]:
            (storperf.folder / block["file"]).write_text(block["yaml"])
            continue
        lines = commands(block["console"])
        codes = [int(code) for code in block["codes"].split()]
        # One command may end in several ways; several commands end in one way each.
        allowed = [codes] if len(lines) == 1 else [[code] for code in codes]
        for line, expected in zip(lines, allowed, strict=True):
            done = storperf(*shlex.split(line)[1:])
            assert done.exit_code in expected, (line, done.stdout, done.stderr)
            ran += 1
    assert ran == len(re.findall(r"^\$ ", PAGE.read_text(), re.MULTILINE))
    assert (storperf.folder / "junit.xml").read_text().startswith("<?xml")
    assert not (storperf.folder / "scratch").exists()
