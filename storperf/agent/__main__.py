"""The agent's command line: `attach`, and `supervise`, which attach starts.

Managers alone write such lines, many at once on one host: argparse would cost each 7 ms.
"""

from __future__ import annotations

import os
import sys

from storperf.agent import attach

_USAGE = """usage: agent.pyz attach --root FOLDER --run RUN   speak frames over stdin and stdout
       agent.pyz supervise --folder FOLDER --run RUN   hold a run (started by attach)
       agent.pyz --version   the protocol that is spoken
"""
_OPTIONS = {"attach": ("--root", "--run"), "supervise": ("--folder", "--run")}


def main() -> int:
    """Run one command; the exit status, 2 for a line that is none."""
    words = sys.argv[1:]
    if words == ["--version"]:
        sys.stdout.write("{}\n".format(attach.PROTOCOL))
        return 0
    given = _options(words)
    if not given:
        sys.stderr.write(_USAGE)
        return 2
    if words[0] == "attach":
        program = os.path.abspath(sys.argv[0])
        return attach.main(program, os.path.abspath(given["--root"]), given["--run"])
    from storperf.agent import supervise

    return supervise.main(given["--folder"], given["--run"])


def _options(words: list[str]) -> dict[str, str]:
    """The options of a command with their values; empty when something is missing or unknown."""
    wanted = _OPTIONS.get(words[0] if words else "", ())
    given = dict(zip(words[1::2], words[2::2]))
    return given if len(words) == 1 + 2 * len(wanted) and set(given) == set(wanted) else {}


if __name__ == "__main__":
    sys.exit(main())
