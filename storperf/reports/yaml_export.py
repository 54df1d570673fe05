"""The result as YAML: the same document as the JSON, for people."""

from __future__ import annotations

import yaml

from storperf.model.result import RunResult
from storperf.reports.document import result_document


def render_yaml(result: RunResult) -> str:
    """The result document as YAML 1.1 that any safe loader reads back to the same values."""
    text: str = yaml.safe_dump(
        result_document(result), sort_keys=False, allow_unicode=True, width=100
    )
    return text
