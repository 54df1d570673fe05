"""Asks the servers of remote targets for their last block, before anything is written there."""

from __future__ import annotations

from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.errors import FioFailed, TargetRefused
from storperf.fio.parse import parse_documents
from storperf.fio.render import render_reach
from storperf.model.target import Target
from storperf.units import render_size

_SHOWN_LINES = 3


def reach(context: RunContext, agent: Agent) -> None:
    """Read the end of every remote target, and say how it is kept to this run.

    FioFailed when fio cannot read it; TargetRefused when it ends before.
    """
    for number, target in enumerate(agent.place.targets(context.job)):
        if not target.kind.is_remote:
            continue
        context.cancel.check()
        _read_end(context, agent, target)
        lock = context.prepared[agent.name][number]["lock"]
        context.announce.note(
            f"{agent.name}: target-{number} is {target.kind} {target.path}; while {lock} is "
            "locked no other run of this user and host uses it, which keeps nobody else away"
        )


def _read_end(context: RunContext, agent: Agent, target: Target) -> None:
    argv = render_reach(target, fio=context.fio_on(agent))
    (result,) = agent.call("check", argvs=[argv])["results"]
    where = f"{agent.name}: {target.kind} {target.path}"
    if "error" in result:
        raise FioFailed(f"{where} cannot be reached: {result['error']}", agent=agent.name)
    output = parse_documents(result["output"].encode())
    if result["exit_status"] != 0 or not output.documents:
        said = " / ".join(output.notes[:_SHOWN_LINES]) or result["output"].strip()[:200]
        raise FioFailed(f"{where} cannot be read: {said}", agent=agent.name)
    if not output.documents[-1].total_ios:
        size = render_size(target.size_bytes or 0)
        raise TargetRefused(
            f"{where} holds less than the {size} that the job asks for; lower target.size"
        )
