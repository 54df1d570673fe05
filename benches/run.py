"""Runs every bench_*.py here and says whether each promise is kept.

Exit status 1 when one is not.  Names on the command line choose benches: `run.py agent`.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

from figure import Figure


def render(figure: Figure) -> str:
    """One line for people."""
    kept = "kept  " if figure.is_kept else "BROKEN"
    sign = ">=" if figure.at_least else "<="
    null = "" if figure.null is None else f"   (against itself: {figure.null:.4g})"
    return (
        f"{kept} {figure.name:<52} {figure.value:>10.4g} {sign} "
        f"{figure.promised:<8.4g} {figure.unit}{null}"
    )


def main(wanted: list[str]) -> int:
    """Run the benches named, or all; the exit status."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    chosen = [name for name in names if not wanted or name.removeprefix("bench_") in wanted]
    if not chosen:
        print(f"no bench to run; there are: {', '.join(names) or 'none'}", file=sys.stderr)
        return 2
    broken = 0
    for name in chosen:
        started_s = time.monotonic()
        for figure in importlib.import_module(name).measure():
            print(render(figure), flush=True)
            broken += not figure.is_kept
        print(f"       {name} took {time.monotonic() - started_s:.0f} s", flush=True)
    print(f"{broken} promises broken" if broken else "every promise kept")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
