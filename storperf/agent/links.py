"""How fast a network interface's link is, as far as the kernel knows."""

from __future__ import annotations

import os
from typing import Dict, Optional

# Made and removed with containers and virtual machines: their names would never end.
_FLEETING = ("veth", "cali", "vnet", "tap", "lxc", "br-", "ifb", "dummy")
_LOOK_AGAIN_S = 10.0


def is_lasting(interface: str) -> bool:
    """Whether an interface's name will be there another night."""
    return not interface.startswith(_FLEETING)


def link_bytes_per_s(interface: str, sys: str = "/sys") -> Optional[float]:
    """The speed in one direction; None where nothing is known.

    A virtual link says -1, one that is down EINVAL, and some have no such file
    (Documentation/ABI/testing/sysfs-class-net: speed, in Mbit/s).
    """
    try:
        with open(os.path.join(sys, "class/net", interface, "speed"), "rb") as source:
            megabits = int(source.read(32))
    except (OSError, ValueError):
        return None
    # 2^32 - 1 is an old driver's word for unknown.
    return megabits * 1e6 / 8 if 0 < megabits < 0xFFFFFFFF else None


class Links:
    """The speeds of links, looked up now and then: they are negotiated anew."""

    def __init__(self, sys: str) -> None:
        self._sys = sys
        self._known: Dict[str, Optional[float]] = {}
        self._until_s = 0.0

    def share_used(self, interface: str, bytes_per_s: float, now_s: float) -> Optional[float]:
        """The share of the link that the busier direction takes; None for an unknown speed."""
        if now_s >= self._until_s:
            self._known = {}
            self._until_s = now_s + _LOOK_AGAIN_S
        if interface not in self._known:
            self._known[interface] = link_bytes_per_s(interface, self._sys)
        rate = self._known[interface]
        return None if rate is None else round(bytes_per_s / rate, 6)
