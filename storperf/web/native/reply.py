"""Answers as JSON: values of the model as they are, errors in one form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import Response

from storperf.reports.document import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDocument:
    """What went wrong, and the exit code that the command line would end with."""

    error: str
    exit_code: int


# Errors that any route may answer with; FastAPI's own form of 422 gives way to ours.
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorDocument, "description": words}
    for status, words in (
        (400, "The request cannot be carried out as it is; the message says what to change."),
        (401, "No valid token came with the request."),
        (403, "The token's scope, or the server's configuration, does not allow it."),
        (404, "Nothing has that name."),
        (409, "The thing is in another state than the request needs."),
        (413, "More was sent, or asked for, than the server takes at once."),
        (422, "A parameter or the body does not have its form."),
        (429, "Too many requests; `Retry-After` says when the next one is taken."),
        (500, "A bug in storperf."),
        (502, "Something behind the server failed: its store, an agent, a cloud."),
    )
}


def reply(
    document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Dataclasses, mappings, sequences and plain values as JSON.

    A number that is none becomes null, text that UTF-8 cannot hold gets U+FFFD.
    """
    try:
        content = msgspec.json.encode(document)
    except UnicodeEncodeError:
        known = plain(msgspec.to_builtins(document))
        content = json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, status, dict(headers or {}), "application/json")


def as_described(schema: Mapping[str, Any], example: Any = None) -> dict[int | str, dict[str, Any]]:
    """The answer 200 of a route whose document has a JSON schema of its own."""
    content: dict[str, Any] = {"schema": {k: v for k, v in schema.items() if k != "$schema"}}
    if example is not None:
        content["example"] = example
    return {200: {"content": {"application/json": content}}}


def as_files(*types: str) -> dict[int | str, dict[str, Any]]:
    """The answer 200 of a route that gives a file."""
    file = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"content": dict.fromkeys(types, file), "description": "The file."}}
