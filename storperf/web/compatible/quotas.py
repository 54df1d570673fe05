"""How many volumes a configuration may have; it bounds the number of agents."""

from __future__ import annotations

from storperf.deadline import Deadline
from storperf.providers.openstack_session import open_cloud
from storperf.web.compatible.starting import Compatible

_WITHIN_S = 30.0


def volume_quota(by: Compatible) -> int:
    """Cinder's limit for the project, -1 for none; one where configurations are this machine."""
    if by.allowed.configurations != "heat":
        return 1 if by.allowed.configurations == "local" else 0
    cloud = open_cloud(by.settings, by.allowed.stack.get("cloud"))
    limits = cloud.volume.get("/limits", Deadline.after(_WITHIN_S))["limits"]["absolute"]
    return int(limits["maxTotalVolumes"])
