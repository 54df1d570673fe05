"""The phases that get ready: provision and prepare.  Each may be done again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from storperf.engine.agents import Agent, make_agent
from storperf.engine.context import RunContext
from storperf.errors import FioFailed, FioMissing, UsageError
from storperf.fio.render import render_parse_only, render_trial
from storperf.fio.version import MINIMUM, parse_version
from storperf.model.job import Step, Target
from storperf.remote.pack import build_agent

_SHOWN_STEPS = 5


def provision(context: RunContext) -> None:
    """Get the agents and attach to them; what will be created is in the ledger first."""
    if context.agents:
        return
    for entry in context.provider.ledger(context.run_id, context.job):
        context.store.ledger_add(context.run_id, entry)
    package = build_agent()
    folder = context.store.journals_folder(context.run_id)
    for place in context.provider.acquire(context.job):
        agent = make_agent(context.run_id, place, package, folder)
        context.agents.append(agent)
        agent.attach()


def prepare(context: RunContext) -> None:
    """Look at each host, take the targets, let fio's own parser read every step."""
    targets = context.targets()
    requests = [_request(context, target) for target in targets]
    for agent in context.agents:
        facts = agent.call("probe", fio=context.job.provider.fio)
        _require_fio(context, agent, facts["fio"])
        if context.job.precondition.drop_caches:
            agent.call("drop_caches")  # refused where it is not possible, before all else
        prepared = agent.prepare(requests)
        context.prepared[agent.name] = prepared
        environment: dict[str, object] = {
            "host": facts["host"],
            "fio": facts["fio"]["version"],
            "targets": [_target_facts(target) for target in prepared],
        }
        context.store.set_run_facts(context.run_id, {f"environment.{agent.name}": environment})
        _tell_queues(context, agent)
        if not _has_started(agent):
            _check_steps(context, agent)


def _request(context: RunContext, target: Target) -> dict[str, object]:
    return {
        "kind": target.kind.value,
        "path": target.path,
        "size_bytes": target.size_bytes,
        "serial": target.serial,
        "destroy": target.destroy,
        "direct": context.job.direct,
        "nrfiles": target.nrfiles,
        "purge": context.job.precondition.purge,
    }


def _tell_queues(context: RunContext, agent: Agent) -> None:
    """Say which steps ask for more at once than a device takes; their trials are flagged."""
    for number, target in enumerate(context.prepared[agent.name]):
        limit = target["facts"].get("max_queue_depth")
        if limit is None:
            continue
        deeper = [
            step.key for step in context.plan.steps if step.queue_depth * step.numjobs > limit
        ]
        if deeper:
            shown = ", ".join(deeper[:_SHOWN_STEPS]) + (" ..." if deeper[_SHOWN_STEPS:] else "")
            context.announce.note(
                f"{agent.name}: the device of target-{number} takes {limit} I/Os at once; "
                f"the others of {shown} will wait in the kernel"
            )


def _target_facts(prepared: dict[str, Any]) -> dict[str, object]:
    kept = ("filename", "size_bytes", "device", "journal_on_target")
    return {**{key: prepared[key] for key in kept}, **prepared["facts"]}


def _require_fio(context: RunContext, agent: Agent, found: dict[str, Any]) -> None:
    wanted = context.job.provider.fio
    remedy = "install it (apt-get install fio) or name one with provider.fio"
    if "error" in found:
        raise FioMissing(f"{agent.name} has no usable fio: {found['error']}; {remedy}")
    version = parse_version(found["version"])
    if version is None:
        raise FioMissing(f"{agent.name}: {wanted} --version says {found['version']!r}; {remedy}")
    if version < MINIMUM:
        least = ".".join(map(str, MINIMUM))
        raise FioMissing(
            f"{agent.name} has {found['version']}, too old: storperf needs {least} or newer; "
            f"{remedy}"
        )
    engine = context.job.ioengine
    if found["engines"] and engine not in found["engines"] and context.targets():
        known = ", ".join(found["engines"])
        raise UsageError(f"{agent.name}: this fio has no ioengine {engine!r}; it has {known}")


def _has_started(agent: Agent) -> bool:
    """Whether fio ran already: the steps were checked then, and it may be running still."""
    return any(
        record["kind"] in {"trial_held", "trial_started"} for record in agent.journal.records()
    )


def _check_steps(context: RunContext, agent: Agent) -> None:
    """Refuse the job before anything is written when fio does not understand a step.

    fio takes 0.16 s to read a step, of which it measures its clock 0.13 s, and reads one at a
    time (with two on one command line its exit status says nothing, fio 3.33, tried).  So it
    reads one step of each workload and block size, the widest: queue depth and numjobs are
    counts that the job file holds to their ranges.  A call each, for each has its deadline.
    """
    for step in _widest_steps(context.plan.steps):
        argv = render_parse_only(
            render_trial(
                context.job,
                step,
                context.target_on(agent, 0),
                fio=context.job.provider.fio,
                filenames=context.prepared[agent.name][0]["filenames"],
            )
        )
        context.cancel.check()
        (result,) = agent.call("check", argvs=[argv])["results"]
        if "error" in result:
            raise FioFailed(f"{agent.name}: fio cannot check step {step.key}: {result['error']}")
        if result["exit_status"] != 0:
            said = " / ".join(result["output"].strip().splitlines()[:3])
            raise UsageError(f"{agent.name}: fio refuses step {step.key}: {said}", step=step.key)


def _widest_steps(steps: Iterable[Step]) -> Iterable[Step]:
    """Of each workload and block size the step with the most fio jobs, and of those the deepest."""
    widest: dict[tuple[str, int], Step] = {}
    for step in sorted(steps, key=lambda step: (step.numjobs, step.queue_depth)):
        widest[step.workload.name, step.block_size_bytes] = step
    return widest.values()
