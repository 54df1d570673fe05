"""What a request of the compatible API asks for: jobs and initializations as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from storperf.errors import UsageError
from storperf.units import parse_size
from storperf.web.compatible.bodies import Body, Values
from storperf.web.compatible.hosts import HostAddress, read_addresses

DEFAULT_TARGET = "/dev/vdb"
DEFAULT_STACK = "StorPerfAgentGroup"
DEFAULT_SAMPLES = 10
# All that did not begin with `_`, in the order of their file names.
DEFAULT_WORKLOADS = ("rr", "rs", "rw", "wr", "ws")
WARM_UP = "_warm_up"
_INITIALIZATION = {WARM_UP: {"rw": "randwrite"}}
_TARGET = re.compile(r"/?[A-Za-z0-9_.+:@-]+(/[A-Za-z0-9_.+:@-]+)*/?")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_LONGEST_KEY = 16_384
# What no answer may give back, wherever a client put it: `ssh_private_key`, `OS_PASSWORD` ...
_SECRET_NAME = re.compile(r"passw|private_?key|ssh_?key|secret|token", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How to reach the hosts that a stackless request names; one of two secrets."""

    addresses: tuple[HostAddress, ...]
    user: str
    password: str | None = field(repr=False)
    private_key: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystemAsked:
    """What `mkfs` said: the type, its options, and the device that is mounted at the target."""

    type: str
    options: tuple[str, ...]
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A job or an initialization.

    `target` is None when the request names none.  `workloads` are names, or names with their
    fio options.  `block_sizes` are as they were written, because the names of metrics hold them.
    `size`, `nrfiles` and `numjobs` are of an initialization; sizes are in bytes.
    """

    target: str | None
    deadline_s: float | None
    samples: int
    workloads: tuple[str, ...] | Mapping[str, Values]
    queue_depths: tuple[int, ...]
    block_sizes: tuple[str, ...]
    stack_name: str | None
    metadata: Values
    login: Login | None
    file_system: FileSystemAsked | None = None
    size_bytes: int | None = None
    nrfiles: int | None = None
    numjobs: int | None = None

    @property
    def block_sizes_bytes(self) -> tuple[int, ...]:
        """The block sizes in bytes, in their order."""
        return tuple(parse_size(text) for text in self.block_sizes)


def read_job(content: Values) -> Asked:
    """A job of either version; UsageError with every fault of it."""
    body = Body(content)
    names = body.words("workload")
    own = body.mapping("workloads")
    deadline_min = body.number("deadline", most=10_080)
    asked = Asked(
        target=_target(body, "target"),
        # No time at all was no limit to nobody: it ended every run at once.
        deadline_s=None if not deadline_min else deadline_min * 60,
        samples=body.whole("steady_state_samples", most=100) or DEFAULT_SAMPLES,
        workloads=own or names or DEFAULT_WORKLOADS,
        queue_depths=_depths(body),
        block_sizes=_sizes(body),
        stack_name=_stack_name(body),
        metadata=_metadata(body),
        login=_login(body),
    )
    body.refuse_faults()
    return asked


def read_initialization(content: Values) -> Asked:
    """An initialization: its target is written once, at random, 16k at depth 8."""
    body = Body(content)
    nrfiles = body.whole("nrfiles", most=1000)
    size_bytes = _size(body, "filesize", "file_size")
    asked = Asked(
        target=_target(body, "target"),
        deadline_s=None,
        samples=DEFAULT_SAMPLES,
        workloads=_INITIALIZATION,
        queue_depths=(8,),
        block_sizes=("16k",),
        stack_name=_stack_name(body),
        metadata=_metadata(body),
        login=_login(body),
        file_system=_file_system(body),
        size_bytes=None if size_bytes is None else size_bytes * (nrfiles or 1),
        nrfiles=nrfiles,
        numjobs=body.whole("numjobs", most=256),
    )
    body.refuse_faults()
    return asked


def stack_name_of(content: Values) -> str | None:
    """The stack that a request names; the default one when it names none."""
    return _stack_name(Body(content))


def _stack_name(body: Body) -> str | None:
    """None for a stackless request, which says null, or brings its hosts."""
    if "stack_name" not in body:
        return None if body.first("slave_addresses") else DEFAULT_STACK
    return body.text("stack_name")


def _target(body: Body, *keys: str) -> str | None:
    text = body.text(*keys)
    if text is None:
        return None
    if _TARGET.fullmatch(text) is None or ".." in text.split("/"):
        body.faults.append(f"{keys[0]} must be a plain path such as /dev/vdb or /opt/storperf")
    return text.rstrip("/")


def _depths(body: Body) -> tuple[int, ...]:
    words = body.words("queue_depths") or ("1",)
    if not all(word.isascii() and word.isdigit() and len(word) < 8 for word in words):
        body.faults.append("queue_depths must be a comma list of numbers, such as 1,4,8")
        return ()
    return tuple(dict.fromkeys(int(word) for word in words))


def _sizes(body: Body) -> tuple[str, ...]:
    words = body.words("block_sizes") or ("4096",)
    by_bytes: dict[int, str] = {}
    for word in words:
        try:
            by_bytes.setdefault(parse_size(word), word)
        except ValueError:
            body.faults.append("block_sizes must be a comma list of sizes, such as 2048,16384")
            return ()
    return tuple(by_bytes.values())


def _size(body: Body, *keys: str) -> int | None:
    text = body.text(*keys)
    try:
        return None if text is None else parse_size(text)
    except ValueError:
        body.faults.append(f"{keys[0]} must be a size such as 1G")
        return None


def _metadata(body: Body) -> Values:
    found: Values = _without_secrets(dict(body.mapping("metadata")))
    return found


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_secrets(each)
            for key, each in value.items()
            if not _SECRET_NAME.search(key)
        }
    return [_without_secrets(each) for each in value] if isinstance(value, list) else value


def _file_system(body: Body) -> FileSystemAsked | None:
    """`xfs -f`, `mkfs.ext4`, `ext4 -b 4096`: options that only forced it are not needed."""
    text = body.text("mkfs")
    device = _target(body, "mount_device", "mount_point")
    if text is None:
        return None
    if device is None:
        body.faults.append("mkfs needs a mount_device")
        return None
    kind, *options = text.split() or [""]
    kept = tuple(word for word in options if word not in {"-f", "-F", "-q"})
    return FileSystemAsked(type=kind.removeprefix("mkfs."), options=kept, device=device)


def _login(body: Body) -> Login | None:
    """The hosts of a stackless request; None when it is not one."""
    words = body.words("slave_addresses")
    if not words:
        if "stack_name" in body and body.first("stack_name") is None:
            body.faults.append("stack_name is null, so slave_addresses must name the hosts")
        return None
    password, key = body.text("password"), body.text("ssh_private_key")
    user = body.text("username") or "storperf"
    if _USER.fullmatch(user) is None:
        body.faults.append("username is not the name of a user")
    if password is None and key is None:
        body.faults.append("give a password or an ssh_private_key for slave_addresses")
    if password is not None and ("\n" in password or len(password) > 1024):
        body.faults.append("password must be one line")
    if key is not None and ("PRIVATE KEY" not in key or len(key) > _LONGEST_KEY):
        body.faults.append("ssh_private_key must be the text of a private key")
    try:
        addresses = read_addresses(words)
    except UsageError as error:
        body.faults.append(error.message)
        return None
    own_password = None if key is not None else password
    return Login(addresses=addresses, user=user, password=own_password, private_key=key)
