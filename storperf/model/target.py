"""Where I/O goes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from storperf.model.stack import Volume


class TargetKind(StrEnum):
    """Where I/O goes.  `null` is fio's null engine: no storage at all, for self-tests.

    `nbd` and `rbd` are reached by fio itself over a network.
    """

    DIRECTORY = "directory"
    DEVICE = "device"
    NULL = "null"
    NBD = "nbd"
    RBD = "rbd"

    @property
    def is_remote(self) -> bool:
        """Whether only fio can reach it: no file of the agent's host can be opened or looked at."""
        return self in (TargetKind.NBD, TargetKind.RBD)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem:
    """What is made on a device and mounted; options are words, never shell text."""

    type: str
    mkfs_options: tuple[str, ...] = ()
    mount_options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RbdImage:
    """An image of a Ceph cluster, and as whom it is opened (`admin`, not `client.admin`)."""

    pool: str
    image: str
    client: str
    cluster: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One place for I/O.  `size_bytes` is the span used; None means the whole device.

    `path` names it: a path on the agent, an NBD URI, or `cluster:pool/image` of `rbd`.
    A directory's span lies in `nrfiles` files of equal size, and so does that of a device on
    which `file_system` is made.  With `volume` the device is made for the run, and only each
    agent's place knows its path and serial.
    """

    kind: TargetKind
    path: str
    size_bytes: int | None = None
    serial: str | None = None
    destroy: bool = False
    nrfiles: int = 1
    file_system: FileSystem | None = None
    rbd: RbdImage | None = None
    volume: Volume | None = None
