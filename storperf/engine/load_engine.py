"""Whether the fio of an agent is one that the job can be run with; before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.errors import FioMissing, UsageError
from storperf.fio import engines
from storperf.fio.ending import error_words
from storperf.fio.job_text import read_sections
from storperf.fio.parse import parse_documents
from storperf.fio.render import fill_engine, render_try
from storperf.fio.version import version_fault

_LONGEST = 300


def require_fio(context: RunContext, agent: Agent, found: dict[str, Any]) -> None:
    """FioMissing when there is no usable fio, UsageError when it lacks an ioengine of the job.

    `found` is what the agent knows of its fio; one that lists no ioengines is believed to have all.
    """
    fault = found.get("error") or version_fault(found["version"])
    if fault is not None:
        is_ours = context.job.provider.kind == "local"
        more = "" if is_ours else ", or let it be brought (provider.fio_binary, install_fio: true)"
        raise FioMissing(
            f"{agent.name} has no usable fio: {fault}; install it (apt-get install fio) or name "
            f"one with provider.fio{more}"
        )
    _require_engines(context, agent, found["engines"])


def require_io_uring(context: RunContext, agent: Agent) -> None:
    """UsageError when the job needs io_uring and the kernel, or a container, refuses it there.

    Unlike other engines it may be listed and still be impossible, and fio then says no more than
    an errno.  Tried on /dev/zero, which costs half a second and touches no storage.
    """
    if engines.IO_URING not in dict(_engines(context)):
        return
    argv = render_try(engines.IO_URING, fio=context.fio_on(agent))
    (result,) = agent.call("check", argvs=[argv])["results"]
    if result.get("exit_status") == 0:
        return
    documents = parse_documents(result.get("output", "").encode()).documents
    errors = [error for document in documents for error in document.errors if error]
    why = ", ".join(map(error_words, errors)) or result.get("error") or result["output"].strip()
    raise UsageError(
        f"{agent.name}: io_uring is not possible here: {why[:_LONGEST]}; the kernel "
        "(kernel.io_uring_disabled) or a container refuses it; allow it, or write ioengine: libaio"
    )


def _require_engines(context: RunContext, agent: Agent, listed: list[str]) -> None:
    needed = dict(_engines(context))
    for name in engines.missing(needed, listed) if listed else ():
        raise UsageError(
            f"{agent.name}: this fio has no ioengine {name!r}, which {needed[name]} needs; "
            f"it has {', '.join(listed)}"
        )


def _engines(context: RunContext) -> Iterator[tuple[str, str]]:
    """Every ioengine that fio will be told, and what needs it."""
    job = context.job
    if job.precondition.fill:
        for number in context.storage_numbers():
            yield fill_engine(context.targets()[number]), "the fill (precondition.fill)"
    for workload in job.workloads:
        for section in read_sections(workload.fio_file) if workload.fio_file else ():
            named = section.options.get("ioengine")
            if named is not None:
                yield named, f"section [{section.name}] of workload {workload.name!r}"
    if context.targets():
        yield job.ioengine, "the job"
