"""Every command of the how-to pages ends as the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from system.graphite_server import GraphiteServer

PAGES = Path(__file__).parents[2] / "docs/how-to"
PAGE = PAGES / "watch-a-run-in-graphite.md"
OTHER = PAGES / "use-the-graphite-that-we-have.md"
BLOCK = re.compile(r"```console\n\$ (?P<command>.*)\n```\n<!-- exit (?P<codes>[\d ]+) -->")


def test_every_command_of_the_page_ends_as_it_says(storperf):
    server = GraphiteServer(storperf)
    (storperf.folder / storperf.job(provider=storperf.lying_fio())).rename(
        storperf.folder / "first.yaml"
    )
    blocks = list(BLOCK.finditer(PAGE.read_text()))
    assert len(blocks) == PAGE.read_text().count("\n$ ") == 4
    try:
        for block in blocks:
            ended = storperf(*shlex.split(block["command"])[1:])
            assert ended.exit_code in [int(code) for code in block["codes"].split()], ended
            if " run " in block["command"]:
                assert re.search(r"^graphite: http://127\.0\.0\.1:\d+/", ended.stderr, re.MULTILINE)
    finally:
        server("down")


def test_every_command_of_the_page_for_another_graphite_ends_as_it_says(storperf):
    blocks = list(BLOCK.finditer(OTHER.read_text()))
    assert len(blocks) == OTHER.read_text().count("\n$ ") == 2
    for block in blocks:
        ended = storperf(*shlex.split(block["command"])[1:])
        assert ended.exit_code == int(block["codes"]), ended
