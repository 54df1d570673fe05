"""Servers that Heat has made and knows nothing of.

An engine that is killed between Nova's answer and its own note of it forgets a server.  That one
holds its port, so that Heat can neither make the agent anew nor delete the port.
"""

from __future__ import annotations

import threading
from collections.abc import Container
from typing import Any

from storperf.deadline import Deadline
from storperf.providers.heat_facts import fetch_servers
from storperf.providers.openstack_session import Cloud

_LOOK_S = 1.0


def delete_strays(
    cloud: Cloud, stack_name: str, run_id: str, known: Container[str], deadline: Deadline
) -> list[str]:
    """Delete a run's servers of a stack whose ids are not `known`; their names.

    Returns when they are gone, or the deadline is over.
    """
    strays = _strays(cloud, stack_name, run_id, known)
    for each in strays:
        cloud.compute.delete(f"/servers/{each['id']}")
    pause = threading.Event()
    while not deadline.is_over and strays and _strays(cloud, stack_name, run_id, known):
        pause.wait(min(_LOOK_S, deadline.remaining_s()))
    return sorted(each["name"] for each in strays)


def _strays(
    cloud: Cloud, stack_name: str, run_id: str, known: Container[str]
) -> list[dict[str, Any]]:
    return [
        each
        for identity, each in fetch_servers(cloud, stack_name).items()
        if identity not in known and each["metadata"].get("storperf_run") == run_id
    ]
