"""The installed program as a subprocess: the wheel in this environment, never the tree."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("storperf")
PATH = f"{PROGRAM.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended and what it said."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self):
        """stdout as JSON; a failure shows the whole output."""
        try:
            return json.loads(self.stdout)
        except ValueError as error:
            raise AssertionError(f"stdout is not JSON: {self}") from error


class Program:
    """Runs `storperf ARGUMENTS` in a folder and an environment of its own.

    `folder` is the working directory; `environment` may be changed by a test.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        home = folder / "home"
        self.folder.mkdir()
        home.mkdir()
        self.environment = {
            "PATH": PATH,
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "LANG": "C.UTF-8",
            "COLUMNS": "120",
        }

    def __call__(self, *arguments: object, timeout_s: float = TIMEOUT_S, stdin: str = "") -> Ended:
        """Run to the end; an exit code of any kind is an answer, a timeout is a failure."""
        argv = (str(PROGRAM), *map(str, arguments))
        process = subprocess.run(
            argv,
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Ended(
            argv=argv,
            exit_code=process.returncode,
            stdout=process.stdout,
            stderr=process.stderr,
        )

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start in a session of its own, for tests that send signals; the test waits for it."""
        return subprocess.Popen(
            (str(PROGRAM), *map(str, arguments)),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


@pytest.fixture(scope="session")
def installed_package() -> Path:
    """The folder of the installed package; fails when that is the source tree."""
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is missing: system tests run the installed wheel; call make test")
    where = subprocess.run(
        [sys.executable, "-P", "-c", "import storperf; print(storperf.__file__)"],
        cwd="/",
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    package = Path(where.stdout.strip()).parent
    if package == TREE / "storperf" or "site-packages" not in package.parts:
        pytest.fail(f"storperf is imported from {package}, not from an installed wheel")
    return package


@pytest.fixture
def storperf(tmp_path: Path, installed_package: Path) -> Program:
    """A callable that runs the installed storperf: `storperf("run", "job.yaml").exit_code`."""
    return Program(tmp_path)
