"""Long stretches out of Graphite, page by page, so that each second comes as fine as it is kept.

Graphite answers a question that reaches past its finest archive from a coarser one as a whole.
So a page that comes back coarser than the newer one is halved until only what is thinned really
is coarse.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from storperf.sinks.graphite_web import GraphiteWeb, Rendered

PAGE_S = 3600
# Where a fine archive ends is found to within this: two points of a coarser one show its distance.
_SHORTEST_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A series over a stretch of time: (epoch second, value, resolution in seconds), in order.

    A resolution is None where Graphite's answer did not tell.
    """

    path: str
    points: tuple[tuple[int, float, int | None], ...]

    @property
    def values(self) -> dict[int, float]:
        """The values by their second."""
        return {second: value for second, value, _ in self.points}

    @property
    def coarsest_s(self) -> int | None:
        """The coarsest resolution among its points, None when none is known."""
        return max((each for _, _, each in self.points if each is not None), default=None)


def read_series(
    web: GraphiteWeb,
    targets: Sequence[str],
    from_s: float,
    until_s: float,
    page_s: int = PAGE_S,
) -> tuple[Series, ...]:
    """The series that the targets come to, by path, both ends included; empty ones left out."""
    found: dict[str, list[tuple[int, float, int | None]]] = defaultdict(list)
    for page in _pages(web, targets, int(from_s), int(until_s), page_s):
        for each in page:
            found[each.path] += [(*point, each.resolution_s) for point in each.points]
    return tuple(
        Series(path=path, points=tuple(sorted(found[path])))
        for path in sorted(found)
        if found[path]
    )


def _pages(
    web: GraphiteWeb, targets: Sequence[str], from_s: int, until_s: int, page_s: int
) -> Iterator[tuple[Rendered, ...]]:
    """Answers that together cover the time once, newest first."""
    if until_s < from_s:
        return
    newest = web.render(targets, max(from_s, until_s - _SHORTEST_S), until_s)
    finest = {each.path: each.resolution_s for each in newest if each.resolution_s is not None}
    waiting = [
        (first, min(first + page_s - 1, until_s)) for first in range(from_s, until_s + 1, page_s)
    ]
    while waiting:
        first, last = waiting.pop()
        page = web.render(targets, first, last)
        if last - first > _SHORTEST_S and any(_is_coarser(each, finest) for each in page):
            middle = (first + last) // 2
            waiting += [(first, middle), (middle + 1, last)]
            continue
        # From here on into the past nothing finer is to be found.
        for each in page:
            if _is_coarser(each, finest):
                del finest[each.path]
            if each.resolution_s is not None:
                finest.setdefault(each.path, each.resolution_s)
        yield page


def _is_coarser(found: Rendered, finest: Mapping[str, int]) -> bool:
    """Coarser than the newer page; an answer of one point is, where two were to be expected."""
    known_s = finest.get(found.path)
    return known_s is not None and (found.resolution_s is None or found.resolution_s > known_s)
