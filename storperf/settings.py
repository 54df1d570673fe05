"""Where this manager keeps things; read once at the door and handed down as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`results` holds the store, `agents` the agents of the local provider.

    `directory` is what relative paths of a job file start at; `database` is the URL of a
    PostgreSQL that holds the rows instead of a file in `results`.
    """

    results: Path
    agents: Path
    directory: Path
    database: str | None = None


def read_settings(
    environment: Mapping[str, str], directory: Path, results: Path | None = None
) -> Settings:
    """Settings of a process: an option wins over STORPERF_*, that over the XDG folders."""
    home = Path(environment.get("HOME") or "/")
    shared = Path(environment.get("XDG_DATA_HOME") or home / ".local/share")
    state = Path(environment.get("XDG_STATE_HOME") or home / ".local/state")
    chosen = results or Path(environment.get("STORPERF_RESULTS") or shared / "storperf")
    return Settings(
        results=directory / chosen,
        agents=directory / Path(environment.get("STORPERF_AGENTS") or state / "storperf/agent"),
        directory=directory,
        database=environment.get("STORPERF_DATABASE") or None,
    )
