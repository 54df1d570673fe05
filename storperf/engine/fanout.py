"""The same for every agent at once: each in a thread of its own, its exception delivered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from storperf.engine.agents import Agent
from storperf.errors import StorperfError, worst

# More would not be quicker: the manager has one interpreter.
MOST_THREADS = 64
# What is timed, or takes memory for each agent.
FEW_THREADS = 8

Given = TypeVar("Given")


def for_each(agents: Sequence[Agent], act: Callable[[Agent], Given]) -> list[Given]:
    """What `act` gives for each agent, in their order.

    It is done for all of them, also when some fail; then the failures are raised as one: the
    kind that weighs most, with what all of them say.  An agent is one thread's at a time.
    """
    futures = outcomes(agents, act)
    failures = [failure for future in futures if (failure := future.exception()) is not None]
    if failures:
        raise as_one(failures)
    return [future.result() for future in futures]


def outcomes(
    agents: Sequence[Agent], act: Callable[[Agent], Given], width: int = MOST_THREADS
) -> list[Future[Given]]:
    """How it came out for each agent, in their order; all of them are done, `width` at a time."""
    if len(agents) <= 1:
        return [_outcome(act, agent) for agent in agents]
    with ThreadPoolExecutor(min(len(agents), width), thread_name_prefix="agents") as threads:
        return [threads.submit(act, agent) for agent in agents]


def _outcome(act: Callable[[Agent], Given], agent: Agent) -> Future[Given]:
    """The same in this thread; a bug is raised at once."""
    future: Future[Given] = Future()
    try:
        future.set_result(act(agent))
    except StorperfError as failure:
        future.set_exception(failure)
    return future


def as_one(failures: Sequence[BaseException]) -> BaseException:
    """Several failures as the one that weighs most; a bug comes first, as it is."""
    known = [failure for failure in failures if isinstance(failure, StorperfError)]
    if len(known) < len(failures):
        return next(failure for failure in failures if not isinstance(failure, StorperfError))
    code = worst([failure.exit_code for failure in known])
    first = next(failure for failure in known if failure.exit_code is code)
    if len(known) > 1:
        others = [failure.message for failure in known if failure is not first]
        first.message = "; ".join([first.message, *others])
        first.args = (first.message,)
    return first
