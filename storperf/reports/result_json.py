"""The result as JSON: the form that programs read."""

from __future__ import annotations

import json

from storperf.model.result import RunResult
from storperf.reports.document import result_document
from storperf.reports.result_schema import result_schema

__all__ = ["render_json", "result_document", "result_schema"]


def render_json(result: RunResult) -> str:
    """The result document, indented, with a line end."""
    text = json.dumps(result_document(result), ensure_ascii=False, allow_nan=False, indent=2)
    return text + "\n"
