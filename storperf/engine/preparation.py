"""The phases before measuring: provision, prepare, precondition.  Each may be done again."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from storperf.engine import waiting
from storperf.engine.agents import Agent, make_agent
from storperf.engine.context import RunContext
from storperf.engine.events import EventKind
from storperf.engine.trial_end import explain_end
from storperf.errors import FioFailed, FioMissing, UsageError
from storperf.fio.render import render_fill, render_parse_only, render_trial
from storperf.fio.version import MINIMUM, parse_version
from storperf.model.job import Step, Target, TargetKind
from storperf.remote.pack import build_agent

FILL = "fill"
# A fill that is slower than this is taken for hung.
_SLOWEST_FILL_BYTES_PER_S = 2 << 20
_FILL_GRACE_S = 60.0


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
        prepared = agent.prepare(requests)
        context.prepared[agent.name] = prepared
        environment: dict[str, object] = {
            "host": facts["host"],
            "fio": facts["fio"]["version"],
            "targets": [_target_facts(target) for target in prepared],
        }
        context.store.set_run_facts(context.run_id, {f"environment.{agent.name}": environment})
        if not _has_started(agent):
            _check_steps(context, agent)


def precondition(context: RunContext) -> None:
    """Fill every target once with incompressible data, unless it is known to be filled."""
    if not context.job.precondition.fill:
        return
    numbers = [
        number
        for number, target in enumerate(context.targets())
        if target.kind is not TargetKind.NULL
    ]
    started = {agent: _start_fill(context, agent, numbers) for agent in context.agents if numbers}
    fills = {agent: attempt for agent, attempt in started.items() if attempt is not None}
    if fills:
        # numpy and scipy load while the fill runs: not between the first trials, where it shows.
        import_module("storperf.engine.trial_tables")
    for agent, attempt in fills.items():
        _finish_fill(context, agent, attempt)


def _request(context: RunContext, target: Target) -> dict[str, object]:
    return {
        "kind": target.kind.value,
        "path": target.path,
        "size_bytes": target.size_bytes,
        "serial": target.serial,
        "destroy": target.destroy,
        "direct": context.job.direct,
    }


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
                context.targets()[0],
                fio=context.job.provider.fio,
                filename=context.prepared[agent.name][0]["filename"],
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


def _start_fill(context: RunContext, agent: Agent, numbers: list[int]) -> int | None:
    """Start the fill on an agent; its attempt, None when the targets are filled already."""
    attempt, is_filled = _fill_history(agent)
    if is_filled:
        return None
    prepared = context.prepared[agent.name]
    targets = [
        {
            "target": number,
            "argv": render_fill(
                context.job,
                context.targets()[number],
                fio=context.job.provider.fio,
                filename=prepared[number]["filename"],
            ),
        }
        for number in numbers
    ]
    size_bytes = sum(prepared[number]["size_bytes"] for number in numbers)
    context.announce.tell(EventKind.TRIAL_STARTED, trial=FILL, what=FILL, size_bytes=size_bytes)
    agent.call(
        "start",
        trial=FILL,
        attempt=attempt,
        what="fill",
        deadline_s=size_bytes / _SLOWEST_FILL_BYTES_PER_S + _FILL_GRACE_S,
        targets=targets,
    )
    return attempt


def _fill_history(agent: Agent) -> tuple[int, bool]:
    """The attempt to make or to go on with, and whether the targets are filled already.

    A fill is worth nothing once a target was made anew, which the journal tells.
    """
    attempt, is_filled, is_open = 0, False, False
    for record in agent.journal.records():
        if record["kind"] == "target_created":
            is_filled = False
        elif record.get("trial") == FILL and record["kind"] == "trial_started":
            attempt, is_open = record["attempt"], True
        elif record.get("trial") == FILL and record["kind"] == "trial_ended":
            is_open = False
            is_filled = explain_end(record) is None
    return (attempt if is_open else attempt + 1), is_filled


def _finish_fill(context: RunContext, agent: Agent, attempt: int) -> None:
    prepared = context.prepared[agent.name]
    written: dict[int, int] = {}

    def progress(record: dict[str, Any]) -> None:
        if record["kind"] == "progress":
            number = record["target"]
            written[number] = written.get(number, 0) + record["bytes"]
            context.announce.tell(EventKind.PROGRESS, trial=FILL, done_bytes=sum(written.values()))

    ended = waiting.for_end(context, agent, FILL, attempt, progress)
    context.announce.tell(EventKind.TRIAL_ENDED, trial=FILL, what=FILL)
    failure = explain_end(ended)
    if failure is not None:
        raise FioFailed(f"{agent.name}: filling the target failed: {failure.sentence}")
    for target in ended["targets"]:
        wanted = prepared[target["target"]]["size_bytes"]
        if target["bytes"]["write"] < wanted:
            raise FioFailed(
                f"{agent.name}: fio says the target is filled, but wrote only "
                f"{target['bytes']['write']} of {wanted} bytes"
            )
