"""What the guard of the application and the handlers tell each other about one request."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope as AsgiScope

_KEY = "storperf.asked"


@dataclass(slots=True)
class Asked:
    """Who asked, once that is known; whether a wrong token was shown."""

    who: str = "-"
    showed_wrong_token: bool = False


def begin(scope: AsgiScope) -> Asked:
    """A fresh note for one request."""
    made = Asked()
    scope[_KEY] = made
    return made


def of(scope: AsgiScope) -> Asked:
    """The note of this request; a fresh one where nobody guards the application."""
    found = scope.get(_KEY)
    return found if isinstance(found, Asked) else begin(scope)
