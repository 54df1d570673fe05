"""Headless Chromium, spoken to over a pipe in its own protocol (DevTools), without a driver.

The protocol gives what the tests ask for: every request of a page, every word on its console,
sizes of windows, PDF.  Messages are JSON, ended by a NUL, on the browser's file descriptors 3
and 4 (--remote-debugging-pipe).
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)
TIMEOUT_S = 60.0


def find_chromium() -> str | None:
    """The browser's program; None when there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A browser with one page; use it in a `with`.

    `requests` holds the address of everything that the page asked for, `console` what it
    complained of: errors, warnings and exceptions that nobody caught.
    """

    def __init__(self, program: str, profile: Path, *flags: str) -> None:
        to_read, self._to = os.pipe()
        self._from, to_write = os.pipe()
        # The browser wants them as 3 and 4, which may be taken here.
        wiring = f'exec "$0" "$@" 3<&{to_read} 4>&{to_write}'
        self._process = subprocess.Popen(
            ["bash", "-c", wiring, program, *FLAGS, *flags, f"--user-data-dir={profile}"],
            pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_read)
        os.close(to_write)
        self._number = 0
        self._buffer = b""
        self._session: str | None = None
        self._seen: list[dict] = []
        self.requests: list[str] = []
        self.console: list[str] = []

    def __enter__(self) -> Self:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._session = None
        try:
            self.call("Browser.close")
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired, TimeoutError):
            self._process.kill()
            self._process.wait(10)
        os.close(self._to)
        os.close(self._from)

    def call(self, method: str, timeout_s: float = TIMEOUT_S, **parameters: object) -> dict:
        """The answer to a command; RuntimeError when it is refused."""
        self._number += 1
        number = self._number
        message: dict = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        content = json.dumps(message).encode() + b"\0"
        while content:
            content = content[os.write(self._to, content) :]
        deadline = time.monotonic() + timeout_s
        while True:
            answer = self._read(deadline)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._hear(answer)

    def open(self, url: str) -> None:
        """Go there and wait until the page has loaded."""
        self._seen.clear()
        # The page before may still be loading: its end is none of this one.
        wanted = {"loaderId": self.call("Page.navigate", url=url)["loaderId"], "name": "load"}
        deadline = time.monotonic() + TIMEOUT_S
        while not any(wanted.items() <= event["params"].items() for event in self._seen):
            self._hear(self._read(deadline))

    def run(self, script: str) -> object:
        """The value of an expression in the page; a promise is waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def resize(self, width: int, height: int, *, is_mobile: bool = False, scale: float = 1) -> None:
        """The size of the window in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=is_mobile,
        )

    def prefer(self, scheme: str) -> None:
        """`light` or `dark`."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def screenshot(self, path: Path, clip: dict | None = None) -> None:
        """A PNG of the window, or of a rectangle of the page."""
        more = {"clip": clip, "captureBeyondViewport": True} if clip else {}
        answer = self.call("Page.captureScreenshot", format="png", **more)
        path.write_bytes(base64.b64decode(answer["data"]))

    def print_pdf(self, path: Path) -> None:
        """The page as a PDF of A4 sheets."""
        answer = self.call(
            "Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69
        )
        path.write_bytes(base64.b64decode(answer["data"]))

    def _hear(self, message: dict) -> None:
        method, facts = message.get("method", ""), message.get("params", {})
        self._seen.append(message)
        if method == "Network.requestWillBeSent":
            self.requests.append(facts["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.console.append(json.dumps(facts["exceptionDetails"])[:2000])
        elif method == "Runtime.consoleAPICalled" and facts["type"] in {"error", "warning"}:
            self.console.append(json.dumps(facts["args"])[:2000])
        elif method == "Log.entryAdded" and facts["entry"]["level"] in {"error", "warning"}:
            self.console.append(json.dumps(facts["entry"])[:2000])

    def _read(self, deadline: float) -> dict:
        while b"\0" not in self._buffer:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([self._from], [], [], left_s)[0]:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self._from, 1 << 20)
            if not piece:
                raise OSError("the browser has ended")
            self._buffer += piece
        content, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(content)
