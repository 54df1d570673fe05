"""A server that speaks the OPNFV TestAPI: results are posted to it, and stay there."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from storperf.deadline import Deadline
from storperf.errors import DeliveryError, UsageError
from storperf.reports.clean import line

if TYPE_CHECKING:
    from requests import Response

_REQUEST_S = 10.0
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 30.0
_LONGEST_WORDS = 300
# Too early, too many, too slow: the same request may succeed later.
_PASSING = (408, 425, 429)


def results_address(url: str) -> str:
    """Where results are posted: the address itself, or `/results` below it.

    UsageError for what is no address, and for one with a password in it: it would be kept.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{line(url)!r} is no address; say http://HOST:PORT/api/v1")
    if parts.username or parts.password:
        raise UsageError(
            f"the address of {parts.hostname} holds a login; put that into ~/.netrc, not into a URL"
        )
    if parts.query or parts.fragment:
        raise UsageError(f"{line(url)!r} must end with its path, such as /api/v1")
    address = url.rstrip("/")
    return address if address.endswith("/results") else f"{address}/results"


def post_result(address: str, document: Mapping[str, Any], patience_s: float) -> str:
    """Post one result and give the address under which it stands there.

    While the server is away, or says that it is busy, it is asked again, at growing distances
    until `patience_s` have gone; once in any case.  DeliveryError says whether asking later may
    help: nobody has to, after a refusal such as that of a case that is not registered.
    """
    deadline = Deadline.after(patience_s)
    wait_s = _FIRST_WAIT_S
    while True:
        try:
            return _post(address, document)
        except DeliveryError as error:
            if not error.is_passing or deadline.remaining_s() <= wait_s:
                raise
        threading.Event().wait(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _post(address: str, document: Mapping[str, Any]) -> str:
    # requests is heavy: most commands do without.
    import requests

    body = json.dumps(document, allow_nan=False).encode()
    headers = {"Content-Type": "application/json"}
    try:
        # A redirected POST becomes a GET, which would look as if the result had been taken.
        answer = requests.post(
            address, data=body, headers=headers, timeout=_REQUEST_S, allow_redirects=False
        )
    except requests.RequestException as error:
        cause = type(error).__name__
        raise DeliveryError(f"{address} does not answer ({cause})", is_passing=True) from error
    if answer.status_code in {200, 201}:
        return _href(address, answer)
    passing = answer.status_code >= 500 or answer.status_code in _PASSING
    raise DeliveryError(_refusal(address, document, answer), is_passing=passing)


def _href(address: str, answer: Response) -> str:
    """What the TestAPI answers; anything else did not keep the result."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    href = found.get("href") if isinstance(found, dict) else None
    if not isinstance(href, str):
        raise DeliveryError(
            f"{address} says {answer.status_code}, but not where the result stands: it is no "
            "TestAPI; look at the address",
            is_passing=False,
        )
    return line(href)


def _refusal(address: str, document: Mapping[str, Any], answer: Response) -> str:
    said = line(answer.text)[:_LONGEST_WORDS]
    words = f"{address} refuses the result with {answer.status_code}: {said or answer.reason}"
    if answer.status_code == 404:
        names = [f"{key} {document.get(f'{key}_name')!r}" for key in ("project", "case", "pod")]
        return f"{words}; are {', '.join(names)} registered there?"
    if answer.is_redirect:
        return f"{words}; it has moved to {line(answer.headers['Location'])}"
    return words
