"""The version of the installed package and of the formats it writes."""

from __future__ import annotations

from importlib.metadata import version

# Raised by hand when a reader of the old form would misread the new one.
RESULT_SCHEMA = 1
STORE_INTERVALS_FORMAT = 1
FINGERPRINT_VERSION = 1


def package_version() -> str:
    """The version in the installed package's metadata."""
    return version("storperf")
