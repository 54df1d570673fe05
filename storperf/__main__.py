"""`python -m storperf` and the `storperf` command."""

from __future__ import annotations

from storperf.cli.app import main

if __name__ == "__main__":
    main()
