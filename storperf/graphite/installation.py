"""Graphite's programs in a venv of their own: its old Django stays out of ours.

A venv is ready when the file `.ready` in it says what it was made of; anything else is half
installed and made again.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

from storperf.deadline import Deadline
from storperf.errors import InfrastructureError, UsageError
from storperf.graphite.folder_lock import held

Say = Callable[[str], None]

LOCK_FILE = "requirements-graphite.txt"
_READY = ".ready"
_LOG = "install.log"
_INSTALL_S = 900.0
_LAST_LINES = 8
_MADE_BY_VENV = "pyvenv.cfg"

_NO_NETWORK = re.compile(
    r"NewConnectionError|ProxyError|ConnectTimeout|ReadTimeout|Temporary failure|"
    r"Could not resolve|Network is unreachable|Name or service not known"
)
# carbon 1.1.10 and graphite-web 1.1.10 were written before Python 3.12 took these away; the file
# is read at every start of the venv's Python, by its builds too.  Without effect up to 3.11.
_COMPATIBILITY = """\
import configparser
import sys
import types

if not hasattr(configparser, "SafeConfigParser"):
    configparser.SafeConfigParser = configparser.ConfigParser
if not hasattr(configparser.RawConfigParser, "readfp"):
    configparser.RawConfigParser.readfp = configparser.RawConfigParser.read_file
if sys.version_info >= (3, 12):
    # Imported, and used only for a function in a file that nobody has here.
    sys.modules.setdefault("imp", types.ModuleType("imp"))
"""


def is_ready(venv: Path) -> bool:
    """Whether Graphite can be started from there as it is."""
    try:
        return (venv / _READY).read_text(encoding="utf-8") == _key(venv)
    except OSError:
        return False


def install(venv: Path, say: Say) -> None:
    """Make the venv ready; does nothing when it is.  Waits for another one that makes it.

    InfrastructureError: no network, no room, no cairo.  UsageError: the folder is not ours.
    """
    with held(venv.parent / f".{venv.name}.lock"):
        if is_ready(venv):
            return
        _clear(venv)
        packages = _lock_text()
        version = platform.python_version()
        say(f"installing Graphite for Python {version} into {venv} (once, about half a minute)")
        deadline = Deadline.after(_INSTALL_S)
        _run([sys.executable, "-m", "venv", str(venv)], venv, deadline)
        _write_compatibility(venv)
        lock = venv / LOCK_FILE
        lock.write_text(packages, encoding="utf-8")
        tools = venv / "requirements-build.txt"
        tools.write_text(_pins_of(packages, "setuptools"), encoding="utf-8")
        # carbon, whisper and graphite-web are sources: built with the locked setuptools alone.
        _run([*_pip(venv), "--only-binary", ":all:", "-r", str(tools)], venv, deadline)
        _run([*_pip(venv), "--no-build-isolation", "-r", str(lock)], venv, deadline)
        _require_cairo(venv, deadline)
        (venv / _READY).write_text(_key(venv), encoding="utf-8")


def _pip(venv: Path) -> tuple[str, ...]:
    return (
        *(str(venv / "bin" / "python"), "-I", "-m", "pip", "install"),
        "--require-hashes",
        *("--no-input", "--disable-pip-version-check", "--retries", "2"),
    )


def _key(venv: Path) -> str:
    """What a venv was made of: another place, Python or lock means a new one."""
    made_of = f"{venv}\n{sys.version}\n{_COMPATIBILITY}\n{_lock_text()}"
    return hashlib.sha256(made_of.encode()).hexdigest()


def _lock_text() -> str:
    return resources.files("storperf.graphite").joinpath(LOCK_FILE).read_text(encoding="utf-8")


def _pins_of(lock: str, package: str) -> str:
    """The lines of a lock file that pin one package, with its hashes."""
    found = re.search(rf"^{package}==(?:.*\\\n)*.*\n", lock, re.MULTILINE)
    if found is None:
        raise InfrastructureError(f"{LOCK_FILE} does not pin {package}")
    return found[0]


def _clear(venv: Path) -> None:
    """Remove what is half installed; a folder with something else in it is left alone."""
    if not venv.exists():
        return
    is_ours = (venv / _MADE_BY_VENV).exists() or not any(venv.iterdir())
    if not is_ours:
        raise UsageError(f"{venv} is there and is no venv; name another place for Graphite's")
    shutil.rmtree(venv)


def _write_compatibility(venv: Path) -> None:
    major, minor = sys.version_info[:2]
    packages = venv / "lib" / f"python{major}.{minor}" / "site-packages"
    (packages / "storperf_compatibility.py").write_text(_COMPATIBILITY, encoding="utf-8")
    # A .pth file, because Debian and Ubuntu have a sitecustomize of their own.
    (packages / "storperf_compatibility.pth").write_text(
        "import storperf_compatibility\n", encoding="utf-8"
    )


def _require_cairo(venv: Path, deadline: Deadline) -> None:
    try:
        _run([str(venv / "bin" / "python"), "-c", "import cairocffi"], venv, deadline)
    except InfrastructureError as error:
        raise InfrastructureError(
            "Graphite draws with the library cairo, which this machine lacks; "
            "install it (apt-get install libcairo2), then try again"
        ) from error


def _run(argv: Sequence[str], venv: Path, deadline: Deadline) -> None:
    """Run to the end; InfrastructureError says what to do about a failure."""
    log = venv.parent / f"{venv.name}.{_LOG}"
    try:
        with log.open("w", encoding="utf-8") as said:
            ended = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=deadline.remaining_s(),
                check=False,
                cwd=venv.parent,
            )
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(
            f"installing Graphite took longer than {_INSTALL_S:.0f} s and was given up"
        ) from error
    except OSError as error:
        raise InfrastructureError(f"installing Graphite failed: {error}") from error
    if ended.returncode == 0:
        return
    if ended.returncode == -signal.SIGINT:
        raise InfrastructureError("installing Graphite was interrupted")
    text = log.read_text(encoding="utf-8", errors="replace")
    if _NO_NETWORK.search(text):
        raise InfrastructureError(
            "Graphite could not be installed: no network, or no answer from the package index; "
            "connect this machine, or name a mirror to pip, then try again. Runs work without it.",
            log=str(log),
        )
    last = "\n".join(text.strip().splitlines()[-_LAST_LINES:])
    raise InfrastructureError(
        f"Graphite could not be installed; the whole output is in {log}:\n{last}", log=str(log)
    )
