"""The providers by the word that a job file has for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from storperf.providers.heat import HeatProvider
from storperf.providers.local import LocalProvider
from storperf.providers.provider import Provider
from storperf.providers.ssh import SshProvider
from storperf.settings import Settings

PROVIDERS: Mapping[str, Callable[[Settings], Provider]] = {
    "local": LocalProvider,
    "ssh": SshProvider,
    "heat": HeatProvider,
}
