"""What a trial's hosts were found to be, as sentences for every paper."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from storperf.model.job import CANDIDATE
from storperf.model.result import RunResult
from storperf.model.run import Trial
from storperf.stats.gates import latest_attempts
from storperf.stats.wording import count

Finding = dict[str, Any]
FACT = "host"


def host_findings(trial: Trial) -> list[Finding]:
    """What was found, as the engine stored it; trials of older versions have none."""
    found: Any = trial.facts.get(FACT) or []
    return list(found)


def host_sentences(result: RunResult) -> list[str]:
    """A sentence for each step, side, agent and reason: the worst of its trials."""
    trials = list(latest_attempts(result.trials).values())
    places = dict.fromkeys((trial.step_key, trial.side) for trial in trials)
    sentences = []
    for step, side in places:
        own = [trial for trial in trials if (trial.step_key, trial.side) == (step, side)]
        where = step if side == CANDIDATE else f"{step} {side}"
        sentences += [f"{where}: {sentence}" for sentence in _of_place(own)]
    return sentences


def _of_place(trials: Iterable[Trial]) -> list[str]:
    seen: dict[tuple[str, str], list[Finding]] = {}
    measured = 0
    for trial in trials:
        measured += 1
        for each in host_findings(trial):
            seen.setdefault((each["agent"], each["reason"]), []).append(each)
    found = []
    for same in seen.values():
        worst = max(same, key=lambda each: float(each["value"]))
        few = f" (in {len(same)} of {count(measured, 'trial')})" if len(same) < measured else ""
        found.append(f"{worst['sentence'].rstrip('.')}{few}.")
    return found
