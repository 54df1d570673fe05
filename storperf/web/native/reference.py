"""The reference page of the native API, made from what its routes say."""

from __future__ import annotations

from collections.abc import Iterator

from storperf.web.native.operations import Exchange, Group, Named, Operation, groups
from storperf.web.native.reply import ERRORS

_HEAD = """# API v3

Everything that storperf knows and does, for programs, under `/api/v3`.
This page is made from the source (`make docs`), as is the one at `/api/v3/docs` of a server.
`/api/v3/openapi.json` says the same to programs (OpenAPI 3.1).
A test sends the requests of the examples in their order and compares the answers.
`RUN` stands for a run's id, `QUEUED` for that of one that waits, `"..."` for any value.

Every request but `GET /health` needs a token.
It is sent as `Authorization: Bearer TOKEN`, or as the password of HTTP Basic.
Each operation says which scope it wants: `read`, `run` or `admin`, each includes the former.

```
curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:5000/api/v3/runs
```

Bodies are JSON and say so (`Content-Type: application/json`).
Times are epoch seconds unless a name says otherwise.
What goes wrong has one form, `{"error": "...", "exit_code": 2}`.
Its exit code is that of the command line.

"""


def render_reference() -> str:
    """The page as Markdown."""
    return _HEAD + "\n".join(
        [*_errors(), "", *(line for each in groups() for line in _group(each))]
    )


def _errors() -> Iterator[str]:
    yield "| status | |"
    yield "|---|---|"
    for status, about in ERRORS.items():
        yield f"| {status} | {about['description']} |"


def _group(group: Group) -> Iterator[str]:
    yield f"## {group.name.capitalize()}"
    yield ""
    yield group.words
    yield ""
    for operation in group.operations:
        yield from _operation(operation)


def _operation(operation: Operation) -> Iterator[str]:
    yield f"### {operation.method} {operation.path}"
    yield ""
    yield operation.words
    yield f"Scope: {operation.scope}."
    yield f"Answer: {operation.gives}"
    yield ""
    if operation.takes:
        yield "| name | in | type | default | |"
        yield "|---|---|---|---|---|"
        yield from map(_row, operation.takes)
        yield ""
    for example in operation.examples:
        yield from _example(example)


def _row(named: Named) -> str:
    default = named.default if named.default in {"", "needed"} else f"`{named.default}`"
    what = named.what.replace("|", "\\|")
    return f"| `{named.name}` | {named.place} | {named.type} | {default} | {what} |"


def _example(example: Exchange) -> Iterator[str]:
    yield "```http"
    yield f"{example.method} /api/v3{example.address}"
    if example.body:
        yield example.body
    yield "```"
    if example.answer:
        yield f"```json {example.status}"
        yield example.answer
        yield "```"
    else:
        yield f"Answers {example.status}" + (f" with `{example.type}`." if example.type else ".")
    yield ""
