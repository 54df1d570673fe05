"""What the OpenAPI document says of each operation, as people read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from storperf.web.native.described import SCOPE, openapi

# The order of the pages; a tag that is not here would be found by their test.
GROUPS = (
    ("service", "The service itself: whether it answers, its numbers, its log."),
    ("runs", "Runs, and what is known of each."),
    ("queue", "Asking for runs, ending them, running them again; what waits."),
    ("schedules", "Jobs that the clock puts into the queue."),
    ("jobs", "Job files that the server checks and keeps, each version of them."),
    ("workloads", "What a job file can name."),
    ("figures", "Figures over several runs."),
    ("baselines", "What runs are judged against, and by whose word."),
    ("files", "Reports, and the files that are kept of a run."),
    ("agents", "The hosts of agents."),
)
_BASE = "/api/v3"
_WIDTH = 90
_SHOWN_OK = ("200", "202", "204")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A parameter, or a key of a body; `place` is `path`, `query`, `header` or `body`."""

    name: str
    place: str
    type: str
    default: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer, as they stand on the pages; `answer` is JSON, or empty.

    `address` is below /api/v3.  RUN and QUEUED stand for ids of runs, "..." for any value.
    """

    method: str
    address: str
    body: str
    status: int
    type: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: what it is for, what it takes, what it gives, and examples of it."""

    name: str
    method: str
    path: str
    scope: str
    words: str
    takes: tuple[Named, ...]
    gives: str
    examples: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Operations on one kind of thing."""

    name: str
    words: str
    operations: tuple[Operation, ...]


@cache
def groups() -> tuple[Group, ...]:
    """Every operation of the native API, by group."""
    known = recorded()
    found = [
        (operation["tags"][0], _operation(method, path, operation, known))
        for path, methods in openapi()["paths"].items()
        for method, operation in methods.items()
    ]
    return tuple(
        Group(
            name=name,
            words=words,
            operations=tuple(operation for tag, operation in found if tag == name),
        )
        for name, words in GROUPS
    )


@cache
def recorded() -> tuple[dict[str, Any], ...]:
    """The examples as they are kept: requests in their order, each with its answer.

    tests/tools/api_examples.py makes the answers anew, and a test compares them.
    """
    text = resources.files("storperf.web.native").joinpath("examples.json").read_text("utf-8")
    return tuple(json.loads(text))


def _operation(
    method: str, path: str, operation: dict[str, Any], known: tuple[dict[str, Any], ...]
) -> Operation:
    shown = path.removeprefix(_BASE)
    return Operation(
        name=operation["operationId"].partition("_api_v3")[0].replace("_", "-"),
        method=method.upper(),
        path=shown,
        scope=operation[SCOPE] or "no token",
        words=" ".join(operation["description"].split()),
        takes=(*_parameters(operation), *_body(operation)),
        gives=_gives(operation),
        examples=tuple(
            _exchange(each) for each in known if each["operation"] == f"{method.upper()} {shown}"
        ),
    )


def _exchange(kept: dict[str, Any]) -> Exchange:
    body, answer = kept.get("body"), kept.get("answer")
    return Exchange(
        method=kept["operation"].partition(" ")[0],
        address=kept["address"],
        body="" if body is None else json.dumps(body, ensure_ascii=False),
        status=kept["status"],
        type=kept["type"],
        answer="" if answer is None else _pretty(answer),
    )


def _pretty(value: Any, indent: int = 0) -> str:
    """JSON with as few lines as fit into a page's width."""
    plain = json.dumps(value, ensure_ascii=False)
    if indent + len(plain) <= _WIDTH or not isinstance(value, dict | list) or not value:
        return plain
    inner = "\n" + " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {_pretty(each, indent + 2)}" for name, each in value.items()]
        return f"{{{inner}{f',{inner}'.join(parts)}{inner[:-2]}}}"
    parts = [_pretty(each, indent + 2) for each in value]
    return f"[{inner}{f',{inner}'.join(parts)}{inner[:-2]}]"


def _parameters(operation: dict[str, Any]) -> Iterator[Named]:
    for each in operation.get("parameters", ()):
        what = each.get("description", "")
        yield _named(each["name"], each["in"], each["schema"], what, is_needed=each["required"])


def _body(operation: dict[str, Any]) -> Iterator[Named]:
    if "requestBody" not in operation:
        return
    schema = _resolved(operation["requestBody"]["content"]["application/json"]["schema"])
    for name, each in schema["properties"].items():
        is_needed = name in schema.get("required", ())
        yield _named(name, "body", each, each.get("description", ""), is_needed=is_needed)


def _named(name: str, place: str, schema: dict[str, Any], what: str, *, is_needed: bool) -> Named:
    default = schema.get("default")
    shown = "needed" if is_needed else "" if default is None else json.dumps(default)
    return Named(name=name, place=place, type=_type(schema), default=shown, what=what)


def _type(schema: Mapping[str, Any]) -> str:
    """The type in a word or two: `text`, `whole number`, the words of a choice."""
    known = _resolved(schema)
    if "anyOf" in known:
        return _type(next(each for each in known["anyOf"] if each.get("type") != "null"))
    if "enum" in known:
        return ", ".join(f"`{each}`" for each in known["enum"])
    words = {
        "string": "text",
        "integer": "whole number",
        "number": "number",
        "boolean": "true or false",
        "object": "map of texts",
    }
    return words[known["type"]]


def _gives(operation: dict[str, Any]) -> str:
    """What the good answer is, in words."""
    status = next(each for each in _SHOWN_OK if each in operation["responses"])
    content = operation["responses"][status].get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if not content:
        return f"{status}, and nothing"
    if "$ref" in schema:
        words = " ".join(_resolved(schema)["description"].split())
        return f"{status}: {words}"
    title = schema.get("properties", {}).get("schema", {}).get("const")
    if title is not None:
        return f"{status}: a `{title}`."
    return f"{status}, as {', '.join(f'`{each}`' for each in content)}."


def _resolved(schema: Mapping[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref")
    if name is None:
        return dict(schema)
    return dict(openapi()["components"]["schemas"][name.rpartition("/")[2]])
