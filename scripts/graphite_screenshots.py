"""The pictures of Graphite in docs/images; call scripts/screenshots.sh graphite.

A live run is the real fio's.  The 30 nights are real runs too, of a clock that was put back and of
a fio of the tests, so that a night is done in seconds and a slow week can be shown; they go into
Graphite by `graphite backfill`, with their own times.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.chromium import Browser, find_chromium
from tools.fake_fio import make_fio, set_fio
from tools.stepped_clock import SteppedClock

TREE = Path(__file__).parents[1]
IMAGES = TREE / "docs" / "images"
PROGRAM = Path(sys.executable).with_name("storperf")
VENV = TREE / ".make" / "graphite-venv"
NIGHTS = 30
DAY_S = 86400
NIGHTLY = {
    "name": "nightly",
    "target": {"directory": "scratch", "size": "64M"},
    "workloads": [{"name": "rr", "rw": "randread"}, {"name": "wr", "rw": "randwrite"}],
    "matrix": {"queue_depth": 4},
    "duration": "1s",
}
LIVE = {
    "name": "live",
    "target": {"directory": "scratch", "size": "128M"},
    "workloads": [{"name": "mix", "rw": "randrw"}, {"name": "rr", "rw": "randread"}],
    "matrix": {"queue_depth": 4},
    "duration": "40s",
}
# From the 22nd night on the storage is slower, and from the 27th on it is well again.
SLOW = range(21, 27)
SEED = 7
# So long after its start a run is photographed.
RUNS_FOR_S = 75
# Two pictures of a dashboard side by side, beside its panel of names.
WIDTH, HEIGHT = 1290, 1060
COLOURS = 64


class Lab:
    """The installed program in a folder of its own, with a Graphite of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        home = folder / "home"
        home.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "STORPERF_GRAPHITE_VENV": str(VENV),
        }

    def __call__(self, *arguments: object, allowed: tuple[int, ...] = (0,), **more: str) -> str:
        """What a command prints; SystemExit when it ends otherwise."""
        ended = subprocess.run(
            [str(PROGRAM), *map(str, arguments)],
            cwd=self.folder,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if ended.returncode not in allowed:
            sys.exit(f"{arguments} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def start(self, *arguments: object) -> subprocess.Popen[bytes]:
        """The same, going on."""
        return subprocess.Popen(
            [str(PROGRAM), *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def main() -> int:
    """Start a Graphite, fill it, photograph it, stop it."""
    program = find_chromium()
    if program is None:
        print("there is no Chromium: apt-get install chromium", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="storperf-pictures-") as folder:
        lab = Lab(Path(folder))
        web = json.loads(lab("graphite", "up", "--json"))["graphite"]["web"]
        try:
            with Browser(program, Path(folder) / "profile") as browser:
                browser.resize(WIDTH, HEIGHT)
                live_pictures(lab, browser, web)
                history_pictures(lab, browser, web)
        finally:
            lab("graphite", "down")
    return 0


def live_pictures(lab: Lab, browser: Browser, web: str) -> None:
    """The dashboards of a run and of its host while it goes on."""
    (lab.folder / "live.yaml").write_text(json.dumps(LIVE))
    load(lab, "live")
    running = lab.start("run", "live.yaml")
    # The second step has begun, and both are in the picture.
    time.sleep(float(os.environ.get("S", "100")))
    for board in ("live", "cluster"):
        opened(browser, f"{web}/dashboard/storperf-{board}-local-live", minutes=3)
        take(browser, f"graphite-{board}")
    running.wait(300)


def history_pictures(lab: Lab, browser: Browser, web: str) -> None:
    """30 nights, backfilled."""
    fio = make_fio(lab.folder / "fio", "honest")
    job = {**NIGHTLY, "provider": {"fio": str(fio)}}
    (lab.folder / "nightly.yaml").write_text(json.dumps(job))
    clock = SteppedClock(lab.folder / "clock")
    chance = random.Random(SEED)  # noqa: S311 - noise for a picture
    runs = []
    for night in range(NIGHTS):
        clock.step(-DAY_S * (NIGHTS - night))
        factor = chance.gauss(0.7 if night in SLOW else 1.0, 0.02)
        set_fio(fio, "slow_rate", factor=factor)
        arguments = ("run", "nightly.yaml", "--no-graphite", "--json")
        told = lab(*arguments, allowed=(0, 1, 3), **clock.environment)
        runs.append(json.loads(told)["run"]["id"])
    lab("graphite", "backfill", *runs)
    load(lab, "nightly")
    opened(browser, f"{web}/dashboard/storperf-history-local-nightly", minutes=NIGHTS * 1440)
    take(browser, "graphite-history")


def load(lab: Lab, job: str) -> None:
    """Keep the dashboards of a job in graphite-web."""
    arguments = ("graphite", "dashboards", "--for", "graphite-web", "--load")
    lab(*arguments, "--lab", "local", "--job", job)


def opened(browser: Browser, address: str, *, minutes: int) -> None:
    """A dashboard of the last minutes, with all of its pictures drawn, and nothing but these."""
    browser.open(address)
    wait_for(browser, "typeof graphStore !== 'undefined' && graphStore.getCount() > 0")
    # The page puts its own stretch of time in place a moment later.
    time.sleep(3)
    browser.run(
        f"(() => {{ TimeRange.relativeStartQuantity = '{minutes}'; "
        "TimeRange.relativeStartUnits = 'minutes'; stopTask(refreshTask); timeRangeUpdated(); })()"
    )
    time.sleep(3)
    wait_for(browser, "[...document.images].every(one => one.className !== 'graph-img-loading')")


def wait_for(browser: Browser, condition: str) -> None:
    """Ask the page until it is so; a promise would be lost with the page's own timers."""
    give_up_s = time.monotonic() + 120
    while not browser.run(condition):
        if time.monotonic() > give_up_s:
            sys.exit(f"the page never came to {condition}")
        time.sleep(0.5)


def take(browser: Browser, name: str) -> None:
    """The pictures of the dashboard as a PNG of few colours, where pngquant is at hand."""
    path = IMAGES / f"{name}.png"
    browser.screenshot(path)
    try:
        subprocess.run(
            ["pngquant", "--force", "--ext", ".png", "--strip", str(COLOURS), str(path)],
            check=True,
            timeout=60,
        )
    except FileNotFoundError:
        print("pngquant is not installed: the picture is larger than it could be", file=sys.stderr)
    print(f"docs/images/{path.name}: {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    sys.exit(main())
