"""What goes wrong with a cloud, in one line each, with what to do about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from storperf.errors import CloudError
from storperf.providers.keystone import explain, scrub
from storperf.providers.openstack_login import APPLICATION_CREDENTIAL, OpenStackLogin

if TYPE_CHECKING:
    from requests import Response

_MOST_SAID = 400
_LONGEST_WAIT_S = 60.0
# The cloud did nothing, whatever was asked.
_REFUSED_FOR_NOW = (429, 503)
# What is asked again when asking twice does no harm.
_PASSING = (500, 502, 504, *_REFUSED_FOR_NOW)
# No connection was made, so nothing was asked.
_NOT_SENT = ("Connection refused", "Failed to establish", "Name or service", "name resolution")
_REMEDIES = {
    401: "the login is no longer good: its token has expired, or the application credential is "
    "gone; log in again",
    403: "this login may not do that: ask for the role, or look at the quota",
    413: "a quota is used up: delete something, or ask for more",
}
# By a service's own words, where its status says too little.
_KNOWN = {
    # Heat 27 keeps a thread for each of a stack's 1000 events and refuses the next.
    "Maximum number of threads reached": "this engine of Heat takes no more work for the stack; "
    "its operator has to restart heat-engine",
}
# Of Keystone's 403 Heat 27 hands on nothing but HTTP 500 and the word RemoteError.
_MAKES_TRUST = "POST /stacks"
_NO_TRUST = (
    "Heat makes a trust for each stack, and Keystone may refuse that to an application credential: "
    "make one with --unrestricted; where that is refused too, log in with a password or a token"
)
_TRUST = "name the certificates to trust: OS_CACERT, or cacert in clouds.yaml"


def fault_on_the_way(error: Exception, service: str, login: OpenStackLogin) -> CloudError:
    """What kept a request from its answer: the network, a certificate, Keystone, the catalog."""
    from keystoneauth1 import exceptions

    kind, said = explain(error, login)
    status = error.http_status if isinstance(error, exceptions.HttpError) else None
    remedy = _TRUST if kind == "certificate" else _REMEDIES.get(status or 0)
    if status == 404 and login.auth_type == APPLICATION_CREDENTIAL:
        remedy = "the application credential is gone; make another one"
    if isinstance(error, exceptions.EndpointNotFound):
        region = f" in region {login.region}" if login.region else ""
        said, remedy = f"the catalog has no such service{region} for this login", None
    is_network = kind == "unreachable"
    text = f"{service} of {login.source}: {said}"
    return CloudError(
        f"{text}; {remedy}" if remedy else text,
        status=status,
        is_passing=is_network or status in _PASSING,
        may_have_happened=is_network and not any(sign in str(error) for sign in _NOT_SENT),
    )


def refusal(service: str, request: str, answer: Response, login: OpenStackLogin) -> CloudError:
    """What a service's answer of 400 and more says; `request` names what was asked."""
    status = answer.status_code
    said = scrub(_sentence(answer), login)
    known = next((what for words, what in _KNOWN.items() if words in said), _REMEDIES.get(status))
    if login.auth_type == APPLICATION_CREDENTIAL and request == _MAKES_TRUST and known is None:
        known = _NO_TRUST
    remedy = f" ({known})" if known else ""
    waits = answer.headers.get("Retry-After", "")
    return CloudError(
        f"{service} answers {request} with HTTP {status}: {said}{remedy}",
        status=status,
        is_passing=status in _PASSING,
        may_have_happened=status >= 500 and status not in _REFUSED_FOR_NOW,
        wait_s=min(_LONGEST_WAIT_S, float(waits)) if waits.isdigit() else 0.0,
        said=said,
    )


def _sentence(answer: Response) -> str:
    """The service's own words, wherever in its answer they stand, on one line."""
    try:
        found: Any = answer.json()
    except ValueError:
        found = answer.reason or "no reason given"
    while isinstance(found, dict):
        # Heat has a general sentence outside (`title`) and the particular one inside (`error`).
        inner = next((each for each in found.values() if isinstance(each, dict)), None)
        words = found.get("message") or found.get("detail") or inner
        found = json.dumps(found) if words is None else words
    return " ".join(str(found).split())[:_MOST_SAID]
