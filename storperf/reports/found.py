"""What befell a run that its steps do not tell, as sentences for every paper."""

from __future__ import annotations

import time
from typing import Any

from storperf.model.run import Run


def found_sentences(run: Run) -> list[str]:
    """A sentence for the rounds, for each search, each lost agent, and what Graphite has not."""
    rounds: Any = run.facts.get("rounds")
    searches: Any = run.facts.get("searches") or []
    sentences = [] if not rounds else [_rounds(rounds)]
    sentences += [each["sentence"] for each in searches if each["sentence"]]
    lost: Any = run.facts.get("lost_agents") or {}
    sinks: Any = run.facts.get("sinks") or {}
    sentences += [_lost(name, lost[name]) for name in sorted(lost)]
    return sentences + _absent(sinks.get("graphite") or {})


def _lost(name: str, facts: dict[str, Any]) -> str:
    since = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(facts["since_s"]))
    return f"{name} was lost at {since}, and the rest went on without it: {facts['why']}"


def _rounds(rounds: dict[str, Any]) -> str:
    first, last = rounds["window"]
    if rounds["is_steady"]:
        return f"Steady over rounds {first} to {last}; only these are the measurement."
    return f"Not steady after {rounds['count']} of at most {rounds['at_most']} rounds."


def _absent(sink: dict[str, Any]) -> list[str]:
    """What of the run Graphite does not have as it was measured; the store has it all."""
    points = sink.get("points") or {}
    offered = points.get("offered")
    became = {
        "became part of points of 10 s": points.get("thinned"),
        "were dropped": points.get("dropped"),
        "are still in the spool (`storperf graphite flush` sends them)": (
            points.get("waiting", 0) + points.get("unconfirmed", 0)
        ),
    }
    told = [f"{count} {what}" for what, count in became.items() if count]
    missing = (sink.get("read_back") or {}).get("missing_series")
    if missing:
        told.append(f"{missing} series lack some there (`storperf graphite check` says why)")
    return [f"Of {offered} points for Graphite {', '.join(told)}."] if told else []
