"""The pictures of the service's pages; call `scripts/screenshots.sh service`.  Half a minute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from screenshots import IMAGES, PROGRAM, shrink
from tools.chromium import Browser, find_chromium

JOB = {
    "name": "nightly",
    "target": {"directory": "scratch", "size": "64M"},
    "workloads": [
        {"name": "rr", "rw": "randread", "rate_iops": 3000},
        {"name": "mix", "rw": "randrw", "rate_iops": 2000},
    ],
    "matrix": {"queue_depth": [1, 4]},
    "duration": "10s",
}
LOGIN = "document.querySelector('#token').value = {!r};document.querySelector('form').submit()"


def main() -> int:
    """Serve, ask for runs, look at them while they go on."""
    program = find_chromium()
    if program is None:
        print("there is no Chromium: apt-get install chromium", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="storperf-pictures-") as name:
        folder = Path(name)
        (folder / "nightly.yaml").write_text(json.dumps(JOB))
        serve = ("serve", "--port", "0")
        with subprocess.Popen(
            [PROGRAM, *serve], cwd=folder, env=home(folder), stderr=subprocess.PIPE, text=True
        ) as server:
            try:
                address = address_of(server)
                with Browser(program, folder / "profile") as browser:
                    take_pictures(folder, browser, address)
            finally:
                server.terminate()
    return 0


def home(folder: Path) -> dict[str, str]:
    """An environment in which storperf keeps everything in one folder."""
    return {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder / "share")}


def say(folder: Path, *words: str) -> str:
    """What the program prints."""
    command = [str(PROGRAM), *words]
    return subprocess.run(
        command, cwd=folder, env=home(folder), stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()


def address_of(server: subprocess.Popen[str]) -> str:
    """Where it listens, once it does."""
    for line in server.stderr or ():
        if line.startswith("serving "):
            return line.split()[-1]
    raise RuntimeError("the server has ended")


def take_pictures(folder: Path, browser: Browser, address: str) -> None:
    """One run as it goes on, and the queue behind it."""
    browser.resize(1200, 760)
    browser.open(f"{address}/runs")
    browser.run(LOGIN.format(say(folder, "token", "add", "ada", "--scope", "run")))
    asked = [
        json.loads(say(folder, "submit", "nightly.yaml", "--title", title, "--json"))
        for title in ("before the upgrade", "after the upgrade")
    ]
    browser.open(f"{address}/runs/{asked[0]['entry']['run_id']}")
    told = "document.querySelectorAll('td.now')[1]?.textContent"
    until(browser, f"{told} === 'running' && document.querySelectorAll('#live path').length")
    until(browser, "(document.querySelector('#live path').getAttribute('d') || '').length > 60")
    picture(browser, "service-run")
    browser.resize(1200, 330)
    browser.open(f"{address}/queue")
    picture(browser, "service-queue")


def until(browser: Browser, condition: str) -> None:
    """Wait until something holds on the page."""
    give_up_s = time.monotonic() + 60
    while not browser.run(f"!!({condition})"):
        if time.monotonic() > give_up_s:
            raise RuntimeError(f"never: {condition}")
        time.sleep(0.2)


def picture(browser: Browser, name: str) -> None:
    """A picture of the window, as small as it can be."""
    path = IMAGES / f"{name}.png"
    browser.screenshot(path)
    shrink(path)
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    sys.exit(main())
