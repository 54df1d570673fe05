"""What befell a run that its steps do not tell, as sentences for every paper."""

from __future__ import annotations

import time
from typing import Any

from storperf.model.run import Run


def found_sentences(run: Run) -> list[str]:
    """A sentence for the rounds, one for each search, and one for each agent that was lost."""
    rounds: Any = run.facts.get("rounds")
    searches: Any = run.facts.get("searches") or []
    sentences = [] if not rounds else [_rounds(rounds)]
    sentences += [each["sentence"] for each in searches if each["sentence"]]
    lost: Any = run.facts.get("lost_agents") or {}
    return sentences + [_lost(name, lost[name]) for name in sorted(lost)]


def _lost(name: str, facts: dict[str, Any]) -> str:
    since = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(facts["since_s"]))
    return f"{name} was lost at {since}, and the rest went on without it: {facts['why']}"


def _rounds(rounds: dict[str, Any]) -> str:
    first, last = rounds["window"]
    if rounds["is_steady"]:
        return f"Steady over rounds {first} to {last}; only these are the measurement."
    return f"Not steady after {rounds['count']} of at most {rounds['at_most']} rounds."
