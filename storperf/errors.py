"""One tree of errors; each class knows its exit code and its HTTP status.

A message says what happened, where, and what to try.  Facts ride along as
attributes so that a program need not read the sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says to its caller; part of the API (docs/reference/exit-codes.md)."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    INCONCLUSIVE = 3
    INFRASTRUCTURE = 4
    BUG = 5
    CANCELLED = 130


# Several things at once: the first of these that happened is the exit code.
PRECEDENCE = (
    ExitCode.CANCELLED,
    ExitCode.BUG,
    ExitCode.USAGE,
    ExitCode.FAIL,
    ExitCode.INFRASTRUCTURE,
    ExitCode.INCONCLUSIVE,
    ExitCode.PASS,
)


def worst(codes: Sequence[ExitCode]) -> ExitCode:
    """Give the exit code that wins; an empty sequence is a bug of the caller."""
    for code in PRECEDENCE:
        if code in codes:
            return code
    raise ValueError("no exit code to choose from: nothing happened is not a pass")


class StorperfError(Exception):
    """The root: something that storperf itself noticed."""

    exit_code = ExitCode.BUG
    http_status = 500

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class UsageError(StorperfError):
    """The user's input: an option, a job file, a target that may not be touched."""

    exit_code = ExitCode.USAGE
    http_status = 400


class JobFileError(UsageError):
    """A job file that is not a job; `faults` lists every fault found, one sentence each.

    `what` is what the text was to be.
    """

    def __init__(
        self, source: str, faults: Sequence[str], what: str = "a job file that can be run"
    ) -> None:
        self.faults = tuple(faults)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{source} is not {what}:\n{lines}", source=source)


class UnknownName(UsageError):
    """A name that nothing has; the message lists the known ones."""

    http_status = 404


class TargetRefused(UsageError):
    """What the job wants to write to must not be written to."""


class Conflict(UsageError):
    """The thing is in another state than the command needs (already running, already ended)."""

    http_status = 409


class Forbidden(UsageError):
    """Whoever asks may not have that; somebody with a wider scope may."""

    http_status = 403


class TooMuch(UsageError):
    """More was sent or asked for than is taken at once."""

    http_status = 413


class InfrastructureError(StorperfError):
    """Agent, cloud, fio or the machine under them; never the user's input, never the storage."""

    exit_code = ExitCode.INFRASTRUCTURE
    http_status = 502


class AgentLost(InfrastructureError):
    """The agent cannot be reached, or its process is gone."""


class HostKeyRefused(InfrastructureError):
    """A host shows a key that nobody vouches for; nothing was sent to it."""


class AgentRefused(InfrastructureError):
    """The agent answered a command with a refusal; `code` is the agent's own word for it."""


class TargetBusy(InfrastructureError):
    """Another run holds the target; two at once would measure each other."""

    http_status = 409


class FioMissing(InfrastructureError):
    """No fio, or one that is too old, where it should run."""


class FioFailed(InfrastructureError):
    """fio ended otherwise than we asked; `exit_status` and `last_lines` say how."""


class GraphiteError(InfrastructureError):
    """Graphite cannot be read: no answer, no graphite-web, or one that wants a login."""


class CloudError(InfrastructureError):
    """A cloud refused or failed, or cannot be reached.

    `status` is HTTP's, None where nothing answered.  `is_passing`: asking again may help, after
    `wait_s` if the cloud said so.  With `may_have_happened` nobody knows whether it did what it
    was asked for.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        is_passing: bool = False,
        may_have_happened: bool = False,
        wait_s: float = 0.0,
        **facts: object,
    ) -> None:
        super().__init__(message, status=status, **facts)
        self.status = status
        self.is_passing = is_passing
        self.may_have_happened = may_have_happened
        self.wait_s = wait_s


class DeliveryError(InfrastructureError):
    """What was to be handed on was not taken; `is_passing`: asking again later may help."""

    def __init__(self, message: str, *, is_passing: bool = False, **facts: object) -> None:
        super().__init__(message, **facts)
        self.is_passing = is_passing


class StoreError(InfrastructureError):
    """The store cannot be read or written (rights, space, a newer schema)."""


class Cancelled(StorperfError):
    """Somebody asked for the end: Ctrl-C, SIGTERM or `storperf cancel`."""

    exit_code = ExitCode.CANCELLED
    http_status = 409
