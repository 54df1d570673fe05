"""The workloads and suites that a user keeps under a name: one YAML file each in a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from storperf.errors import Conflict, UnknownName, UsageError
from storperf.jobfile.composition import read_entry
from storperf.jobfile.faults import nearest
from storperf.store.atomic import replacing
from storperf.store.faults import file_faults
from storperf.workloads.shipped import WORKLOADS
from storperf.workloads.suites import SUITES

MAX_PROFILE_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_SUFFIX = ".yaml"


class Library(Mapping[str, str]):
    """Names to YAML texts: the suites that ship, and a user's own, read when asked for.

    What ships wins: no file can take the place of it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> str:
        if name in SUITES:
            return SUITES[name]
        if name not in self.own():
            raise KeyError(name)
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        yield from SUITES
        yield from self.own()

    def __len__(self) -> int:
        return len(SUITES) + len(self.own())

    def __contains__(self, name: object) -> bool:
        return name in SUITES or name in self.own()

    def own(self) -> list[str]:
        """The names of the user's own, sorted; those that are shipped ones' are left out."""
        names = (path.name.removesuffix(_SUFFIX) for path in self.folder.glob(f"*{_SUFFIX}"))
        return sorted(name for name in names if _NAME.fullmatch(name) and not is_shipped(name))

    def text(self, name: str) -> str:
        """The text of a suite or a profile; UnknownName names the nearest."""
        if name not in self:
            raise UnknownName(f"nothing is called {name!r}; {nearest(name, self)}", name=name)
        return self[name]

    def keep(self, name: str, text: str, *, replace: bool) -> None:
        """Keep a text under a name; Conflict when it is taken and `replace` is not said.

        What ships is never replaced.  UsageError when it is no workload and no suite.
        """
        refuse_shipped(name)
        _check_name(name)
        if name in self.own() and not replace:
            raise Conflict(f"there is a {name!r} already; say --replace to overwrite it")
        if len(text.encode()) > MAX_PROFILE_BYTES:
            raise UsageError(f"{name!r} is larger than 1 MiB; that is no workload")
        try:
            read_entry(name, text)
        except ValueError as error:
            raise UsageError(str(error)) from error
        with file_faults("make", self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._path(name)) as file:
            file.write(text.encode())

    def remove(self, name: str) -> None:
        """Remove one of the user's own; UnknownName when there is none."""
        refuse_shipped(name)
        _check_name(name)
        if name not in self.own():
            raise UnknownName(f"no workload of yours is called {name!r}", name=name)
        with file_faults("remove", self._path(name)):
            self._path(name).unlink()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{_SUFFIX}"

    def _read(self, name: str) -> str:
        path = self._path(name)
        with file_faults("read", path), path.open("rb") as source:
            content = source.read(MAX_PROFILE_BYTES + 1)
        if len(content) > MAX_PROFILE_BYTES:
            raise UsageError(f"{path} is larger than 1 MiB; that is no workload")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not UTF-8 text: {error.reason}") from error


def is_shipped(name: str) -> bool:
    """Whether a workload or a suite of that name comes with storperf."""
    return name in SUITES or name in WORKLOADS


def refuse_shipped(name: str) -> None:
    """Conflict for a name that comes with storperf."""
    if is_shipped(name):
        raise Conflict(f"{name!r} comes with storperf and stays as it is; choose another name")


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} cannot be a name: 1 to 100 of A-Z a-z 0-9 _ . -, a letter or digit first"
        )
