"""Which forms a result can be rendered in; nothing is imported before it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from storperf.errors import UnknownName
from storperf.model.result import RunResult

Reporter = Callable[[RunResult], str]

# A name as people write it, to module and function.
REPORTERS = {
    "json": "storperf.reports.result_json:render_json",
    "csv": "storperf.reports.csv_export:render_csv",
    "yaml": "storperf.reports.yaml_export:render_yaml",
    "markdown": "storperf.reports.markdown:render_markdown",
    "junit": "storperf.reports.junit:render_junit",
}


def render(name: str, result: RunResult) -> str:
    """The result in that form; UnknownName lists the known forms."""
    return get_reporter(name)(result)


def get_reporter(name: str) -> Reporter:
    """The function that renders a result so; UnknownName lists the known forms."""
    if name not in REPORTERS:
        raise UnknownName(f"there is no form {name!r}; known are {', '.join(REPORTERS)}", name=name)
    module, function = REPORTERS[name].split(":")
    return cast("Reporter", getattr(import_module(module), function))
