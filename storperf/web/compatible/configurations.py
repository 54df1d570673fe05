"""Configurations: made, shown and deleted, on this machine or as stacks of a cloud."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from storperf.errors import Conflict, StorperfError, UsageError
from storperf.model.configuration import Configuration, ConfigurationState
from storperf.queueing.lent_secrets import forget_ended
from storperf.web.compatible import stacks
from storperf.web.compatible.asked import DEFAULT_STACK
from storperf.web.compatible.bodies import Body, Values
from storperf.web.compatible.configured import find_configuration
from storperf.web.compatible.heat_job import stack_section
from storperf.web.compatible.kept import open_jobs
from storperf.web.compatible.starting import Compatible

_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_TEXTS = ("agent_flavor", "agent_image", "public_network", "volume_type", "availability_zone")
# What the earlier StorPerf took when nobody said otherwise.
_DEFAULTS: Mapping[str, Any] = {
    "agent_count": 1,
    "volume_count": 1,
    "volume_size": 1,
    "subnet_CIDR": "172.16.0.0/16",
    **dict.fromkeys(_TEXTS),
}
_LOCAL_ADDRESS = "127.0.0.1"


def shown(by: Compatible, name: str | None) -> dict[str, Any]:
    """A configuration as it is answered; the defaults when there is none."""
    found = find_configuration(by.store, name)
    if found is None:
        return {
            **_DEFAULTS,
            "stack_name": name or DEFAULT_STACK,
            "stack_created": False,
            "stack_id": None,
            "slave_addresses": [],
        }
    is_there = found.state is ConfigurationState.CREATED
    return {
        **_DEFAULTS,
        **found.parameters,
        "stack_name": found.name,
        "stack_created": is_there,
        "stack_id": found.facts.get("stack_id") if is_there else None,
        "slave_addresses": found.facts.get("slave_addresses", []) if is_there else [],
    }


def create(by: Compatible, content: Values, who: str) -> dict[str, Any]:
    """Make a configuration and give it back when it is there; UsageError with every reason."""
    name, parameters = _read(content)
    kind = by.allowed.configurations
    if kind is None:
        raise UsageError(
            "ERROR: this server makes no stacks; whoever runs it can map configurations to this "
            "machine or to a cloud, or name your hosts with slave_addresses"
        )
    with by.starting:
        if _is_there(by, name, parameters):
            return shown(by, name)
        if kind == "local":
            _require_one(parameters)
        stack = stack_section(parameters, by.allowed.stack) if kind == "heat" else {}
        made = Configuration(
            name=name,
            parameters={**_DEFAULTS, **parameters},
            state=ConfigurationState.CREATING,
            changed_s=time.time(),
            facts={"kind": kind, "stack": stack},
        )
        by.store.save_configuration(made)
    _finish(by, made, _made_locally() if kind == "local" else None, who)
    return shown(by, name)


def _finish(by: Compatible, made: Configuration, facts: Values | None, who: str) -> None:
    """Bring it up when that is still to be done, and note how that ended."""
    try:
        found = stacks.make(by, made, who) if facts is None else facts
    except StorperfError as error:
        failed = replace(made, state=ConfigurationState.FAILED, reason=error.message)
        by.store.save_configuration(replace(failed, changed_s=time.time()))
        raise UsageError(error.message) from error
    facts = {**made.facts, **found}
    created = replace(made, state=ConfigurationState.CREATED, facts=facts, changed_s=time.time())
    by.store.save_configuration(created)


def delete(by: Compatible, name: str | None) -> str | None:
    """End what runs on a configuration and delete it; its stack's id, None when there was none."""
    found = find_configuration(by.store, name)
    if found is None:
        return None
    end_jobs(by)
    if found.facts.get("kind") == "heat":
        stacks.delete(by, found)
    by.store.delete_configuration(found.name)
    identity = found.facts.get("stack_id")
    return None if identity is None else str(identity)


def end_jobs(by: Compatible) -> list[str]:
    """End every job of this API that waits or runs; where they ran."""
    ended: list[str] = []
    for entry in open_jobs(by.store):
        try:
            by.cancel(entry.run_id)
        except Conflict:
            # It has ended by itself meanwhile.
            continue
        said = entry.facts.get("compatible")
        told = said.get("told", {}) if isinstance(said, dict) else {}
        ended += told.get("slave_addresses") or [_LOCAL_ADDRESS]
    forget_ended(by.settings, by.store)
    return ended


def _made_locally() -> Values:
    return {"stack_id": str(uuid.uuid4()), "slave_addresses": [_LOCAL_ADDRESS]}


def _require_one(parameters: Values) -> None:
    for key in ("agent_count", "volume_count"):
        if parameters.get(key, 1) != 1:
            raise UsageError(f"ERROR: configurations are this machine here, so {key} must be 1")


def _is_there(by: Compatible, name: str, parameters: Values) -> bool:
    """Whether the stack is there as it is asked for; UsageError when it is another one."""
    for found in by.store.configurations():
        if found.name != name or found.state is ConfigurationState.FAILED:
            continue
        if found.state is not ConfigurationState.CREATED:
            raise UsageError(f"ERROR: stack {name} is {found.state}")
        changed = [key for key, value in parameters.items() if found.parameters.get(key) != value]
        if changed:
            what = ", ".join(changed).replace("_", " ")
            raise UsageError(f"ERROR: Cannot change {what} after stack is created")
        return True
    return False


def _read(content: Values) -> tuple[str, dict[str, Any]]:
    body = Body(content)
    name = body.text("stack_name") or DEFAULT_STACK
    numbers = {
        "agent_count": body.whole("agent_count", most=1000),
        "volume_count": body.whole("volume_count", least=0, most=20),
        "volume_size": body.whole("volume_size", most=100_000),
    }
    texts = {key: body.text(key) for key in (*_TEXTS, "subnet_CIDR")}
    faults = [] if _STACK_NAME.fullmatch(name) else ["stack_name is no name of a stack"]
    faults += [
        f"{key} is not one line of at most 200 characters"
        for key, text in texts.items()
        if text is not None and (len(text) > 200 or not text.isprintable())
    ]
    body.refuse_faults(faults)
    return name, {key: value for key, value in (numbers | texts).items() if value is not None}
