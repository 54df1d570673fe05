"""Facts as others nest them, as pairs of a name and text."""

from __future__ import annotations

from collections.abc import Mapping


def flat_facts(facts: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Facts as pairs of a name and text; dicts and lists inside become longer names."""
    found: list[tuple[str, str]] = []
    for name in sorted(facts):
        value, whole = facts[name], f"{prefix}{name}"
        if isinstance(value, Mapping):
            found += flat_facts(value, f"{whole}.")
        elif isinstance(value, (list, tuple)) and any(isinstance(each, Mapping) for each in value):
            numbered = {f"{whole}-{number}": each for number, each in enumerate(value)}
            found += flat_facts(numbered, prefix="")
        elif isinstance(value, (list, tuple)):
            found.append((whole, " ".join(str(each) for each in value)))
        elif value not in (None, ""):
            found.append((whole, str(value)))
    return found
