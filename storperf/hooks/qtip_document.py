"""QTIP's index as a document and in words."""

from __future__ import annotations

from typing import Any

from storperf.hooks.qtip import BASE, Method, StorageIndex
from storperf.reports.document import plain

_WORDS = {
    Method.DESCRIBED: "geometric means of each section, as QTIP's documentation describes it",
    Method.COMPAT: "arithmetic means over QTIP's published expressions (--compat)",
}


def index_document(
    index: StorageIndex, *, run: str, baseline: str, verdict: dict[str, object] | None
) -> dict[str, Any]:
    """In QTIP's keys, with how it was made and the run's verdict beside it.

    `verdict` is that of a run of ours, None for a report of the earlier StorPerf.
    """
    document = {
        "schema": "storperf-qtip/1",
        "name": "storage",
        "description": "QTIP Performance Index of storage",
        "score": index.value,
        "base": BASE,
        "method": index.method.value,
        "made_by": _WORDS[index.method],
        "run": run,
        "baseline": baseline,
        "verdict": verdict,
        "sections": [
            {
                "name": section.name,
                "description": section.description,
                "score": section.mean,
                "workloads": [
                    {
                        "name": ratio.name,
                        "score": ratio.ratio,
                        "result": ratio.result,
                        "baseline": ratio.baseline,
                    }
                    for ratio in section.ratios
                ],
            }
            for section in index.sections
        ],
        "left_out": list(index.left_out),
    }
    found: dict[str, Any] = plain(document)
    return found


def index_lines(index: StorageIndex, verdict: dict[str, object] | None) -> list[str]:
    """The index, its sections, how it was made, the run's verdict, and what did not count."""
    value = "none, for a section is empty" if index.value is None else str(index.value)
    lines = [f"storage index {value} (the baseline is {BASE}): {_WORDS[index.method]}"]
    for section in index.sections:
        mean = "-" if section.mean is None else f"{section.mean:.4f}"
        lines.append(f"  {section.name}: {mean} of {len(section.ratios)} figures")
    if verdict is not None:
        lines.append(f"  the run: {verdict['verdict']}, {verdict['reason']}")
    return lines + [f"  left out: {each}" for each in index.left_out]
