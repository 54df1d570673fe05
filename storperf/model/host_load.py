"""What was concluded from the figures of a trial's hosts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from storperf.model.run import Flag


class HostReason(StrEnum):
    """Why an agent may have been what was measured, or what else went on there."""

    CPU_BUSY = "cpu_busy"
    CORE_FULL = "core_full"
    STEAL = "steal"
    NIC_FULL = "nic_full"
    THROTTLED = "throttled"
    SUBMISSION = "submission"
    OTHERS_CPU = "others_cpu"
    OTHERS_IO = "others_io"
    FOREIGN_IO = "foreign_io"

    @property
    def flag(self) -> Flag:
        """What a trial is called for it."""
        match self:
            case HostReason.OTHERS_CPU | HostReason.OTHERS_IO:
                return Flag.DISTURBED
            case HostReason.FOREIGN_IO:
                return Flag.FOREIGN_IO
        return Flag.CLIENT_BOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFinding:
    """One conclusion about one agent in one trial.

    `value` is a share that is at least `threshold`; of what, the sentence says.
    """

    agent: str
    reason: HostReason
    value: float
    threshold: float
    sentence: str
