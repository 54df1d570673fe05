"""Finds what runs left in a cloud by the marks that everything carries, and deletes it.

Stacks first: Heat knows the order.  What is left of a stack that is gone goes piece by piece.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from storperf.deadline import Deadline
from storperf.errors import CloudError, StorperfError
from storperf.heat.template import parse_marks
from storperf.model.leftover import Leftover, Whose
from storperf.providers.heat_stack import StackLife
from storperf.providers.openstack_session import Cloud
from storperf.providers.provider import Errand

log = logging.getLogger(__name__)

Body = dict[str, Any]
# Whose a run's things are, by the run's id; None when this manager knows no such run.
Judge = Callable[[str], Whose | None]

_TOKEN = "storperf_token="
_OUR_NAME = re.compile(r"storperf-(\d{8}-\d{6}-[0-9a-f]{4})")
_TRIES = 5
_AGAIN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How things of a kind are listed and deleted."""

    word: str
    service: str
    path: str
    key: str
    query: tuple[tuple[str, str], ...] = ()


_TAGGED = (("tags", "storperf"),)
_IMAGE = "image"
_IMAGES = (("tag", "storperf"), ("visibility", "private"))
# In the order in which they can go.
_KINDS = (
    _Kind(word="server", service="compute", path="/servers/detail", key="servers"),
    _Kind(word="volume", service="volume", path="/volumes/detail", key="volumes"),
    _Kind(word="floating IP", service="network", path="/floatingips", key="floatingips"),
    _Kind(word="port", service="network", path="/ports", key="ports", query=_TAGGED),
    _Kind(word="router", service="network", path="/routers", key="routers", query=_TAGGED),
    _Kind(word="network", service="network", path="/networks", key="networks", query=_TAGGED),
    _Kind(word="security group", service="network", path="/security-groups", key="security_groups"),
    _Kind(word="key pair", service="compute", path="/os-keypairs", key="keypairs"),
    _Kind(word="server group", service="compute", path="/os-server-groups", key="server_groups"),
    _Kind(word=_IMAGE, service="image", path="/images", key="images", query=_IMAGES),
)


def find_leftovers(cloud: Cloud, judge: Judge, now_s: float) -> tuple[Leftover, ...]:
    """Stacks that carry our tag, then what is of no stack that is there; each judged.

    Images are no run's: they stay until they expire.
    """
    listed = cloud.orchestration.get("/stacks", tags="storperf")["stacks"]
    stacks = [
        _judged("stack", each["stack_name"], each["id"], each.get("tags") or (), judge, now_s)
        for each in listed
    ]
    names = [each.name for each in stacks]
    pieces = [
        piece
        for kind in _KINDS
        for piece in _pieces(cloud, kind, judge, now_s)
        if not any(piece.name == name or piece.name.startswith(f"{name}-") for name in names)
        and piece.run not in {each.run for each in stacks if each.run}
    ]
    return (*stacks, *pieces)


def delete_leftover(cloud: Cloud, found: Leftover, deadline: Deadline) -> Leftover:
    """The same after it was deleted, or with the reason why it was not."""
    try:
        faults = (
            _delete_stack(cloud, found, deadline)
            if found.kind == "stack"
            else _delete_piece(cloud, found, deadline)
        )
    except StorperfError as error:
        faults = [error.message]
    return replace(found, is_deleted=not faults, fault="; ".join(faults) or None)


def delete_pieces(cloud: Cloud, run_id: str, deadline: Deadline) -> list[str]:
    """Delete what Heat has made for a run and forgot, once its stack is gone.

    What is left, by name and reason.
    """
    judge = {run_id: Whose.OURS}.get
    left = []
    for kind in _KINDS:
        try:
            found = [each for each in _pieces(cloud, kind, judge, 0.0) if each.run == run_id]
        except CloudError as error:
            log.warning("cannot see whether a %s is left: %s", kind.word, error.message)
            continue
        done = [delete_leftover(cloud, each, deadline) for each in found]
        left += [f"{each.kind} {each.name} {each.id}: {each.fault}" for each in done if each.fault]
    return left


