"""A dashboard's line as a target in Graphite's own language."""

from __future__ import annotations

from storperf.graphite.dashboards import Kind, Line


def render_target(line: Line, *, lab: str, job: str, factor: float = 1.0) -> str:
    """The target; `lab` and `job` are parts of a path, patterns or variables."""
    series = line.pattern.format(lab=lab, job=job)
    if factor != 1.0:
        series = f"scale({series},{factor:f})"
    parts = ",".join(map(str, line.parts))
    match line.kind:
        case Kind.EACH:
            return f"aliasByNode({series},{parts})"
        case Kind.SUM | Kind.MAX:
            return f"groupByNode({series},{parts},'{line.kind}')"
        case Kind.RANGE:
            return f"alias(rangeOfSeries(groupByNode({series},{parts},'sum')),'{line.label}')"
        case Kind.ONE:
            return f"alias({series},'{line.label}')"
