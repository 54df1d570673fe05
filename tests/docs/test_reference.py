"""Pages that can be made from the source are made from it, and are not stale."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from storperf.errors import PRECEDENCE, ExitCode
from storperf.model.verdict import Reason

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
ROW = re.compile(r"^\| (\w+) \| (\w+) \| (\d+) \|", re.MULTILINE)


def test_the_page_of_the_command_line_is_what_the_program_says_of_itself(tmp_path):
    made = subprocess.run(
        [sys.executable, "-m", "typer", "storperf.cli.app", "utils", "docs", "--name", "storperf"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=True,
    ).stdout
    written = (REFERENCE / "cli.md").read_text()
    assert written.strip() == made.strip(), "docs/reference/cli.md is stale: run `make docs`"


def test_every_reason_stands_on_the_page_of_exit_codes_with_its_outcome_and_code():
    rows = ROW.findall((REFERENCE / "exit-codes.md").read_text())
    written = {name: (outcome, int(code)) for name, outcome, code in rows}
    assert written == {
        reason.value: (reason.outcome.value, int(reason.exit_code)) for reason in Reason
    }


def test_every_exit_code_and_their_precedence_stand_on_the_page():
    text = (REFERENCE / "exit-codes.md").read_text()
    codes = re.findall(r"^\| (\d+) \| \w+ \|", text, re.MULTILINE)
    assert [int(code) for code in codes] == [int(code) for code in ExitCode]
    order = ", ".join(str(int(code)) for code in PRECEDENCE)
    assert f"the first of these wins: {order}." in text
