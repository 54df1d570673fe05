"""The keys of `provider.stack`, and of a volume that is made for the run."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from storperf.jobfile import scalars
from storperf.jobfile.section import Section
from storperf.jobfile.section import key as _key
from storperf.model.stack import OnPartial, OwnNetwork, Placement, Stack

_Word = Annotated[str, BeforeValidator(scalars.printable(200)), WithJsonSchema({"type": "string"})]
_Words = Annotated[tuple[_Word, ...], BeforeValidator(scalars.one_or_more)]
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,199}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_GI = 1 << 30
_Gibibytes = Annotated[
    int,
    BeforeValidator(scalars.size(_GI, scalars.PI, _GI)),
    WithJsonSchema({"type": ["string", "integer"], "x-kind": "size", "examples": ["1G", "100G"]}),
]
_Duration = Annotated[
    float,
    BeforeValidator(scalars.duration("1s", "30d")),
    WithJsonSchema({"type": ["string", "number"], "x-kind": "duration", "examples": ["30m"]}),
]
_VolumeCount = Annotated[
    int,
    BeforeValidator(scalars.whole(1, 20)),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 20}),
]
# What storperf says itself: who logs in, and by which host key it is known.
_OUR_CONFIG = ("users", "ssh_keys", "ssh_deletekeys", "ssh_authorized_keys", "disable_root")


def _cidr(value: object) -> str:
    text = scalars.printable(64)(value)
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError(f"{text!r} is no range of addresses such as 10.20.0.0/24") from None


def _matching(pattern: re.Pattern[str], what: str) -> BeforeValidator:
    def read(value: object) -> str:
        text = scalars.printable(200)(value)
        if pattern.fullmatch(text) is None:
            raise ValueError(f"{text!r} is no {what}: {pattern.pattern}")
        return text

    return BeforeValidator(read)


def _tag(value: object) -> str:
    text = scalars.printable(60)(value)
    if "," in text or "/" in text:
        raise ValueError(f"{text!r} holds a comma or a slash, which no tag may")
    return text


def _config(value: object) -> object:
    if isinstance(value, dict):
        for key in _OUR_CONFIG:
            if key in value:
                raise ValueError(f"`{key}` is storperf's own; leave it out")
    return value


StackName = Annotated[
    str, _matching(_STACK_NAME, "name of a stack"), WithJsonSchema({"type": "string"})
]
Cidr = Annotated[str, BeforeValidator(_cidr), WithJsonSchema({"type": "string"})]


class VolumeSection(Section):
    """A Cinder volume that is made for each agent, and deleted with it."""

    size: _Gibibytes = _key("Its size, a multiple of 1G.")
    type: _Word | None = _key("Its volume type; the cloud's default without.", None)
    count: _VolumeCount = _key(
        "How many of them each agent has; all are measured together.", 1, shown=1
    )


class OwnNetworkSection(Section):
    """A network, subnet and router that are made for the run."""

    public: _Word = _key("The external network that the router leads to.")
    cidr: Cidr = _key("The subnet's addresses.", "172.16.0.0/16", shown="172.16.0.0/16")
    dns: _Words = _key("Name servers of the agents.", (), shown=[])


class StackSection(Section):
    """The stack that Heat makes: a server for each agent, with its volumes."""

    image: _Word = _key("Name or id of the image that agents boot.")
    flavor: _Word = _key("Name or id of the flavor.")
    cloud: _Word | None = _key(
        "A cloud of clouds.yaml. By default what OS_CLOUD and OS_* say.", None
    )
    network: _Word | None = _key(
        "An existing network that this machine reaches; this or `own_network`.", None
    )
    subnet: _Word | None = _key("The subnet of `network`; else Neutron chooses.", None)
    own_network: OwnNetworkSection | None = _key(
        "Make a network; agents then have floating IPs of its `public`.", None
    )
    floating: _Word | None = _key(
        "Take floating IPs from this external network; for an existing `network` that this "
        "machine does not reach.",
        None,
    )
    manager: Cidr | None = _key(
        "From where agents may be reached by SSH. By default the address with which this machine "
        "reaches them; say it where it is translated on the way.",
        None,
    )
    zones: _Words = _key(
        "Availability zones of the servers, in turn. By default the cloud chooses.", (), shown=[]
    )
    placement: Annotated[
        Placement,
        BeforeValidator(scalars.word(*Placement)),
        WithJsonSchema({"type": "string", "enum": [each.value for each in Placement]}),
    ] = _key(
        "`spread`: no two agents on one hypervisor. `pack`: all on one. `any`: as the cloud likes; "
        "where they lie is recorded where the cloud says it.",
        Placement.ANY,
        shown="any",
    )
    ephemeral: _Gibibytes | None = _key(
        "A disk of the hypervisor of this size, as the flavor allows; cloud-init formats and "
        "mounts it at /mnt, where `target.directory` finds it.",
        None,
    )
    config_drive: scalars.Flag = _key(
        "Hand user data over on a drive, so that no metadata service is needed.", True, shown=True
    )
    user: Annotated[str, _matching(_USER, "user name"), WithJsonSchema({"type": "string"})] = _key(
        "The user that cloud-init makes and storperf logs in as; it may use sudo.",
        "storperf",
        shown="storperf",
    )
    cloud_config: Annotated[dict[str, Any], BeforeValidator(_config)] = _key(
        "More cloud-config for the agents, such as `packages`.", {}
    )
    tags: Annotated[
        tuple[Annotated[str, BeforeValidator(_tag)], ...], BeforeValidator(scalars.one_or_more)
    ] = _key("Tags of your own for the stack and its network things.", (), shown=[])
    metadata: dict[str, _Word] = _key("Metadata of your own for servers and volumes.", {})
    name: (
        Annotated[
            str, _matching(_STACK_NAME, "name of a stack"), WithJsonSchema({"type": "string"})
        ]
        | None
    ) = _key(
        "The stack's name. By default `storperf-` and the run's id, so that two runs of a job "
        "never meet.",
        None,
    )
    on_partial: Annotated[
        OnPartial,
        BeforeValidator(scalars.word(*OnPartial)),
        WithJsonSchema({"type": "string", "enum": [each.value for each in OnPartial]}),
    ] = _key(
        "What becomes of the run when some agents do not come up. `fail`: it ends. `go_on`: the "
        "rest is measured; such trials are `partial`, which never pass.",
        OnPartial.FAIL,
        shown="fail",
    )
    create_timeout: _Duration = _key("How long the stack may take.", 1800.0, shown="30m")
    stall_timeout: _Duration = _key(
        "Heat that tells nothing new for so long, with no server and no volume in the making, has "
        "lost its work (its engine was restarted): the stack is updated, so that it goes on.",
        180.0,
        shown="3m",
    )
    ready_timeout: _Duration = _key(
        "How long agents may take from then until SSH answers and volumes are seen.",
        600.0,
        shown="10m",
    )
    delete_timeout: _Duration = _key(
        "How long deleting may take, with retries.", 900.0, shown="15m"
    )
    lifetime: _Duration = _key(
        "After this time everybody's `storperf cleanup` may delete the stack; longer than the run.",
        2 * 86_400.0,
        shown="2d",
    )
    keep: scalars.Flag = _key(
        "Leave the stack when the run is over, for `attach`.", False, shown=False
    )
    attach: StackName | None = _key(
        "Use a stack that an earlier run of this manager kept; it stays.", None
    )


def stack(section: StackSection) -> Stack:
    """The stack of a job."""
    names = {
        "ephemeral": "ephemeral_bytes",
        "create_timeout": "create_s",
        "stall_timeout": "stall_s",
        "ready_timeout": "ready_s",
        "delete_timeout": "delete_s",
        "lifetime": "lifetime_s",
    }
    said = {names.get(key, key): getattr(section, key) for key in StackSection.model_fields}
    own = section.own_network
    said["own_network"] = None if own is None else OwnNetwork(**own.model_dump())
    said["metadata"] = tuple(section.metadata.items())
    return Stack(**said)
