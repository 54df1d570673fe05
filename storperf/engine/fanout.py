"""The same for every agent at once: each in a thread of its own, its exception delivered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from storperf.engine.agents import Agent
from storperf.errors import StorperfError, worst

# More would not be quicker: the manager has one interpreter.
_MOST_THREADS = 64

Given = TypeVar("Given")


def for_each(agents: Sequence[Agent], act: Callable[[Agent], Given]) -> list[Given]:
    """What `act` gives for each agent, in their order.

    It is done for all of them, also when some fail; then the failures are raised as one: the
    kind that weighs most, with what all of them say.  An agent is one thread's at a time.
    """
    if len(agents) <= 1:
        return [act(agent) for agent in agents]
    width = min(len(agents), _MOST_THREADS)
    with ThreadPoolExecutor(width, thread_name_prefix="agents") as threads:
        futures = [threads.submit(act, agent) for agent in agents]
    failures = [failure for future in futures if (failure := future.exception()) is not None]
    if failures:
        raise _as_one(failures)
    return [future.result() for future in futures]


def _as_one(failures: Sequence[BaseException]) -> BaseException:
    """A bug comes first, as it is."""
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
