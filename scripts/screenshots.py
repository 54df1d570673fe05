"""The pictures of docs/images; call scripts/screenshots.sh.  Takes about four minutes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.chromium import Browser, find_chromium
from tools.fake_fio import make_fio, set_fio

TREE = Path(__file__).parents[1]
IMAGES = TREE / "docs" / "images"
# A year's runs are none to wait for: this result is imported as many nights.
NIGHT = TREE / "tests" / "fixtures" / "fio" / "single-job_randrw70.json"
LEVELS = ((30, 1.0), (14, 0.9), (16, 1.03))
SCATTER = 0.012
PROGRAM = Path(sys.executable).with_name("storperf")
JOB = {
    "name": "nightly",
    "target": {"directory": "scratch", "size": "64M"},
    "workloads": [{"name": "rr", "rw": "randread"}, {"name": "wr", "rw": "randwrite"}],
    "matrix": {"block_size": "4k", "queue_depth": [1, 16]},
    "duration": "10s",
    "limits": ["p99 clat <= 50ms"],
}
# What a disk does over time is no made-up fio's to show: this one is measured with the real one.
REAL_JOB = {
    "name": "quickstart",
    "target": {"directory": "scratch", "size": "256M"},
    "workloads": ["rr"],
    "matrix": {"block_size": "4k", "queue_depth": 4},
    "duration": "20s",
}
# All columns of the steps stand side by side from here on.
WIDTH = 1500
# Chromium's own PNGs are half as small after this; without it they are just larger.
COLOURS = 128


def main() -> int:
    """Run, photograph, shrink."""
    program = find_chromium()
    if program is None:
        print("there is no Chromium: apt-get install chromium", file=sys.stderr)
        return 3
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="storperf-pictures-") as folder:
        pages = make_pages(Path(folder))
        with Browser(program, Path(folder) / "profile") as browser:
            take_pictures(browser, pages)
    for path in sorted(IMAGES.glob("report-*.png")) + sorted(IMAGES.glob("history-*.png")):
        print(f"{path.relative_to(IMAGES.parents[1])}: {path.stat().st_size / 1024:.0f} KiB")
    return 0


def make_pages(folder: Path) -> dict[str, Path]:
    """A baseline of six runs, then one that is slower, its report and the job's history.

    And the report of a run with the real fio.
    """
    fio = make_fio(folder / "fio", "honest")
    job = folder / "nightly.yaml"
    job.write_text(json.dumps({**JOB, "provider": {"fio": str(fio)}}))
    for _ in range(6):
        storperf(folder, "run", job, allowed=(0, 3))
    set_fio(fio, mode="slow_rate", factor=0.3)
    storperf(folder, "run", job, "--confirm", "auto", allowed=(0, 1, 3))
    report = folder / "report.html"
    storperf(folder, "report", "last", "--output", report)
    job.write_text(json.dumps(REAL_JOB))
    storperf(folder, "run", job, allowed=(0, 3))
    real = folder / "real.html"
    storperf(folder, "report", "last", "--output", real)
    history = make_history(folder)
    yearly = folder / "yearly.html"
    storperf(folder, "report", "last", "--output", yearly)
    return {"report": report, "history": history, "yearly": yearly, "real": real}


def make_history(folder: Path) -> Path:
    """The page of sixty nights with two changes of level, of which a person confirmed one."""
    draw = random.Random(20261122)  # noqa: S311 - noise for a picture
    shares = [
        level * draw.lognormvariate(0, SCATTER) for nights, level in LEVELS for _ in range(nights)
    ]
    storperf(folder, "import", "--job", "yearly", *make_nights(folder, shares), allowed=(0, 3))
    environment = {**os.environ, "STORPERF_RESULTS": str(folder / "results")}
    listed = [str(PROGRAM), "list", "--job", "yearly", "--limit", "99", "--json"]
    told = subprocess.run(listed, env=environment, capture_output=True, check=True, timeout=60)
    runs = [run["id"] for run in reversed(json.loads(told.stdout)["runs"])]
    storperf(folder, "baseline", "anchor", runs[LEVELS[0][0]], "--why", "encryption is on")
    page = folder / "history.html"
    storperf(folder, "history", "yearly", "--html", "--output", page)
    return page


def make_nights(folder: Path, shares: list[float]) -> list[Path]:
    """The same result on one day after the other, with so much of its IOPS."""
    files = []
    for day, share in enumerate(shares):
        tree = json.loads(NIGHT.read_text())
        tree["timestamp"] += day * 86_400
        tree["timestamp_ms"] += day * 86_400_000
        for fio_job in tree["jobs"]:
            for op in ("read", "write"):
                fio_job[op]["total_ios"] = round(fio_job[op]["total_ios"] * share)
        files.append(folder / f"night-{day}.json")
        files[-1].write_text(json.dumps(tree))
    return files


def storperf(folder: Path, *arguments: object, allowed: tuple[int, ...] = (0,)) -> None:
    """Run a command in the folder; SystemExit with what it said when it ends otherwise."""
    environment = {**os.environ, "STORPERF_RESULTS": str(folder / "results")}
    environment["STORPERF_AGENTS"] = str(folder / "agents")
    ended = subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if ended.returncode not in allowed:
        sys.exit(f"{arguments} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")


def take_pictures(browser: Browser, pages: dict[str, Path]) -> None:
    """The verdict, the table, one trial over time, on a phone; the history."""
    browser.resize(WIDTH, 900)
    opened(browser, pages["report"])
    shoot(browser, "report-verdict", "header", "#steps", margin=14)
    shoot(browser, "report-steps", "#steps", "#details")
    opened(browser, pages["yearly"])
    shoot(browser, "report-spread", ".pictures", ".trial")
    opened(browser, pages["real"])
    shoot(browser, "report-time", "details[open] .trial figure")
    shoot(browser, "report-latency", "details[open] .trial figure:nth-of-type(2)")
    browser.resize(390, 800, is_mobile=True)
    opened(browser, pages["report"])
    take(browser, "report-phone", {"x": 0, "y": 0, "width": 390, "height": 1000})
    browser.resize(WIDTH, 900)
    opened(browser, pages["history"])
    shoot(browser, "history-figures", "header", "figure:nth-of-type(2)")


def opened(browser: Browser, page: Path) -> None:
    """The page with every figure of it drawn."""
    browser.open(page.as_uri())
    browser.run("drawAllFigures().then(() => true)")


def shoot(browser: Browser, name: str, first: str, before: str = "", *, margin: int = 10) -> None:
    """The page from one element to its end, or to where another one begins."""
    place = f"document.querySelector({json.dumps(first)}).getBoundingClientRect()"
    top = browser.run(f"{place}.top + scrollY")
    end = browser.run(
        f"document.querySelector({json.dumps(before)}).getBoundingClientRect().top + scrollY"
        if before
        else f"{place}.bottom + scrollY"
    )
    top = max(0, float(str(top)) - margin)
    take(browser, name, {"x": 0, "y": top, "width": WIDTH, "height": float(str(end)) - top})


def take(browser: Browser, name: str, clip: dict[str, float]) -> None:
    """The rectangle as a PNG of few colours, where pngquant is at hand."""
    path = IMAGES / f"{name}.png"
    browser.screenshot(path, {**clip, "scale": 1})
    shrink(path)


def shrink(path: Path) -> None:
    """Leave a PNG few colours, where pngquant is at hand."""
    try:
        subprocess.run(
            ["pngquant", "--force", "--ext", ".png", "--strip", str(COLOURS), str(path)],
            check=True,
            timeout=60,
        )
    except FileNotFoundError:
        print("pngquant is not installed: the picture is larger than it could be", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
