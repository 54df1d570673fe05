"""The version of the installed package and of the formats it writes."""

from __future__ import annotations

import re
from importlib.metadata import version

# Raised by hand when a reader of the old form would misread the new one.
RESULT_SCHEMA = 1
STORE_INTERVALS_FORMAT = 1
FINGERPRINT_VERSION = 1

# How a command tells its version to a server (in User-Agent), and in which header one answers.
ASKED = "storperf/"
TOLD = "storperf-version"

_RELEASE = re.compile(r"(\d{1,6})\.(\d{1,6})(?![0-9])")


def package_version() -> str:
    """The version in the installed package's metadata."""
    return version("storperf")


def mismatch(*, client: str, server: str) -> str | None:
    """Why a command and a server do not fit together, and what to do; None when they may.

    Releases that differ in more than the last number can say things that the other does not know.
    What is no version says nothing.
    """
    asking, answering = _RELEASE.match(client), _RELEASE.match(server)
    if asking is None or answering is None:
        return None
    own, other = ([int(part) for part in found.groups()] for found in (asking, answering))
    if own == other:
        return None
    words = f"this command is storperf {client[:40]}, the server {server[:40]}"
    if own < other:
        return f"{words}; update the command"
    return f"{words}; have the server updated, or use a command of its version"
