"""The one exception that becomes an error reply."""

from __future__ import annotations

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
