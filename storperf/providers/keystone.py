"""Asks a cloud's Keystone for a token, and says what came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from storperf.deadline import Deadline
from storperf.providers.openstack_login import OpenStackLogin

if TYPE_CHECKING:
    from keystoneauth1.access import AccessInfo
    from keystoneauth1.session import Session

# What a job in a cloud asks for: stacks, volumes, servers, their image and their network.
SERVICES = ("orchestration", "volumev3", "compute", "image", "network")

_UNREACHABLE = {
    "Name or service not known": "its name is not known",
    "name resolution": "its name cannot be looked up",
    "Connection refused": "nobody listens there",
    "No route to host": "there is no way to it",
    "Network is unreachable": "there is no way to it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Keystone said.

    `fault` is None, or one of: unreachable, certificate, refused, unusable; `said` is then why,
    without any secret.  `seconds` is until its first answer.  `services` has the address of each
    of SERVICES that the catalog holds in the region, None for the others.
    """

    address: str
    seconds: float | None = None
    fault: str | None = None
    said: str = ""
    user: str | None = None
    project: str | None = None
    services: Mapping[str, str | None] | None = None


def ask_keystone(login: OpenStackLogin, deadline: Deadline) -> Answer:
    """A token for a login that lacks nothing; the token itself is not kept.

    Every request ends at the deadline.
    """
    # Late: with what it needs it takes as long to import as a short command runs.
    from keystoneauth1.exceptions import ClientException
    from keystoneauth1.session import Session

    url = login.auth["auth_url"]
    answer = Answer(address=url)
    session = Session(verify=login.verify, cert=login.certificate)
    try:
        started_s = time.monotonic()
        _limit(session, deadline)
        session.get(url, authenticated=False, raise_exc=False, log=False)
        answer = replace(answer, seconds=time.monotonic() - started_s)
        _limit(session, deadline)
        access = make_plugin(login).get_access(session)
    except (ClientException, OSError, TypeError) as error:
        # OSError: a file of certificates that is not there.  TypeError: some plugins find only
        # when they are made that an option is missing.
        fault, said = explain(error, login)
        return replace(answer, fault=fault, said=said)
    return replace(
        answer,
        user=access.username,
        project=access.project_name,
        services=_services(access, login),
    )


def _limit(session: Session, deadline: Deadline) -> None:
    # requests takes 0 for a fault.
    session.timeout = max(0.01, deadline.remaining_s())


def make_plugin(login: OpenStackLogin) -> Any:
    """keystoneauth's plugin for a login; options that it does not know are left out."""
    from keystoneauth1 import loading

    loader: Any = loading.get_plugin_loader(login.auth_type)
    known = {option.dest for option in loader.get_options()}
    return loader.load_from_options(
        **{name: value for name, value in login.auth.items() if name in known}
    )


def _services(access: AccessInfo, login: OpenStackLogin) -> dict[str, str | None]:
    from keystoneauth1 import exceptions

    found: dict[str, str | None] = {}
    for kind in SERVICES:
        try:
            found[kind] = access.service_catalog.url_for(
                service_type=kind, interface=login.interface, region_name=login.region
            )
        except exceptions.CatalogException:
            found[kind] = None
    return found


def explain(error: Exception, login: OpenStackLogin) -> tuple[str, str]:
    """The kind of fault and why, in our words: keystoneauth's quote addresses and options."""
    from keystoneauth1 import exceptions

    said: Any = error
    match error:
        case exceptions.SSLError() if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return "certificate", "its certificate is not trusted here"
        case exceptions.SSLError():
            return "unusable", "it speaks no TLS; perhaps its address begins with http://"
        case exceptions.ConnectTimeout():
            return "unreachable", "it does not answer in time"
        case exceptions.ConnectionError():
            known = [why for sign, why in _UNREACHABLE.items() if sign in str(error)]
            return "unreachable", known[0] if known else "the connection breaks"
        case exceptions.Unauthorized():
            return "refused", "it refuses the login (HTTP 401)"
        case exceptions.HttpError():
            said = f"it answers with HTTP {error.http_status}"
        case exceptions.NoMatchingPlugin():
            said = f"nothing here knows the auth type {login.auth_type!r}"
        case exceptions.DiscoveryFailure():
            said = "what answers there is no Keystone"
        case exceptions.MissingRequiredOptions():
            names = ", ".join(option.dest for option in error.options)
            said = f"the auth type {login.auth_type} needs besides: {names}"
        case TypeError():
            said = f"the auth type {login.auth_type} needs more than it was given"
    return "unusable", scrub(str(said), login)


def scrub(text: str, login: OpenStackLogin) -> str:
    """The text without any secret of the login."""
    for name, value in login.auth.items():
        if any(word in name for word in ("password", "secret", "token", "passcode")):
            text = text.replace(value, "***")
    return text
