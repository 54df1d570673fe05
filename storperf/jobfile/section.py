"""What every mapping of a job file is: its keys, and nothing else."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def key(description: str, default: Any = ..., shown: Any = None) -> Any:
    """A key with its line of the reference; `shown` is its default as people write it."""
    extra = {} if shown is None else {"default": shown}
    return Field(default, description=description, json_schema_extra=extra)


class Section(BaseModel):
    """A mapping of the job file; keys that nobody knows are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
