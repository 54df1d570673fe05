"""How to log in to an OpenStack cloud, found where OpenStack's own clients find it.

A cloud of clouds.yaml when OS_CLOUD names one, else the OS_* variables, else the only cloud of
clouds.yaml; https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from storperf.errors import UsageError
from storperf.settings import Settings

PASSWORD = "password"
APPLICATION_CREDENTIAL = "v3applicationcredential"

_NAMES = ("clouds.yaml", "clouds.yml", "clouds.json")
_SECURE_NAMES = ("secure.yaml", "secure.yml", "secure.json")
# Variables that are not the auth plugin's: where to look, and how to speak.
_NOT_AUTH = {
    *("cloud", "client_config_file", "client_secure_file", "auth_type", "identity_api_version"),
    *("region_name", "interface", "endpoint_type", "cacert", "cert", "key", "insecure"),
}
# Names of the time before Keystone 3, still to be met in openrc files.
_OLD_NAMES = {"tenant_name": "project_name", "tenant_id": "project_id"}
# Of each group one is needed.
_NEEDED = {
    PASSWORD: (("username", "user_id"), ("password",), ("project_name", "project_id")),
    APPLICATION_CREDENTIAL: (
        ("application_credential_id", "application_credential_name"),
        ("application_credential_secret",),
    ),
}
# A name is unique in its domain only; an id needs none.
_NEEDS_DOMAIN = {"username": "user_domain", "project_name": "project_domain"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStackLogin:
    """What Keystone is to be told.  `auth` holds secrets and is printed nowhere.

    `verify` is False, True or the file of the certificates to trust; `source` is for people,
    `prefix` is what stands before a missing name there (`OS_`, `auth.`).
    """

    source: str
    prefix: str
    auth_type: str
    auth: Mapping[str, str] = field(repr=False)
    region: str | None = None
    interface: str = "public"
    verify: bool | str = True
    certificate: tuple[str, str] | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """What must be said besides, each as it would be written; alternatives with `or`."""
        names = []
        if not self.auth.get("auth_url", "").startswith(("http://", "https://")):
            names.append(f"{self._spell('auth_url')} (http://... or https://...)")
        if self.auth_type == PASSWORD and "application_credential_secret" in self.auth:
            kind = "OS_AUTH_TYPE" if self.prefix == "OS_" else "auth_type"
            return (*names, f"{kind} ({APPLICATION_CREDENTIAL})")
        names += [
            self._spell(*group)
            for group in _NEEDED.get(self.auth_type, ())
            if not any(self.auth.get(name) for name in group)
        ]
        if self.auth_type == PASSWORD:
            names += self._missing_domains()
        if self.auth_type == APPLICATION_CREDENTIAL and self._lacks_user():
            names.append(self._spell("username", "user_id"))
        return tuple(names)

    def _spell(self, *names: str) -> str:
        return " or ".join(
            f"{self.prefix}{name.upper() if self.prefix == 'OS_' else name}" for name in names
        )

    def _missing_domains(self) -> list[str]:
        return [
            self._spell(f"{domain}_name", f"{domain}_id")
            for name, domain in _NEEDS_DOMAIN.items()
            if self.auth.get(name)
            and not any(
                self.auth.get(f"{each}_{kind}")
                for each in (domain, "default_domain")
                for kind in ("id", "name")
            )
        ]

    def _lacks_user(self) -> bool:
        by_name = self.auth.get("application_credential_name") and not self.auth.get(
            "application_credential_id"
        )
        return bool(by_name) and not (self.auth.get("username") or self.auth.get("user_id"))


def find_login(settings: Settings) -> OpenStackLogin | None:
    """The login that OpenStack's clients would take; None when nothing says one.

    UsageError: a file that cannot be read, a cloud that it does not hold, or several and no
    word on which.
    """
    variables = settings.openstack
    name = variables.get("OS_CLOUD")
    if not name and (variables.get("OS_AUTH_URL") or variables.get("OS_USERNAME")):
        return _by_variables(variables)
    path = _find(settings, "OS_CLIENT_CONFIG_FILE", _NAMES)
    if path is None:
        if name:
            raise UsageError(
                f"OS_CLOUD is {name!r}, and there is no clouds.yaml in {looked_in(settings)}"
            )
        return _by_variables(variables) if variables else None
    known = _named(path)
    if not name and len(known) != 1:
        raise UsageError(f"{path} holds {len(known)} clouds; OS_CLOUD must name one of them")
    name = name or next(iter(known))
    if name not in known:
        raise UsageError(
            f"OS_CLOUD is {name!r}, which {path} does not hold; it knows: {', '.join(known)}"
        )
    secure = _find(settings, "OS_CLIENT_SECURE_FILE", _SECURE_NAMES)
    secrets = {} if secure is None else _named(secure).get(name, {})
    return _by_entry(f"the cloud {name} of {path}", _merge(known[name], secrets))


def looked_in(settings: Settings) -> str:
    """The folders in which clouds.yaml is looked for, for people."""
    return ", ".join(map(str, settings.openstack_folders))


def _find(settings: Settings, variable: str, names: tuple[str, ...]) -> Path | None:
    if said := settings.openstack.get(variable):
        return settings.directory / said
    paths = [folder / name for folder in settings.openstack_folders for name in names]
    return next((path for path in paths if path.is_file()), None)


def _named(path: Path) -> dict[str, dict[str, Any]]:
    """The clouds of a file by name; UsageError when it holds none or cannot be read."""
    try:
        top = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # YAML's own message quotes the line, which may hold a password.
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" (line {mark.line + 1})"
        raise UsageError(f"{path} is not YAML{where}") from None
    found = top.get("clouds") if isinstance(top, dict) else None
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise UsageError(f"{path} has no mapping `clouds` of clouds")
    return {str(name): entry for name, entry in found.items()}


def _merge(open_: Mapping[str, Any], secret: Mapping[str, Any]) -> dict[str, Any]:
    """Both, mappings in depth; the secret one wins."""
    merged = dict(open_)
    for key, value in secret.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _merge(old, value) if both and old is not None else value
    return merged


def _by_entry(source: str, entry: Mapping[str, Any]) -> OpenStackLogin:
    auth = entry.get("auth")
    if not isinstance(auth, dict):
        auth = {}
    return OpenStackLogin(
        source=source,
        prefix="auth.",
        auth_type=str(entry.get("auth_type") or PASSWORD),
        auth=_plain({str(key): value for key, value in auth.items()}),
        region=str(entry["region_name"]) if entry.get("region_name") else None,
        interface=str(entry.get("interface") or entry.get("endpoint_type") or "public"),
        verify=_verify(entry.get("verify", True), entry.get("cacert")),
        certificate=_pair(entry.get("cert"), entry.get("key")),
    )


def _by_variables(variables: Mapping[str, str]) -> OpenStackLogin:
    words = {name.removeprefix("OS_").lower(): text for name, text in variables.items() if text}
    return OpenStackLogin(
        source="the environment (OS_*)",
        prefix="OS_",
        auth_type=words.get("auth_type", PASSWORD),
        auth=_plain({name: text for name, text in words.items() if name not in _NOT_AUTH}),
        region=words.get("region_name"),
        interface=words.get("interface") or words.get("endpoint_type") or "public",
        verify=_verify(not _is_yes(words.get("insecure", "")), words.get("cacert")),
        certificate=_pair(words.get("cert"), words.get("key")),
    )


def _plain(auth: Mapping[str, object]) -> dict[str, str]:
    """Its texts under today's names; the address without a user and a password in it."""
    plain = {
        _OLD_NAMES.get(name, name): str(value)
        for name, value in auth.items()
        if value is not None and value != ""
    }
    if "auth_url" in plain:
        parts = urlsplit(plain["auth_url"])
        plain["auth_url"] = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return plain


def _pair(certificate: object, key: object) -> tuple[str, str] | None:
    return (str(certificate), str(key)) if certificate and key else None


def _verify(wanted: object, certificates: object) -> bool | str:
    if wanted is False or str(wanted).lower() in {"false", "no", "0", "off"}:
        return False
    return str(certificates) if certificates else True


def _is_yes(text: str) -> bool:
    return text.lower() in {"true", "yes", "1", "on"}
