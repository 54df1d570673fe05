"""Findings about a cloud: who asks, whether Keystone knows them, what they may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storperf.model.finding import Finding, Level

Facts = dict[str, Any]

_WHY_LOGIN = "a provider in a cloud must be asked with somebody's rights"
_WHY_KEYSTONE = "without a token no server and no volume can be asked for"
_WHY_SERVICES = "a job in a cloud makes a stack of servers with volumes, an image and a network"
_REMEDIES = {
    "unreachable": "look at auth_url, at the network and at http_proxy; curl -i shows the same",
    "certificate": "name the certificates to trust: OS_CACERT, or cacert in clouds.yaml",
    "refused": "look at user, password, project and domains; an application credential may be gone",
    "unusable": "look at auth_url (it ends in /v3) and at the auth type",
}


def openstack_findings(facts: Facts | None, provider: str) -> Iterator[Finding]:
    """Credentials, Keystone and its catalog; without facts nobody asked for them.

    They have `source`, `fault` and `looked_in` of the login, `missing` names, and `answer` of
    Keystone (None when it was not asked).
    """
    if facts is None:
        text = f"the provider {provider} is this machine; it needs none"
        yield Finding(check="credentials", level=Level.OK, found=text, why=_WHY_LOGIN)
        return
    yield _login(facts)
    answer = facts["answer"]
    if answer is None:
        return
    yield _keystone(facts, answer)
    if answer["fault"] is None:
        yield _services(facts, answer["services"])


def _login(facts: Facts) -> Finding:
    remedy = "source the cloud's openrc file, or write clouds.yaml and say OS_CLOUD"
    if facts["fault"]:
        text = facts["fault"]
    elif facts["source"] is None:
        text = f"none: no OS_AUTH_URL, no OS_CLOUD, no clouds.yaml in {facts['looked_in']}"
    elif facts["missing"]:
        text = f"{facts['source']} lacks {', '.join(facts['missing'])}"
        remedy = "say what is missing; the cloud's dashboard gives a whole openrc file"
    else:
        text = f"{facts['source']}, by {facts['auth_type']}"
        return Finding(check="credentials", level=Level.OK, found=text, why=_WHY_LOGIN)
    return Finding(
        check="credentials", level=Level.PROBLEM, found=text, why=_WHY_LOGIN, remedy=remedy
    )


def _keystone(facts: Facts, answer: Facts) -> Finding:
    where = f"Keystone at {answer['address']}"
    if answer["fault"] is not None:
        return Finding(
            check="Keystone",
            level=Level.PROBLEM,
            found=f"{where}: {answer['said']}",
            why=_WHY_KEYSTONE,
            remedy=_REMEDIES[answer["fault"]],
        )
    text = f"{where} answers in {answer['seconds'] * 1000:.0f} ms and gives a token to "
    text += f"{answer['user'] or 'this user'}, project {answer['project'] or '(none)'}"
    if facts["verify"] is not False:
        return Finding(check="Keystone", level=Level.OK, found=text, why=_WHY_KEYSTONE)
    return Finding(
        check="Keystone",
        level=Level.WARNING,
        found=f"{text}; its certificate is not looked at",
        why="whoever stands between gets the password",
        remedy=_REMEDIES["certificate"],
    )


def _services(facts: Facts, services: dict[str, str | None]) -> Finding:
    region = f"in the region {facts['region']}" if facts["region"] else "in any region"
    absent = [name for name, address in services.items() if address is None]
    if not absent:
        text = f"{', '.join(services)}, {region}"
        return Finding(check="cloud services", level=Level.OK, found=text, why=_WHY_SERVICES)
    return Finding(
        check="cloud services",
        level=Level.PROBLEM,
        found=f"the catalog has no {', no '.join(absent)} {region} ({facts['interface']})",
        why=_WHY_SERVICES,
        remedy="look at region and interface; openstack catalog list shows what there is",
    )
