"""What is not the same on the hosts of two sets of runs."""

from __future__ import annotations

from collections.abc import Sequence

from storperf.model.comparison import FactDifference
from storperf.model.result import RunResult
from storperf.reports.flat_facts import flat_facts

# New at every boot, and so no difference that could explain anything.
_NEVER_THE_SAME = ("boot_id",)
Values = tuple[tuple[str, int], ...]


def environment_differences(
    reference: Sequence[RunResult], candidate: Sequence[RunResult]
) -> tuple[FactDifference, ...]:
    """The facts whose values are not those of the other set, by name.

    The facts of all agents of a run are one value each, so that which agent had which does not
    matter.  A fact that only one set tells is a difference too.
    """
    was, now = _values(reference), _values(candidate)
    found = []
    for name in sorted({*was, *now}):
        before, after = was.get(name, {}), now.get(name, {})
        if before.keys() != after.keys():
            found.append(
                FactDifference(
                    name=name, reference=_most_common(before), candidate=_most_common(after)
                )
            )
    return tuple(found)


def _values(results: Sequence[RunResult]) -> dict[str, dict[str, int]]:
    """How many runs had which value of each fact."""
    found: dict[str, dict[str, int]] = {}
    for result in results:
        of_run: dict[str, set[str]] = {}
        for facts in result.environment.values():
            for name, text in flat_facts(facts if isinstance(facts, dict) else {}):
                of_run.setdefault(name, set()).add(text)
        of_run["storperf"] = {str(result.run.manager.get("storperf", "not known"))}
        for name, texts in of_run.items():
            if name.rpartition(".")[2] not in _NEVER_THE_SAME:
                value = ", ".join(sorted(texts))
                counts = found.setdefault(name, {})
                counts[value] = counts.get(value, 0) + 1
    return found


def _most_common(values: dict[str, int]) -> Values:
    return tuple(sorted(values.items(), key=lambda each: (-each[1], each[0])))
