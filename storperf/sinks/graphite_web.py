"""What graphite-web, or another server that answers as it does, knows: render, find, events.

Only what storperf needs.  `/render` as JSON is what every such server has; the others may lack
`/metrics/find` and `/events`, and are told so by name.
"""

from __future__ import annotations

import base64
import http.client
import json
import math
import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

from storperf.errors import GraphiteError, UsageError

_PATIENCE_S = 60.0
# Longer ones go as a form: servers and proxies refuse long addresses, often from 8 KiB on.
_LONGEST_ADDRESS = 4000
_MOST_LEVELS = 40
_REFUSED = {401: "a login", 403: "other rights", 407: "a login at a proxy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One series of an answer: (epoch second, value) of what is there, oldest first.

    What the server calls null is missing, and so is what is no finite number.  `resolution_s` is
    the distance of its points, missing ones too; None when the answer is too short to tell.
    The second is the first one of those that a coarser point stands for.  `first_s` is that of the
    first point, missing or not: later than asked for where nothing older can be held.
    """

    path: str
    resolution_s: int | None
    first_s: int | None
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphiteEvent:
    """An event as graphite-web gives it back; `text` is its data."""

    what: str
    tags: tuple[str, ...]
    at_s: float
    text: str


class GraphiteWeb:
    """A server at an address such as `https://graphite.example.org/graphite`.

    `https://USER:PASSWORD@...` logs in; the password is in no message.  Raises UsageError for
    what is no address, GraphiteError for whatever keeps an answer away.
    """

    def __init__(self, web: str, patience_s: float = _PATIENCE_S) -> None:
        self.address, self._login = _taken_apart(web)
        self._patience_s = patience_s
        # No proxy: Carbon is reached directly too.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def render(self, targets: Sequence[str], from_s: float, until_s: float) -> tuple[Rendered, ...]:
        """The series that the targets come to, from `from_s` to `until_s`, both included.

        One resolution for the whole of a series: the server switches to a coarser one when
        `from_s` is older than the finest reaches.  `graphite_series` pages so that it does not.
        """
        if not targets:
            return ()
        answer = self._ask(
            "/render",
            [
                *(("target", target) for target in targets),
                # Graphite leaves `from` itself out and gives `until`.
                ("from", str(math.ceil(from_s) - 1)),
                ("until", str(math.floor(until_s))),
                ("format", "json"),
                # The last points, not those of a minute ago.
                ("noCache", "1"),
            ],
        )
        try:
            return tuple(_rendered(each, from_s, until_s) for each in answer)
        except (TypeError, KeyError, ValueError) as error:
            raise GraphiteError(
                f"{self.address}/render gives something else than series"
            ) from error

    def find(self, pattern: str) -> tuple[tuple[str, bool], ...]:
        """(path, whether it is a series) of the places that a pattern matches."""
        answer = self._ask("/metrics/find", [("query", pattern), ("format", "json")])
        try:
            return tuple(_found(each) for each in answer)
        except (TypeError, KeyError, AttributeError) as error:
            raise GraphiteError(f"{self.address}/metrics/find gives something else") from error

    def series_below(self, place: str) -> tuple[str, ...]:
        """The paths of all series below a place, sorted; a question for each level of the tree."""
        found: list[str] = []
        pattern = place
        for _ in range(_MOST_LEVELS):
            pattern += ".*"
            level = self.find(pattern)
            found += [path for path, is_series in level if is_series]
            if all(is_series for _, is_series in level):
                break
        return tuple(sorted(found))

    def events(
        self, tags: Iterable[str], from_s: float, until_s: float
    ) -> tuple[GraphiteEvent, ...]:
        """The events that have every one of the tags, oldest first."""
        query = [
            ("tags", " ".join(tags)),
            ("set", "intersection"),
            ("from", str(math.floor(from_s))),
            ("until", str(math.ceil(until_s))),
        ]
        answer = self._ask("/events/get_data", query, is_form_allowed=False)
        try:
            found = [_event(each) for each in answer]
        except (TypeError, KeyError, AttributeError) as error:
            raise GraphiteError(f"{self.address}/events/get_data gives something else") from error
        return tuple(sorted(found, key=lambda event: event.at_s))

    def post(self, path: str, fields: Sequence[tuple[str, str]]) -> Any:
        """What the server answers to a form, for what is to be kept there."""
        return self._answer(self._request(path, urlencode(fields).encode()), path)

    # --- in detail -------------------------------------------------------------------

    def _ask(
        self, path: str, query: Sequence[tuple[str, str]], *, is_form_allowed: bool = True
    ) -> Any:
        text = urlencode(query)
        if is_form_allowed and len(text) > _LONGEST_ADDRESS:
            return self._answer(self._request(path, text.encode()), path)
        return self._answer(self._request(f"{path}?{text}", None), path)

    def _request(self, path: str, form: bytes | None) -> urllib.request.Request:
        request = urllib.request.Request(  # noqa: S310 - http or https, seen to at the door
            f"{self.address}{path}", data=form, headers={"Accept": "application/json"}
        )
        if self._login is not None:
            request.add_header("Authorization", f"Basic {self._login}")
        return request

    def _answer(self, request: urllib.request.Request, path: str) -> Any:
        where = f"{self.address}{path}"
        try:
            with self._opener.open(request, timeout=self._patience_s) as reply:
                content, kind = reply.read(), reply.headers.get_content_type()
        except urllib.error.HTTPError as error:
            with error:
                raise GraphiteError(self._explain(where, error), status=error.code) from error
        except TimeoutError as error:
            raise GraphiteError(f"{where} gave no answer within {self._patience_s:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            words = getattr(reason, "strerror", None) or str(reason) or type(error).__name__
            raise GraphiteError(f"{where} cannot be reached: {words}") from error
        try:
            return json.loads(content)
        except ValueError as error:
            raise GraphiteError(
                f"{where} answers with {kind} where JSON was asked for: "
                "another program's address, or the page of a login"
            ) from error

    def _explain(self, where: str, error: urllib.error.HTTPError) -> str:
        if error.code in _REFUSED:
            return (
                f"{where} wants {_REFUSED[error.code]} ({error.code}); "
                "an address may hold one: https://USER:PASSWORD@HOST"
            )
        if error.code in (404, 405, 501):
            return (
                f"{where} is not there ({error.code}): the address is another program's, "
                "or a server that answers only a part of what graphite-web does"
            )
        said = _first_line(error.read(4000))
        return f"{where} answers {error.code} {error.reason}" + (f": {said}" if said else "")


def _taken_apart(web: str) -> tuple[str, str | None]:
    """The address without its login, and the login as a header wants it."""
    try:
        parts = urlsplit(web)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{_hidden(web)} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"{_hidden(web)!r} is no address of a Graphite: http://HOST or https://HOST"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = host if port is None else f"{host}:{port}"
    address = urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
    if parts.username is None:
        return address, None
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return address, base64.b64encode(login.encode()).decode()


def _hidden(web: str) -> str:
    return re.sub(r"//[^/@]*@", "//***@", web)


def _rendered(found: dict[str, Any], from_s: float, until_s: float) -> Rendered:
    points = found["datapoints"]
    return Rendered(
        path=str(found["target"]),
        resolution_s=int(points[1][1]) - int(points[0][1]) if len(points) > 1 else None,
        first_s=int(points[0][1]) if points else None,
        points=tuple(_present(points, from_s, until_s)),
    )


def _present(
    points: Iterable[tuple[Any, Any]], from_s: float, until_s: float
) -> Iterator[tuple[int, float]]:
    for value, second in points:
        if value is not None and math.isfinite(value) and from_s <= second <= until_s:
            yield int(second), float(value)


def _found(found: dict[str, Any]) -> tuple[str, bool]:
    # graphite-web 1.1 says path and is_leaf; others say id and leaf, as its tree does.
    if "path" in found:
        return str(found["path"]).rstrip("."), bool(found["is_leaf"])
    return str(found["id"]).rstrip("."), bool(found["leaf"])


def _event(found: dict[str, Any]) -> GraphiteEvent:
    tags = found["tags"]
    return GraphiteEvent(
        what=str(found["what"]),
        tags=tuple(tags.split() if isinstance(tags, str) else tags or ()),
        at_s=float(found["when"]),
        text=str(found.get("data") or ""),
    )


def _first_line(content: bytes) -> str:
    """What an error's page says first, without its tags."""
    text = re.sub(r"<(style|script|head)\b.*?</\1>|<[^>]*>", " ", content.decode(errors="replace"))
    lines = (" ".join(line.split()) for line in text.splitlines())
    return next((line for line in lines if line), "")[:200]
