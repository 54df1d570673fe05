"""/api/v3/host-pins: host keys that an admin vouches for, for requests that bring none."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from storperf.remote.host_keys import fingerprint_of_line
from storperf.remote.shown_key import read_key_line
from storperf.web.callers import Admin, Reader
from storperf.web.compatible.hosts import read_address
from storperf.web.native.reply import ERRORS
from storperf.web.served import ServedBy

router = APIRouter(prefix="/api/v3/host-pins", tags=["host pins"], responses=ERRORS)

_Host = Annotated[str, Field(max_length=80, examples=["10.0.0.5", "[10.0.0.5]:2222"])]
_Key = Annotated[str, Field(max_length=20_000, examples=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5..."])]


class PinRequest(BaseModel):
    """A host and the public key that it shows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: _Host
    key: _Key


class Pin(BaseModel):
    """A host whose key is known."""

    host: str
    key: str
    fingerprint: str


@router.get("")
def pins(_caller: Reader, by: ServedBy) -> list[Pin]:
    """Every pinned host."""
    return [_pin(host, line) for host, line in sorted(by.store.pinned_hosts().items())]


@router.post("", status_code=201)
def pin(caller: Admin, by: ServedBy, wanted: PinRequest) -> Pin:
    """Vouch for a host's key; an earlier one is replaced."""
    line = read_key_line(wanted.key)
    host = read_address(wanted.host).known_as
    by.store.pin_host(host, line, pinned_by=caller.name, at_s=time.time())
    return _pin(host, line)


@router.delete("", status_code=204)
def unpin(_caller: Admin, by: ServedBy, host: _Host) -> None:
    """Vouch for a host no more."""
    by.store.unpin_host(read_address(host).known_as)


def _pin(host: str, line: str) -> Pin:
    return Pin(host=host, key=line, fingerprint=fingerprint_of_line(line))
