"""Runs the benches here; says of each figure whether its goal is met.

`run.py [--quick] [--json FILE] [--scratch DIR] [NAME ...]`; `run.py agent_cost` runs one bench.
Exit status 1 when a goal is missed beyond doubt (no part of its interval keeps it) or a bench
could not measure.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import effort
from figure import BenchError, Figure, Interval

from storperf.errors import StorperfError
from storperf.version import package_version

_TREE = Path(__file__).parents[1]
_LINE = "{:<5} {:<62} {:>8} {:<5} {:>17}  {:>8}  {:>20}  {:>3}"
_MET = {True: "yes", False: "NO", None: "open"}


def main() -> int:
    """Measure, print, write; the exit status."""
    asked = _arguments()
    names = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    chosen = [name for name in names if not asked.names or name[len("bench_") :] in asked.names]
    if not chosen:
        print(f"no such bench; there are: {', '.join(names)}", file=sys.stderr)
        return 2
    asked.scratch.mkdir(parents=True, exist_ok=True)
    begun_s, load_before = time.monotonic(), os.getloadavg()
    print(_LINE.format("met", "figure", "value", "", "95 % interval", "goal", "A/A", "n"))
    with tempfile.TemporaryDirectory(prefix="bench-", dir=asked.scratch) as folder:
        chosen_effort = (effort.quick if asked.quick else effort.full)(Path(folder))
        figures, faults = _measure(chosen, chosen_effort)
    document = {
        "schema": "storperf-bench/1",
        "is_quick": asked.quick,
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "took_s": round(time.monotonic() - begun_s, 1),
        "load_before": load_before,
        "load_after": os.getloadavg(),
        "machine": _machine(),
        "figures": [{**asdict(figure), "met": figure.met} for figure in figures],
        "faults": faults,
    }
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    missed = [figure for figure in figures if figure.met is False]
    open_ones = [figure for figure in figures if figure.goal is not None and figure.met is None]
    print(
        f"{len(figures)} figures in {document['took_s']} s; {len(missed)} goals missed, "
        f"{len(open_ones)} open, {len(faults)} benches failed; as JSON: {asked.json}"
    )
    return 1 if missed or faults else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what storperf promises.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these benches")
    parser.add_argument(
        "--quick",
        action="store_true",
        # A variable on make's command line is in the environment: make bench QUICK=1.
        default=bool(os.environ.get("QUICK")),
        help="about a quarter of an hour, wider intervals",
    )
    made = _TREE / ".make"
    parser.add_argument("--json", type=Path, default=made / "bench.json", metavar="FILE")
    parser.add_argument(
        "--scratch", type=Path, default=made, metavar="DIR", help="on a disk that takes O_DIRECT"
    )
    asked = parser.parse_args()
    asked.scratch = asked.scratch.absolute()
    return asked


def _measure(names: Sequence[str], amount: effort.Effort) -> tuple[list[Figure], list[str]]:
    figures: list[Figure] = []
    faults: list[str] = []
    for name in names:
        begun_s = time.monotonic()
        try:
            for figure in importlib.import_module(name).measure(amount):
                figures.append(figure)
                print(render(figure), flush=True)
        except (BenchError, StorperfError, OSError, subprocess.SubprocessError) as error:
            faults.append(f"{name}: {error}")
            print(f"FAILED {name}: {error}", flush=True)
        print(f"      {name} took {time.monotonic() - begun_s:.0f} s", flush=True)
    return figures, faults


def render(figure: Figure) -> str:
    """One line for people."""
    sign = ">=" if figure.at_least else "<="
    aa = "" if figure.aa is None else f"{figure.aa:.3f}"
    return _LINE.format(
        "-" if figure.goal is None else _MET[figure.met],
        figure.name,
        f"{figure.value:.4g}",
        figure.unit,
        _render_interval(figure.interval),
        "" if figure.goal is None else f"{sign} {figure.goal:.4g}",
        f"{aa} {_render_interval(figure.aa_interval)}".strip(),
        figure.n,
    )


def _render_interval(interval: Interval | None) -> str:
    return "" if interval is None else "{:.4g}..{:.4g}".format(*interval)


def _machine() -> dict[str, object]:
    fio = subprocess.run(["fio", "--version"], capture_output=True, text=True, check=False)
    return {
        "storperf": package_version(),
        "python": platform.python_version(),
        "fio": fio.stdout.strip(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
    }


if __name__ == "__main__":
    sys.exit(main())
