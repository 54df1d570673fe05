"""The agent's command line: `attach`, and `supervise`, which attach starts.

Python compiles what comes out of a zipapp each time: attach does without the supervisor's parts.
"""

from __future__ import annotations

import argparse
import os
import sys

from storperf.agent import attach


def main() -> int:
    """Run one command; the exit status."""
    parser = argparse.ArgumentParser(prog="agent.pyz", description=__doc__)
    parser.add_argument("--version", action="version", version=str(attach.PROTOCOL))
    commands = parser.add_subparsers(dest="command", required=True)
    attached = commands.add_parser("attach", help="speak frames over stdin and stdout")
    attached.add_argument("--root", required=True)
    attached.add_argument("--run", required=True)
    supervised = commands.add_parser("supervise", help="hold a run (started by attach)")
    supervised.add_argument("--folder", required=True)
    supervised.add_argument("--run", required=True)
    arguments = parser.parse_args()
    if arguments.command == "attach":
        program = os.path.abspath(sys.argv[0])
        return attach.main(program, os.path.abspath(arguments.root), arguments.run)
    from storperf.agent import supervise

    return supervise.main(arguments.folder, arguments.run)


if __name__ == "__main__":
    sys.exit(main())
