"""A request's body, value by value: what is wrong with it is told all at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from storperf.errors import UsageError

_DEEPEST = 10
_LONGEST_INTEGER = 1 << 53

Values = Mapping[str, Any]


class Body:
    """The keys of one request; `faults` grows while they are read."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self.faults: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def first(self, *keys: str) -> Any:
        """The value of the first of several spellings that is there; None for none."""
        return next((self._values[key] for key in keys if self._values.get(key) is not None), None)

    def text(self, *keys: str) -> str | None:
        """A text; a number is taken as one."""
        value = self.first(*keys)
        if value is None or isinstance(value, str):
            return value or None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.faults.append(f"{keys[0]} must be a text")
            return None
        return str(value)

    def number(self, *keys: str, least: float = 0.0, most: float = 1e9) -> float | None:
        """A number between two bounds; a text that is one is taken as one."""
        value = self.first(*keys)
        if value is None or value == "":
            return None
        found = _number(value)
        if found is None or not least <= found <= most:
            self.faults.append(f"{keys[0]} must be a number from {least:g} to {most:g}")
            return None
        return found

    def whole(self, *keys: str, least: int = 1, most: int = 1_000_000) -> int | None:
        """A whole number between two bounds."""
        found = self.number(*keys, least=least, most=most)
        if found is not None and not found.is_integer():
            self.faults.append(f"{keys[0]} must be a whole number")
            return None
        return None if found is None else int(found)

    def words(self, *keys: str) -> tuple[str, ...]:
        """A comma list, or a list; without blanks around its words, empty ones left out."""
        value = self.first(*keys)
        items = value if isinstance(value, list) else str("" if value is None else value).split(",")
        if any(isinstance(item, (bool, dict, list)) for item in items):
            self.faults.append(f"{keys[0]} must be a list of plain values")
            return ()
        return tuple(text for text in (str(item).strip() for item in items) if text)

    def mapping(self, *keys: str) -> Values:
        """A map; empty for none."""
        value = self.first(*keys)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.faults.append(f"{keys[0]} must be a map")
            return {}
        return value

    def refuse_faults(self, more: Iterable[str] = ()) -> None:
        """UsageError with every fault, when there is one."""
        faults = [*self.faults, *more]
        if faults:
            raise UsageError("ERROR: " + "; ".join(faults))


def read_body(content: object, missing: str) -> Values:
    """The body as a map; UsageError with the old message `missing` when it is empty.

    No text in it holds what cannot be stored (a lone surrogate, NUL), none lies too deep.
    """
    if not content:
        raise UsageError(f"ERROR: {missing}")
    if not isinstance(content, dict):
        raise UsageError("ERROR: the body must be a JSON object, sent as application/json")
    _require_plain(content, 0)
    return content


def _require_plain(value: object, depth: int) -> None:
    if depth > _DEEPEST:
        raise UsageError(f"ERROR: the body is more than {_DEEPEST} levels deep")
    if isinstance(value, dict):
        for key, each in value.items():
            _require_plain(key, depth + 1)
            _require_plain(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _require_plain(each, depth + 1)
    elif isinstance(value, str):
        if "\0" in value or any("\ud800" <= each <= "\udfff" for each in value):
            raise UsageError("ERROR: the body holds a text that is no Unicode")
    elif isinstance(value, float) and not math.isfinite(value):
        raise UsageError("ERROR: the body holds a number that is none")
    elif isinstance(value, int) and abs(value) > _LONGEST_INTEGER:
        raise UsageError("ERROR: the body holds a number that is too large")


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
