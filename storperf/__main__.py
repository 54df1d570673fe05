"""`python -m storperf` and the `storperf` command."""

from __future__ import annotations

import sys
import traceback

_BROKEN = 5  # ExitCode.BUG, which a broken installation may not be able to import


def main() -> None:
    """Run a command; an installation that cannot be imported is no failed measurement."""
    try:
        from storperf.cli.app import main as run
    except Exception as error:  # noqa: BLE001 - exit status 1, Python's own, would say "fail"
        traceback.print_exc()
        sys.stderr.write(f"storperf: this installation is broken: {error}; install it again\n")
        sys.exit(_BROKEN)
    run()


if __name__ == "__main__":
    main()
