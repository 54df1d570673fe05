"""What cloud-init is told on an agent: who logs in, and the host key of the first connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from storperf.model.keys import KeyPair


def render_cloud_config(
    user: str, public_key: str, host_key: KeyPair, more: Mapping[str, Any]
) -> str:
    """User data for one agent; `more` is the job's own, which holds none of our keys.

    Others of the project can read user data, so the host key in it is good for one connection.
    """
    config: dict[str, Any] = {
        **more,
        "users": [
            {
                "name": user,
                "shell": "/bin/sh",
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "lock_passwd": True,
                "ssh_authorized_keys": [public_key],
            }
        ],
        "disable_root": True,
        "ssh_pwauth": False,
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": host_key.private, "ed25519_public": host_key.public},
    }
    return "#cloud-config\n" + yaml.safe_dump(config, sort_keys=True, width=1000)
