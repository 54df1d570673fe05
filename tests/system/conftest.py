"""The installed program as a subprocess: the wheel in this environment, never the tree."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from system.leftovers import left_behind, processes_of
from tools.fake_fio import make_fio

TREE = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("storperf")
PATH = f"{PROGRAM.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TIMEOUT_S = 120.0
# Runs at the same time; a run of a second costs about 1.5 s of one core.
AT_ONCE = 4
QUICK = {
    "name": "quick",
    "target": {"directory": "scratch", "size": "16M"},
    "workloads": [{"name": "rr", "rw": "randread", "rate_iops": 500}],
    "matrix": {"queue_depth": 1},
    "duration": "1s",
    "limits": ["iops >= 1"],
    # The plan stays what the test wrote, however busy the machine is.
    "confirm": "never",
}


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

    @property
    def trials(self):
        """Every trial of a result document."""
        return [trial for step in self.json["steps"] for trial in step["trials"]]


class Running:
    """A command that runs; its output goes to files, so that it can be looked at meanwhile."""

    def __init__(self, argv: tuple[str, ...], folder: Path, environment: dict[str, str]) -> None:
        self.argv = argv
        self._out = Path(tempfile.mkdtemp(dir=folder.parent, prefix="out-"))
        with (self._out / "stdout").open("wb") as stdout, (self._out / "stderr").open("wb") as err:
            self.process = subprocess.Popen(
                argv,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=err,
                start_new_session=True,
            )

    @property
    def stderr(self) -> str:
        """What it has said so far."""
        return (self._out / "stderr").read_text(encoding="utf-8")

    def until(self, text: str, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until it says something on stderr."""
        give_up_s = time.monotonic() + timeout_s
        while text not in self.stderr:
            has_ended = self.process.poll() is not None
            if text not in self.stderr and (has_ended or time.monotonic() > give_up_s):
                pytest.fail(f"{self.argv} never said {text!r}: {self.stderr}")
            time.sleep(0.01)

    def end(self, timeout_s: float = TIMEOUT_S) -> Ended:
        """Wait for its end; a timeout is a failure."""
        try:
            exit_code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"{self.argv} did not end: {self.stderr}")
        stdout = (self._out / "stdout").read_text(encoding="utf-8")
        return Ended(argv=self.argv, exit_code=exit_code, stdout=stdout, stderr=self.stderr)


class Program:
    """Runs `storperf ARGUMENTS` in a folder and an environment of its own.

    `folder` is the working directory; `environment` may be changed by a test.
    """

    def __init__(self, top: Path) -> None:
        self.top = top
        self.folder = top / "work"
        home = top / "home"
        self.folder.mkdir()
        home.mkdir()
        self.results = home / "results"
        self.agents = home / "agents"
        self.environment = {
            "PATH": PATH,
            "HOME": str(home),
            "STORPERF_RESULTS": str(self.results),
            "STORPERF_AGENTS": str(self.agents),
            "LANG": "C.UTF-8",
            "COLUMNS": "120",
        }

    def __call__(self, *arguments: object, timeout_s: float = TIMEOUT_S, **more: str) -> Ended:
        """Run to the end; an exit code of any kind is an answer, a timeout is a failure.

        `more` goes into the environment of this command alone.
        """
        return self.start(*arguments, **more).end(timeout_s)

    def start(self, *arguments: object, **more: str) -> Running:
        """Start in a session of its own, for tests that send signals."""
        argv = (str(PROGRAM), *map(str, arguments))
        return Running(argv, self.folder, {**self.environment, **more})

    def job(self, **keys: object) -> str:
        """The name of a job file: a second of gentle random reads, unless `keys` say otherwise."""
        job = {**QUICK, **keys}
        job = {key: value for key, value in job.items() if value is not None}
        path = self.folder / f"job-{len(list(self.folder.glob('job-*')))}.yaml"
        path.write_text(json.dumps(job, indent=1, ensure_ascii=False), encoding="utf-8")
        return path.name

    def run_job(self, **keys: object) -> Ended:
        """Run such a job with `--json`."""
        return self("run", self.job(**keys), "--json")

    def lying_fio(self, mode: str = "honest", **settings: object) -> dict[str, str]:
        """The provider of a fio that lies as told (tests/tools/lying_fio.py)."""
        number = len(list(self.top.glob("fio-*")))
        return {"fio": str(make_fio(self.top / f"fio-{number}", mode, **settings))}

    def fio_by_pattern(self, **providers: dict[str, str]) -> dict[str, str]:
        """The provider of a fio that is another one for each `rw`, the last one otherwise."""
        *_, other = providers.values()
        cases = [f'*" --rw={rw} "*) exec {each["fio"]} "$@";;' for rw, each in providers.items()]
        return self.script_fio(
            "\n".join(['case " $* " in', *cases, "esac", f'exec {other["fio"]} "$@"'])
        )

    def noting_fio(self, fio: str = "fio") -> tuple[dict[str, str], Path]:
        """The provider of a fio that writes each of its calls into a file, and the file."""
        calls = self.top / "calls"
        return self.script_fio(f'echo " $* " >> {calls}\nexec {fio} "$@"'), calls

    def script_fio(self, body: str) -> dict[str, str]:
        """The provider of a fio that is a shell script."""
        fio = self.top / f"fio-{len(list(self.top.glob('fio-*')))}" / "fio"
        fio.parent.mkdir()
        fio.write_text(f"#!/bin/sh\n{body}\n")
        fio.chmod(0o755)
        return {"fio": str(fio)}

    def run_folder(self, run_id: str) -> Path:
        """Where a run's files are."""
        return self.results / "runs" / run_id

    def assert_nothing_left(self) -> None:
        """No scratch, no agent, no process, no half-written file."""
        left = left_behind(self.folder, self.agents, self.results, top=self.top)
        for pid in processes_of(self.top):
            os.kill(pid, signal.SIGKILL)
        assert not left


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


