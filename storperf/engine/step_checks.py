"""What is wrong with a step on the very host and target that it is for, before anything starts."""

from __future__ import annotations

from collections.abc import Iterable

from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.errors import FioFailed, UsageError
from storperf.fio.render import render_parse_only, render_trial
from storperf.model.job import Step

_SHOWN_STEPS = 5


def tell_queues(context: RunContext, agent: Agent) -> None:
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


def check_steps(context: RunContext, agent: Agent) -> None:
    """Refuse the job before anything is written when fio does not understand a step.

    fio takes 0.16 s to read a step, of which it measures its clock 0.13 s, and reads one at a
    time (with two on one command line its exit status says nothing, fio 3.33, tried).  So it
    reads one step of each workload and block size, the widest: queue depth and numjobs are
    counts that the job file holds to their ranges.  A call each, for each has its deadline.
    """
    _check_blocks(context, agent)
    for step in _widest_steps(context.plan.steps):
        command = render_trial(
            context.job,
            step,
            context.target_on(agent, 0),
            fio=context.fio_on(agent),
            filenames=context.prepared[agent.name][0]["filenames"],
        )
        for argv in render_parse_only(command):
            context.cancel.check()
            _check_command(agent, step, argv)


def _check_command(agent: Agent, step: Step, argv: tuple[str, ...]) -> None:
    (result,) = agent.call("check", argvs=[argv])["results"]
    if "error" in result:
        raise FioFailed(f"{agent.name}: fio cannot check step {step.key}: {result['error']}")
    if result["exit_status"] != 0:
        said = " / ".join(result["output"].strip().splitlines()[:3])
        raise UsageError(f"{agent.name}: fio refuses step {step.key}: {said}", step=step.key)


def _check_blocks(context: RunContext, agent: Agent) -> None:
    """With O_DIRECT a device takes whole blocks of its own alone; else fio fails in the middle."""
    if not context.job.direct:
        return
    for number, target in enumerate(context.prepared[agent.name]):
        said = str(target["facts"].get("logical_block_size", ""))
        unit = int(said) if said.isdigit() else 1
        for step in context.plan.steps:
            if step.block_size_bytes % unit:
                raise UsageError(
                    f"{agent.name}: step {step.key} has blocks of {step.block_size_bytes} bytes, "
                    f"but the device of target-{number} takes multiples of {unit} with O_DIRECT; "
                    "choose such a size, or say direct: false",
                    step=step.key,
                )


def _widest_steps(steps: Iterable[Step]) -> Iterable[Step]:
    """Of each workload and block size the step with the most fio jobs, and of those the deepest."""
    widest: dict[tuple[str, int], Step] = {}
    for step in sorted(steps, key=lambda step: (step.numjobs, step.queue_depth)):
        widest[step.workload.name, step.block_size_bytes] = step
    return widest.values()
