"""What the server's configuration lets compatible requests do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from storperf.web.compatible.hosts import IpNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Nothing, unless somebody who runs the server says otherwise.

    `configurations` is where they are made: on this machine, in a cloud, or nowhere.  `targets`
    are sections of a job file by the name under which a request asks for them, such as
    /dev/vdb; `stack` are keys of a job file's `provider.stack` that requests do not know.  Hosts
    of stackless requests must lie in `networks`; their keys are looked for in `known_hosts`.
    """

    configurations: Literal["local", "heat"] | None = None
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    stack: Mapping[str, Any] = field(default_factory=dict)
    networks: tuple[IpNetwork, ...] = ()
    known_hosts: tuple[Path, ...] = ()
