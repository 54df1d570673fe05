"""An inventory file's text to its hosts."""

from __future__ import annotations

from pydantic import ValidationError

from storperf.errors import JobFileError
from storperf.jobfile.faults import model_faults, null_faults, render_faults
from storperf.jobfile.provider_section import InventorySection, ssh_host
from storperf.jobfile.source import NotReadableError, read_source
from storperf.model.host import SshHost

_WHAT = "an inventory of hosts"


def parse_inventory(text: str, source: str) -> tuple[SshHost, ...]:
    """The hosts; JobFileError with every fault and its line."""
    try:
        read = read_source(text)
    except NotReadableError as error:
        raise JobFileError(source, error.faults, _WHAT) from error
    faults = null_faults(read)
    try:
        section = InventorySection.model_validate(read.top)
    except ValidationError as error:
        faults += model_faults(InventorySection, error)
    if faults or read.faults:
        raise JobFileError(source, render_faults(read, faults), _WHAT)
    return tuple(ssh_host(host) for host in section.hosts)