def _judged(  # noqa: PLR0913, PLR0917 - what is known of a thing
    kind: str, name: str, identity: str, words: Iterable[str], judge: Judge, now_s: float
) -> Leftover:
    marks = parse_marks(words)
    by_name = _OUR_NAME.match(name)
    run = marks.get("run") or (by_name[1] if by_name else None)
    expires = marks.get("expires")
    whose = (judge(run) if run else None) or Whose.OTHERS
    is_over = expires is not None and expires < _stamp(now_s)
    if is_over and whose is not Whose.IN_USE:
        whose = Whose.EXPIRED
    return Leftover(
        kind=kind,
        name=name,
        id=identity,
        run=run,
        owner=marks.get("owner"),
        expires=expires,
        whose=whose,
    )


def _stamp(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch_s))


def _pieces(cloud: Cloud, kind: _Kind, judge: Judge, now_s: float) -> Iterator[Leftover]:
    service = getattr(cloud, kind.service)
    for listed in service.get(kind.path, **dict(kind.query))[kind.key]:
        each = listed.get("keypair", listed)
        words = [
            *(each.get("tags") or ()),
            *(each.get("description") or "").split(),
            *(f"{key}={value}" for key, value in (each.get("metadata") or {}).items()),
            # An image has its marks among its own keys.
            *(f"{key}={value}" for key, value in each.items() if key.startswith("storperf_")),
        ]
        # A floating IP has no name, a volume may have none.
        name = each.get("name") or each.get("floating_ip_address") or each["id"]
        found = _judged(kind.word, name, str(each.get("id", name)), words, judge, now_s)
        if found.run is not None or found.kind == _IMAGE:
            yield found


def _delete_stack(cloud: Cloud, found: Leftover, deadline: Deadline) -> list[str]:
    path = f"/stacks/{found.name}/{found.id}"
    stack = cloud.orchestration.find(path)
    tags = [] if stack is None else stack["stack"].get("tags") or []
    token = next((tag.removeprefix(_TOKEN) for tag in tags if tag.startswith(_TOKEN)), "")
    errand = Errand(
        run_id=found.run or "",
        folder=Path(),
        agents=0,
        tell=lambda _: None,
        wait=threading.Event().wait,
        note=lambda _: None,
        creates=False,
    )
    return StackLife(cloud, found.name, token, errand).delete(deadline)


def _delete_piece(cloud: Cloud, found: Leftover, deadline: Deadline) -> list[str]:
    """Delete one thing; again while another that goes with it is still on its way."""
    kind = next(each for each in _KINDS if each.word == found.kind)
    service = getattr(cloud, kind.service)
    path = f"{kind.path.removesuffix('/detail')}/{found.id}"
    pause = threading.Event()
    for number in range(_TRIES):
        try:
            if found.kind == "router":
                _empty_router(cloud, found.id)
            service.delete(path)
        except CloudError as error:
            is_passing = error.status in (400, 409)
            if not is_passing or number == _TRIES - 1 or deadline.remaining_s() <= _AGAIN_S:
                return [error.message]
            pause.wait(_AGAIN_S)
            continue
        return _gone(service, path, found, deadline)
    return []


def _gone(service: Any, path: str, found: Leftover, deadline: Deadline) -> list[str]:
    """Wait for what takes its time; a volume can fail to go after all."""
    if found.kind not in ("server", "volume"):
        return []
    pause = threading.Event()
    while (body := service.find(path)) is not None:
        status = body[found.kind]["status"]
        if status.lower().startswith("error"):
            return [f"its status is {status}"]
        if deadline.is_over:
            return ["it does not go in time"]
        pause.wait(min(_AGAIN_S, deadline.remaining_s()))
    return []


def _empty_router(cloud: Cloud, router: str) -> None:
    ports = cloud.network.get("/ports", device_id=router)["ports"]
    for port in ports:
        if port["device_owner"] == "network:router_interface":
            cloud.network.put(f"/routers/{router}/remove_router_interface", {"port_id": port["id"]})
