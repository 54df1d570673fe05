"""A stack of agents in a cloud, as a job asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

# Where cloud-init mounts an ephemeral device of the hypervisor, unless it is told otherwise.
EPHEMERAL_AT = "/mnt"


class Placement(StrEnum):
    """How agents lie on the cloud's hypervisors."""

    ANY = "any"
    SPREAD = "spread"
    PACK = "pack"


class OnPartial(StrEnum):
    """What becomes of a run when a part of its agents does not come up."""

    FAIL = "fail"
    GO_ON = "go_on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A Cinder volume that is made for the run; `type` None is the cloud's default."""

    size_bytes: int
    type: str | None = None

    @property
    def size_gib(self) -> int:
        """Cinder's unit; the size is a whole number of them."""
        return self.size_bytes >> 30


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnNetwork:
    """A network of the stack's own, with a router to `public`."""

    public: str
    cidr: str
    dns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What the agents are made of.  Networks, image and flavor are names or ids of the cloud.

    `cloud` is a name of clouds.yaml; `manager` is from where agents may be reached (CIDR), None
    is this machine's address; `floating` is the network that floating IPs are taken from.
    `ephemeral_bytes` is a disk of the hypervisor beside the root disk.
    `attach` is a stack that another run has kept, and that stays.
    Heat that tells nothing new for `stall_s` while nothing is being made has lost its work.
    A stack lives for `lifetime_s` at most: then everybody may remove it.
    """

    image: str
    flavor: str
    cloud: str | None = None
    network: str | None = None
    subnet: str | None = None
    own_network: OwnNetwork | None = None
    floating: str | None = None
    manager: str | None = None
    zones: tuple[str, ...] = ()
    placement: Placement = Placement.ANY
    ephemeral_bytes: int | None = None
    config_drive: bool = True
    user: str = "storperf"
    cloud_config: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    name: str | None = None
    on_partial: OnPartial = OnPartial.FAIL
    create_s: float = 1800.0
    stall_s: float = 180.0
    ready_s: float = 600.0
    delete_s: float = 900.0
    lifetime_s: float = 2 * 86_400.0
    keep: bool = False
    attach: str | None = None
