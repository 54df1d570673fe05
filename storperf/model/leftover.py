"""What runs made in a cloud and is still there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Whose(StrEnum):
    """Who may delete it."""

    OURS = "ours"
    EXPIRED = "expired"
    IN_USE = "in_use"
    KEPT = "kept"
    OTHERS = "others"

    @property
    def may_go(self) -> bool:
        """Whether cleaning up deletes it."""
        return self in (Whose.OURS, Whose.EXPIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One thing; `kind` in the cloud's words.  `fault` is why it could not be deleted.

    What carries no marks has neither run nor owner: it is told and never deleted.
    """

    kind: str
    name: str
    id: str
    run: str | None
    owner: str | None
    expires: str | None
    whose: Whose
    is_deleted: bool = False
    fault: str | None = None
