"""What was found about a machine's fitness to measure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from storperf.errors import ExitCode


class Level(StrEnum):
    """How much a finding matters.  `not_known` is no good news: the host cannot tell."""

    OK = "ok"
    NOT_KNOWN = "not_known"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One answer: what was found, with numbers; why it matters; what can be done.

    `spoils` marks a warning about what comes and goes: the same run would give other figures
    tomorrow.  A problem means that a run fails, or that its figures are of something else.
    `target` is the path that it is about, None for the whole machine.
    """

    check: str
    level: Level
    found: str
    why: str
    remedy: str = ""
    spoils: bool = False
    target: str | None = None

    @property
    def is_in_the_way(self) -> bool:
        """Whether the machine should not measure before this is mended."""
        return self.level is Level.PROBLEM or (self.level is Level.WARNING and self.spoils)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Every finding, and the agent's facts that they were made of."""

    job: str | None
    targets: tuple[str, ...]
    findings: tuple[Finding, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_fit(self) -> bool:
        """Whether nothing is in the way of good figures."""
        return not any(finding.is_in_the_way for finding in self.findings)

    @property
    def exit_code(self) -> ExitCode:
        """0 when fit, else 3."""
        return ExitCode.PASS if self.is_fit else ExitCode.INCONCLUSIVE
