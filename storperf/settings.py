"""Where this manager keeps things; read once at the door and handed down as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`results` holds the store, `agents` the agents of the local provider.

    `directory` is what relative paths of a job file start at; `database` is the URL of a
    PostgreSQL that holds the rows instead of a file in `results`.  The embedded Graphite has
    its programs in `graphite_venv`, its points in `graphite_data` and the rest in `graphite_state`.
    `workloads` holds the user's own; `spools` what is still to be sent to a Graphite.
    `home` is where SSH keeps what it knows; `environment` holds the variables that an inventory
    names, and all others: it may hold secrets.
    `openstack` are the variables OS_*, which may hold secrets; clouds.yaml is looked for in
    `openstack_folders`, in this order.
    """

    results: Path
    agents: Path
    directory: Path
    graphite_venv: Path
    graphite_state: Path
    graphite_data: Path
    workloads: Path
    spools: Path
    database: str | None = None
    openstack: Mapping[str, str] = field(default_factory=dict, repr=False)
    openstack_folders: tuple[Path, ...] = ()
    home: Path = Path("/")
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_settings(
    environment: Mapping[str, str], directory: Path, results: Path | None = None
) -> Settings:
    """Settings of a process: an option wins over STORPERF_*, that over the XDG folders."""
    home = Path(environment.get("HOME") or "/")
    shared = Path(environment.get("XDG_DATA_HOME") or home / ".local/share")
    state = Path(environment.get("XDG_STATE_HOME") or home / ".local/state")
    configured = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    chosen = results or Path(environment.get("STORPERF_RESULTS") or shared / "storperf")
    return Settings(
        results=directory / chosen,
        agents=directory / Path(environment.get("STORPERF_AGENTS") or state / "storperf/agent"),
        directory=directory,
        graphite_venv=directory
        / Path(environment.get("STORPERF_GRAPHITE_VENV") or state / "storperf/graphite/venv"),
        graphite_state=directory / state / "storperf/graphite",
        graphite_data=directory / shared / "storperf/graphite",
        workloads=directory
        / Path(environment.get("STORPERF_WORKLOADS") or configured / "storperf/workloads"),
        spools=directory / Path(environment.get("STORPERF_SPOOLS") or chosen / "spools"),
        database=environment.get("STORPERF_DATABASE") or None,
        openstack={name: text for name, text in environment.items() if name.startswith("OS_")},
        openstack_folders=(directory, configured / "openstack", Path("/etc/openstack")),
        home=home,
        environment=dict(environment),
    )
