"""A job file's text with keys that a command adds to it, so that what a run keeps has them."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from storperf.jobfile.source import Value, read_source


def with_stack_keys(text: str, keys: Mapping[str, Value]) -> str:
    """The text with these keys of `provider.stack`; everything else stays as it is written.

    ValueError when it asks for no stack.
    """
    top = dict(read_source(text).top)
    provider = top.get("provider")
    stack = provider.get("stack") if isinstance(provider, dict) else None
    if not isinstance(provider, dict) or not isinstance(stack, dict):
        raise ValueError("it has no `provider.stack`")
    top["provider"] = {**provider, "stack": {**stack, **keys}}
    return yaml.safe_dump(top, sort_keys=False, allow_unicode=True, width=100)
