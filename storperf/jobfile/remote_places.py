"""The keys `nbd` and `rbd` of `target`: storage that fio itself reaches over a network."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import SplitResult, quote, unquote, urlsplit

from pydantic import BeforeValidator, WithJsonSchema

from storperf.jobfile.scalars import printable
from storperf.jobfile.section import Section, key

EXAMPLES = ("nbd://HOST/EXPORT", "nbd+unix:///EXPORT?socket=/PATH")
_SCHEMES = ("nbd", "nbds", "nbd+unix", "nbds+unix")
# IANA's port for NBD, which a URI need not say.
_PORT = 10809
_SOCKET = "socket="


def read_nbd_uri(value: object) -> str:
    """An NBD URI in its one spelling: what need not be said left out, odd characters as %XX.

    ValueError says what is wrong.  Format: uri.md of the NBD project.
    """
    text = printable(2000)(value)
    parts = urlsplit(text)
    if "@" in parts.netloc:
        raise ValueError("names a user, which fio cannot log in as; leave out what stands before @")
    if parts.scheme not in _SCHEMES:
        known = " or ".join(EXAMPLES)
        raise ValueError(f"{text!r} is not an NBD address such as {known}")
    if parts.fragment or "#" in text:
        raise ValueError("a # has no place in an NBD address; write it as %23")
    where, query = _socket(parts) if parts.scheme.endswith("+unix") else _server(parts)
    export = quote(unquote(parts.path.removeprefix("/")))
    return f"{parts.scheme}://{where}/{export}{query}"


def _socket(parts: SplitResult) -> tuple[str, str]:
    if parts.netloc:
        raise ValueError("a socket's address has three slashes: " + EXAMPLES[1])
    path = unquote(parts.query.removeprefix(_SOCKET))
    if not parts.query.startswith(_SOCKET) or "&" in parts.query or not path.startswith("/"):
        raise ValueError("needs the absolute path of its socket and nothing else: " + EXAMPLES[1])
    return "", f"?{_SOCKET}{quote(path)}"


def _server(parts: SplitResult) -> tuple[str, str]:
    host, port = parts.hostname, parts.port
    if not host or re.fullmatch(r"[A-Za-z0-9_.:-]+", host) is None:
        raise ValueError("needs a host: " + EXAMPLES[0])
    if parts.query:
        raise ValueError(f"what stands behind ? has no place here: {parts.query!r}")
    shown = f"[{host}]" if ":" in host else host
    return (shown if port in (None, _PORT) else f"{shown}:{port}"), ""


NbdUri = Annotated[
    str,
    BeforeValidator(read_nbd_uri),
    WithJsonSchema(
        {"type": "string", "pattern": r"^nbds?(\+unix)?://", "examples": list(EXAMPLES)}
    ),
]


def _ceph_name(value: object) -> str:
    text = printable(200)(value)
    if re.fullmatch(r"[A-Za-z0-9_.+-]+", text) is None:
        raise ValueError(f"{text!r} holds more than A-Z a-z 0-9 _.+-")
    return text


CephName = Annotated[str, BeforeValidator(_ceph_name), WithJsonSchema({"type": "string"})]


class RbdSection(Section):
    """An image of a Ceph cluster; its monitors and keys are those of the agent's /etc/ceph."""

    pool: CephName = key("The pool that the image lies in.")
    image: CephName = key("The image; it must be there already. What it holds is lost.")
    client: CephName = key("As whom it is opened, without `client.` before it.", "admin")
    cluster: CephName = key("The cluster, as its configuration file is called.", "ceph")
