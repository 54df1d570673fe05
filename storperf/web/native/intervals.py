"""A trial's intervals, read from its file a row group at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Response

from storperf.errors import UnknownName
from storperf.model.job import Op
from storperf.model.run import Trial
from storperf.web.callers import Reader
from storperf.web.native.parameters import Moment, RunName, TrialName, moment_s
from storperf.web.native.reply import reply
from storperf.web.native.runs import found_run
from storperf.web.served import ServedBy

if TYPE_CHECKING:
    from collections.abc import Sequence

router = APIRouter(tags=["runs"])

# A row is about 120 bytes of JSON.
MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """One list a column, all of one length; a row is one slice, or the sum of several.

    With `every_s` rows are sums over all agents and targets: `agent` and `target` are null.
    Times are epoch seconds, `ios` operations, `bytes` bytes; a rate is their number by
    `end_s - start_s`.
    """

    agent: tuple[str | None, ...]
    target: tuple[int | None, ...]
    op: tuple[Op, ...]
    start_s: tuple[float, ...]
    end_s: tuple[float, ...]
    ios: tuple[int, ...]
    bytes: tuple[int, ...]
    clat_mean_ns: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalsDocument:
    """The intervals of one attempt at a trial."""

    schema: Literal["storperf-intervals/1"] = "storperf-intervals/1"
    run: str
    trial: str
    attempt: int
    every_s: float | None
    columns: Columns


@router.get("/runs/{run}/trials/{trial}/intervals", response_model=IntervalsDocument)
def list_intervals(  # noqa: PLR0913, PLR0917 - a parameter each
    _caller: Reader,
    by: ServedBy,
    run: RunName,
    trial: TrialName,
    attempt: Annotated[int | None, Query(ge=1, le=1000, description="Default: the last.")] = None,
    since: Annotated[Moment, Query(alias="from")] = None,
    until: Moment = None,
    every: Annotated[
        float | None,
        Query(ge=0.1, le=1e6, description="Sum all agents over so many seconds to one row."),
    ] = None,
) -> Response:
    """What was measured second by second, as columns; at most 20,000 rows at once."""
    # numpy is heavy: a server that nobody asks for intervals does without.
    from storperf.stats.interval_columns import interval_columns
    from storperf.store.intervals import iter_rows

    found = found_run(by.store, run)
    wanted = _attempt(by.store.trials(found.id), trial, attempt)
    path = by.store.intervals_path(found.id, trial, wanted)
    if not path.is_file():
        raise UnknownName(
            f"no intervals are kept of run {found.id}, trial {trial}, attempt {wanted}: "
            "it has not ended, or they were pruned"
        )
    columns = interval_columns(
        iter_rows(path),
        from_s=moment_s("from", since),
        until_s=moment_s("until", until),
        every_s=every,
        most=MOST_ROWS,
    )
    values = {name: getattr(columns, name) for name in Columns.__slots__}
    return reply(
        IntervalsDocument(
            run=found.id,
            trial=trial,
            attempt=wanted,
            every_s=every,
            columns=Columns(**values),
        )
    )


def _attempt(trials: Sequence[Trial], trial: str, attempt: int | None) -> int:
    own = [each.attempt for each in trials if each.id == trial]
    if attempt is None and own:
        return max(own)
    if attempt not in own:
        known = ", ".join(f"{each.id} attempt {each.attempt}" for each in trials)
        raise UnknownName(f"there is no such attempt; there are {known or 'none'}")
    return attempt
