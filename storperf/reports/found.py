"""What rounds and searches came to, as sentences for every paper."""

from __future__ import annotations

from typing import Any

from storperf.model.run import Run


def found_sentences(run: Run) -> list[str]:
    """A sentence for the rounds and one for each search; none for a run that had neither."""
    rounds: Any = run.facts.get("rounds")
    searches: Any = run.facts.get("searches") or []
    sentences = [] if not rounds else [_rounds(rounds)]
    return sentences + [each["sentence"] for each in searches if each["sentence"]]


def _rounds(rounds: dict[str, Any]) -> str:
    first, last = rounds["window"]
    if rounds["is_steady"]:
        return f"Steady over rounds {first} to {last}; only these are the measurement."
    return f"Not steady after {rounds['count']} of at most {rounds['at_most']} rounds."
