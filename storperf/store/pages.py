"""Lists a page at a time: each page begins behind the last row of the one before it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storperf.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows that stand together in a list, sorted by `keys`, all in one direction.

    What follows the first key decides between equal ones; no two rows have all keys in common,
    and none is NULL.  A list is one part or several, one behind the other: so each can be read
    by an index where their order as a whole has none.
    """

    keys: tuple[sa.ColumnElement[Any], ...]
    where: tuple[sa.ColumnElement[bool], ...] = ()
    is_descending: bool = False


def read_page(
    connection: sa.Connection,
    found: sa.Select[Any],
    parts: Sequence[Part],
    *,
    limit: int,
    after: str | None,
) -> tuple[list[Any], str | None]:
    """At most `limit` rows of `found`, and what asks for those behind, None when there are none.

    UsageError when `after` is not what an earlier page gave.
    """
    begin, place = (0, None) if after is None else _place(after, parts)
    rows: list[tuple[int, Any]] = []
    for number, part in list(enumerate(parts))[begin:]:
        asked = _of_part(found, part, place if number == begin else None)
        some = connection.execute(asked.limit(limit + 1 - len(rows)))
        rows += [(number, row) for row in some]
        if len(rows) > limit:
            break
    shown = [row for _, row in rows[:limit]]
    if len(rows) <= limit or not shown:
        return shown, None
    number, last = rows[limit - 1]
    return shown, _cursor([number, *last[-len(parts[number].keys) :]])


def _of_part(
    found: sa.Select[Any], part: Part, place: Sequence[str | float] | None
) -> sa.Select[Any]:
    labelled = (key.label(f"key_{number}") for number, key in enumerate(part.keys))
    asked = found.add_columns(*labelled).where(*part.where)
    asked = asked.order_by(*(key.desc() if part.is_descending else key for key in part.keys))
    if place is None:
        return asked
    here = sa.tuple_(*part.keys)
    there = sa.tuple_(*(sa.literal(each) for each in place))
    return asked.where(here < there if part.is_descending else here > there)


def _cursor(keys: Sequence[object]) -> str:
    text = json.dumps(keys, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(cursor: str, parts: Sequence[Part]) -> tuple[int, list[str | float]]:
    """The part and the keys in a cursor; whoever asks may have written anything into it."""
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        number, *keys = json.loads(
            base64.b64decode(padded, altchars=b"-_", validate=True), parse_constant=_refuse
        )
        "".join(key for key in keys if isinstance(key, str)).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise _no_cursor() from error
    # True is an int, too.
    if type(number) is not int or not 0 <= number < len(parts):
        raise _no_cursor()
    kinds = [key.type.python_type for key in parts[number].keys]
    if [type(key) for key in keys] != kinds or any("\0" in str(key) for key in keys):
        raise _no_cursor()
    return number, keys


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _no_cursor() -> UsageError:
    return UsageError("`after` is no page's `next`; give what the page before said, as it is")
