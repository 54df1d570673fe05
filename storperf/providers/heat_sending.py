"""What Heat is sent for a job: its HOT files, its agents' own parts, its marks."""

from __future__ import annotations

import getpass
import socket
import time
from importlib import resources
from typing import Any

import yaml

from storperf.errors import UsageError
from storperf.heat.cloud_config import render_cloud_config
from storperf.heat.template import AgentPart, Marks, Template, files_of, make_template
from storperf.model.job import Job
from storperf.model.keys import KeyPair
from storperf.model.stack import Stack
from storperf.providers.heat_state import StackState
from storperf.providers.ssh import agent_name

Body = dict[str, Any]

# For documentation alone (RFC 5737): nobody has it.
_NOBODY = "192.0.2.1/32"


def wish(job: Job) -> Stack:
    """What the job's stack is to be; UsageError when it says nothing."""
    if job.provider.stack is None:
        raise UsageError("provider.kind heat needs a `stack`: image, flavor and network")
    return job.provider.stack


def stack_name(run_id: str, job: Job) -> str:
    """The stack's name, known before it is made."""
    stack = wish(job)
    return stack.attach or stack.name or f"storperf-{run_id}"


def agent_names(count: int) -> list[str]:
    """The first agents, by name."""
    return [agent_name(number) for number in range(1, count + 1)]


def marks(run_id: str, expires_s: float) -> Marks:
    """Whose things are, for people and for `storperf cleanup`."""
    owner = f"{getpass.getuser()}@{socket.gethostname()}"
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires_s))
    return Marks(run=run_id, owner=owner.replace(",", "-")[:40], expires=expires)


def template_of(job: Job, state: StackState, manager: str, count: int) -> Template:
    """The template for a run's stack with so many agents; new ones get their keys."""
    stack = wish(job)
    parts = [
        _part(stack, name, state.public_key, state.keys_of(name).first)
        for name in agent_names(count)
    ]
    return make_template(
        load_files(stack),
        job,
        stack,
        parts,
        name=state.name,
        marks=marks(state.run_id, state.expires_s),
        public_key=state.public_key,
        manager=manager,
    )


def preview(job: Job) -> Template:
    """What would be sent for a job, with keys and an address that nobody has."""
    stack = wish(job)
    nobody = KeyPair(public="ssh-ed25519 ***", private="***")
    return make_template(
        load_files(stack),
        job,
        stack,
        [_part(stack, name, nobody.public, nobody) for name in agent_names(max(job.matrix.agents))],
        name=stack.name or "storperf-RUN",
        marks=marks("RUN", time.time() + stack.lifetime_s),
        public_key=nobody.public,
        manager=stack.manager or _NOBODY,
    )


def _part(stack: Stack, name: str, public_key: str, host_key: KeyPair) -> AgentPart:
    text = render_cloud_config(stack.user, public_key, host_key, stack.cloud_config)
    return AgentPart(name=name, user_data=text)


def load_files(stack: Stack) -> list[Body]:
    """The HOT files of a stack, as data."""
    try:
        folder = resources.files("storperf.heat_templates")
    except ModuleNotFoundError:
        # A tree that is not installed has them beside the package.
        folder = resources.files("storperf").joinpath("..", "heat_templates")
    return [yaml.safe_load(folder.joinpath(name).read_text("utf-8")) for name in files_of(stack)]
