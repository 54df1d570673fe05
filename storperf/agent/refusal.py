"""The one exception that becomes an error reply."""

from __future__ import annotations

import os

from storperf.agent.facts import user_name

# What the manager makes of it: `refused` is the user's input, the others are the machine's.
REFUSED = "refused"
BUSY = "busy"
NO_SPACE = "no_space"
FAILED = "failed"


class Refusal(Exception):
    """A command that is not carried out; `code` is one of the words above."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def permission_words() -> str:
    """What to say after a place that this process has no right to."""
    if os.geteuid() == 0:
        return "Permission denied"
    message = "Permission denied: {} may not; name another place, or be root (SSH: `sudo: true`)"
    return message.format(user_name())
