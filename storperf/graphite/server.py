"""The embedded Graphite: carbon-cache and graphite-web, started, looked at and stopped."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

from storperf.deadline import Deadline
from storperf.errors import InfrastructureError
from storperf.graphite import health, installation
from storperf.graphite.configuration import (
    HOST,
    SETTINGS_MODULE,
    Folders,
    Ports,
    configuration_files,
)
from storperf.graphite.folder_lock import held
from storperf.graphite.ports import choose_ports, listens
from storperf.graphite.process import Program
from storperf.model.graphite import GraphiteState, ProgramState
from storperf.model.job import Graphite
from storperf.settings import Settings

Say = Callable[[str], None]

_TRIES = 3
_START_S = 30.0
_STOP_WEB_S = 10.0
# carbon's writer looks each second for new points, and not once more when it is told to end in
# between (writer.py, writeForever), so what came in the last second would be lost.
_WRITTEN_S = 1.2
_STOP_CARBON_S = 60.0
_POLL_S = 0.05
_PREPARE_S = 120.0


class EmbeddedGraphite:
    """Both programs of one user; every method may be called at any time, from any process."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._carbon = Program(
            "carbon-cache", folders.state / "carbon.pid.json", folders.log / "carbon.log"
        )
        self._web = Program("graphite-web", folders.state / "web.pid.json", folders.log / "web.log")

    @classmethod
    def of(cls, settings: Settings) -> EmbeddedGraphite:
        """The one of this user."""
        return cls(
            Folders(
                venv=settings.graphite_venv,
                state=settings.graphite_state,
                data=settings.graphite_data,
            )
        )

    # --- up, down, status ----------------------------------------------------------------

    def install(self, say: Say) -> None:
        """Make its programs ready, so that `up` needs no network."""
        installation.install(self._folders.venv, say)

    def up(self, say: Say) -> GraphiteState:
        """Start what does not run, heal what does not answer; nothing when all is well."""
        installation.install(self._folders.venv, say)
        with self._locked():
            for number in range(_TRIES):
                ports = self._wanted_ports()
                made_of = self._configure(ports)
                if self._is_well(ports, made_of):
                    break
                say("starting carbon-cache and graphite-web")
                self._start(ports, made_of)
                fault = self._wait_until_well(ports, made_of)
                if fault is None:
                    break
                self._stop()
                if number == _TRIES - 1:
                    raise InfrastructureError(f"the embedded Graphite did not start: {fault}")
        return self.state()

    def down(self) -> bool:
        """Stop both; every point is written first and stays.  False when neither ran."""
        with self._locked():
            return self._stop()

    def state(self) -> GraphiteState:
        """What runs where, whether it answers, and what it holds."""
        ports = self._remembered_ports()
        programs = [
            self._state_of(self._carbon, answers=ports is not None and health.takes_points(ports)),
            self._state_of(self._web, answers=ports is not None and health.answers(ports)),
        ]
        is_up = any(program.was_started for program in programs)
        is_well = all(program.is_running and program.answers for program in programs)
        figures = health.carbon_figures(ports) if ports is not None and is_well else None
        series, size_bytes = health.space_use(self._folders.whisper)
        return GraphiteState(
            is_up=is_up,
            is_well=is_well,
            host=HOST,
            ports={} if ports is None else asdict(ports),
            web=None if ports is None else f"http://{HOST}:{ports.web}",
            programs=tuple(programs),
            series=series,
            used_bytes=size_bytes,
            points_received=None if figures is None else figures.received,
            points_dropped=None if figures is None else figures.dropped,
            data=str(self._folders.data),
            logs=str(self._folders.log),
        )

    def address(self) -> Graphite | None:
        """Where to send points, None unless both programs run."""
        ports = self._remembered_ports()
        if ports is None or self._carbon.find() is None or self._web.find() is None:
            return None
        web = f"http://{HOST}:{ports.web}"
        return Graphite(host=HOST, port=ports.line, pickle_port=ports.pickle, web=web)

    # --- in detail -----------------------------------------------------------------------

    def _locked(self) -> AbstractContextManager[None]:
        return held(self._folders.state / "lock")

    def _state_of(self, program: Program, *, answers: bool) -> ProgramState:
        found = program.find()
        return ProgramState(
            name=program.name,
            pid=None if found is None else found.pid,
            was_started=program.was_started,
            answers=found is not None and answers,
            log=str(program.log),
        )

    def _is_well(self, ports: Ports, made_of: str) -> bool:
        programs = [(self._carbon.find(), ports.line), (self._web.find(), ports.web)]
        # Two Graphites that start at the same moment may want the same ports: the one that comes
        # second must not take the other's answers for its own.
        is_ours = all(
            found is not None and found.made_of == made_of and listens(found.pid, port)
            for found, port in programs
        )
        return is_ours and health.takes_points(ports) and health.answers(ports)

    def _wait_until_well(self, ports: Ports, made_of: str) -> str | None:
        """None once both answer; else what is wrong."""
        deadline = Deadline.after(_START_S)
        pause = threading.Event()
        while not self._is_well(ports, made_of):
            for program in (self._carbon, self._web):
                if program.find() is None:
                    return f"{program.name} ended: {program.last_words()}"
            if deadline.is_over:
                return f"no answer after {_START_S:.0f} s; see {self._folders.log}"
            pause.wait(_POLL_S)
        return None

    def _remembered_ports(self) -> Ports | None:
        try:
            text = (self._folders.state / "ports.json").read_text(encoding="utf-8")
            return Ports(**json.loads(text))
        except (OSError, ValueError, TypeError):
            return None

    def _wanted_ports(self) -> Ports:
        """The remembered ports as far as they are free or held by our own programs."""
        before = self._remembered_ports()
        if before is not None and self._carbon.find() and self._web.find():
            return before
        # One of them is gone: both start again, for each knows a port of the other.
        self._stop()
        ports = choose_ports(before)
        self._write(self._folders.state / "ports.json", json.dumps(asdict(ports)))
        return ports

    def _configure(self, ports: Ports) -> str:
        """Write the programs' files; a word that changes when one of them does."""
        folders = self._folders
        for folder in (folders.conf, folders.log / "web", folders.whisper):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folders.webapp.unlink(missing_ok=True)
        folders.webapp.symlink_to(folders.venv / "webapp")
        files = configuration_files(folders, ports, self._secret())
        for name, text in files.items():
            self._write(folders.conf / name, text)
        return hashlib.sha256(json.dumps(dict(files)).encode()).hexdigest()

    def _secret(self) -> str:
        path = self._folders.state / "secret"
        if not path.exists():
            self._write(path, secrets.token_hex(32))
        return path.read_text(encoding="ascii")

    def _start(self, ports: Ports, made_of: str) -> None:
        self._stop()
        folders = self._folders
        programs = folders.venv / "bin"
        python = str(programs / "python")
        environment = self._environment()
        _start_log_anew(self._carbon.log)
        _start_log_anew(self._web.log)
        self._prepare_database(python, environment)
        carbon_pid = folders.state / "carbon-cache.pid"
        carbon_pid.unlink(missing_ok=True)
        self._carbon.start(
            [
                *(python, str(programs / "carbon-cache.py"), "--nodaemon"),
                *(f"--config={folders.conf / 'carbon.conf'}", f"--pidfile={carbon_pid}", "start"),
            ],
            environment,
            made_of,
        )
        self._web.start(
            [
                *(python, "-m", "gunicorn", "--bind", f"{HOST}:{ports.web}", "--no-control-socket"),
                *("--workers", "1", "--threads", "4", "--timeout", "120"),
                "graphite.wsgi:application",
            ],
            environment,
            made_of,
        )

    def _prepare_database(self, python: str, environment: Mapping[str, str]) -> None:
        """graphite-web's own tables: events and dashboards."""
        with self._web.log.open("ab") as log:
            ended = subprocess.run(
                [python, "-m", "django", "migrate", "--run-syncdb", "--noinput", "--verbosity=0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                timeout=_PREPARE_S,
                check=False,
            )
        if ended.returncode:
            raise InfrastructureError(
                f"graphite-web's database cannot be prepared: {self._web.last_words()}"
            )

    def _stop(self) -> bool:
        written = Deadline.after(_WRITTEN_S if self._carbon.find() else 0)
        had_web = self._web.stop(Deadline.after(_STOP_WEB_S))
        threading.Event().wait(written.remaining_s())
        return self._carbon.stop(Deadline.after(_STOP_CARBON_S)) or had_web

    def _environment(self) -> Mapping[str, str]:
        """All that the programs are told; nothing of the caller's shell gets in."""
        return {
            "PATH": f"{self._folders.venv / 'bin'}:{os.defpath}",
            "HOME": str(self._folders.state),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(self._folders.conf),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "graphite.settings",
            "GRAPHITE_SETTINGS_MODULE": SETTINGS_MODULE,
        }

    @staticmethod
    def _write(path: Path, text: str) -> None:
        """Put a file in its place whole, for our eyes only."""
        fresh = path.with_name(f".{path.name}.new")
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as target:
            target.write(text)
        fresh.replace(path)


def _start_log_anew(path: Path) -> None:
    """Keep the log of the last time, and only that one."""
    if path.exists():
        shutil.move(path, path.with_suffix(".log.1"))
