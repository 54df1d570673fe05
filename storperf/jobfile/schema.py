"""The job file's JSON schema, for editors and for whoever writes job files by program."""

from __future__ import annotations

from typing import Any

from storperf.jobfile.models import JobFile

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NULL = {"type": "null"}


def job_schema() -> dict[str, Any]:
    """JSON schema (2020-12) of a job file; checks between keys are `parse_job`'s alone."""
    schema = JobFile.model_json_schema()
    for section in (schema, *schema["$defs"].values()):
        section.pop("title")
        section["properties"] = {
            key: _property(value) for key, value in section["properties"].items()
        }
    # A suite may bring the workloads.
    schema["required"].remove("workloads")
    schema["anyOf"] = [{"required": [key]} for key in ("workloads", "suite")]
    return {"$schema": _DIALECT, "title": "storperf job file", **schema}


def _property(value: dict[str, Any]) -> dict[str, Any]:
    """A key's schema as a person would write it.

    Null stands in the models for `not there`, and is no value in a file; a list may be
    written as its only element.
    """
    plain = {key: inner for key, inner in value.items() if key not in ("title", "anyOf")}
    if plain.get("default", ...) is None:
        del plain["default"]
    kinds = [kind for kind in value.get("anyOf", ()) if kind != _NULL]
    plain |= kinds[0] if kinds else {}
    if plain.get("type") != "array":
        return plain
    described: dict[str, Any] = {
        key: plain.pop(key) for key in ("description", "default") if key in plain
    }
    return {**described, "anyOf": [plain, plain["items"]]}
