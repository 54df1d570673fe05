"""How often somebody may do something: buckets that fill up again."""

from __future__ import annotations

from dataclasses import dataclass, field

# More callers than that are not told apart for long: the fullest buckets are forgotten.
_MOST_BUCKETS = 10_000


@dataclass(slots=True)
class Rates:
    """A bucket for each caller: `most` at once, `per_s` for long.

    Used by one thread.  Times are of one monotonic clock, in seconds.
    """

    per_s: float
    most: float
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, who: str, now_s: float) -> bool:
        """Whether there was one left; it is taken."""
        left, at_s = self._left.pop(who, (self.most, now_s))
        left = min(self.most, left + (now_s - at_s) * self.per_s)
        if len(self._left) >= _MOST_BUCKETS:
            self._forget(now_s)
        self._left[who] = (max(left - 1, 0.0) if left >= 1 else left, now_s)
        return left >= 1

    def wait_s(self, who: str, now_s: float) -> float:
        """How long until there is one again."""
        left, at_s = self._left.get(who, (self.most, now_s))
        return max(0.0, (1 - left) / self.per_s - (now_s - at_s))

    def _forget(self, now_s: float) -> None:
        """Forget who has not come for long enough to have a full bucket; else the oldest half."""
        full_s = self.most / self.per_s
        kept = {who: each for who, each in self._left.items() if now_s - each[1] < full_s}
        if len(kept) >= _MOST_BUCKETS:
            kept = dict(list(kept.items())[_MOST_BUCKETS // 2 :])
        self._left = kept