@pytest.fixture(scope="session")
def make_program(installed_package: Path) -> Callable[[Path], Program]:
    """Makes programs, for fixtures that more than one test uses."""
    return Program


@pytest.fixture
def storperf(tmp_path: Path, installed_package: Path) -> Program:
    """A callable that runs the installed storperf: `storperf("run", "job.yaml").exit_code`."""
    return Program(tmp_path)


@pytest.fixture
def root() -> None:
    """Skips when the tests may not mount file systems or make loop devices."""
    if os.geteuid() != 0:
        pytest.skip("needs root for mounts and loop devices")


@pytest.fixture
def mounted(root: None, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts a file system of the test's own: `mounted("tmpfs", "size=4M")`."""
    points: list[Path] = []

    def mount(kind: str, options: str, source: str = "none", where: Path | None = None) -> Path:
        point = where or tmp_path / f"mount-{len(points)}"
        point.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", kind, "-o", options, source, str(point)], check=True)
        points.append(point)
        return point

    yield mount
    for point in reversed(points):
        subprocess.run(["umount", str(point)], check=True)


@pytest.fixture
def loop_device(root: None, tmp_path: Path) -> Iterator[Callable[..., tuple[Path, Path]]]:
    """A loop device on a file of the test's own, and that file."""
    devices: list[str] = []

    def make(size: int = 32 << 20, content: bytes = b"", sector: int = 512) -> tuple[Path, Path]:
        image = tmp_path / f"disk-{len(devices)}.img"
        with image.open("wb") as file:
            file.write(content)
            file.truncate(size)
        argv = ["losetup", "--find", "--show", "--partscan", f"--sector-size={sector}", str(image)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        devices.append(done.stdout.strip())
        return Path(devices[-1]), image

    yield make
    for device in devices:
        subprocess.run(["losetup", "--detach", device], check=True)


@pytest.fixture(scope="module")
def at_once(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    installed_package: Path,
) -> Iterator[Callable[..., dict[str, Future[Any]]]]:
    """Carries out the cases of a parametrised test at the same time.

    `at_once("case", act)` calls `act(program, case)` for every value of the parameter `case`
    that was selected in this module, each with a program of its own; a test waits for its own.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:

        def start(parameter: str, act: Callable[[Program, str], Any]) -> dict[str, Future[Any]]:
            here = [item for item in request.session.items if item.path == request.path]
            specs = [item.callspec for item in here if hasattr(item, "callspec")]
            cases = dict.fromkeys(
                spec.params[parameter] for spec in specs if parameter in spec.params
            )
            return {
                case: pool.submit(act, Program(tmp_path_factory.mktemp("case")), case)
                for case in cases
            }

        yield start


@pytest.fixture(scope="module")
def facts(
    request: pytest.FixtureRequest, at_once: Callable[..., dict[str, Future[Any]]]
) -> dict[str, Future[Any]]:
    """The checks of this file, on their way; see together.py."""
    checks = request.module.fact
    return at_once("name", lambda program, name: checks[name](program))
