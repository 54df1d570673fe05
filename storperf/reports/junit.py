"""The result as JUnit XML, in the shape that Jenkins reads.

A case per step, side, direction and metric that was checked, one per planned step that was
not, and one for the run: no suite is green because something is missing from it.
Inconclusive is skipped, with the reason; a broken limit or a regression is a failure;
infrastructure is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from storperf.errors import ExitCode
from storperf.model.result import RunResult
from storperf.model.verdict import Check, Outcome, Reason
from storperf.reports.clean import fit, line
from storperf.reports.step_rows import winning_reason

_ELEMENT = {
    ExitCode.FAIL: "failure",
    ExitCode.INFRASTRUCTURE: "error",
    ExitCode.INCONCLUSIVE: "skipped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One test case; `element` says how it ended, None that it passed."""

    group: str
    name: str
    element: str | None
    reason: str
    text: str
    time_s: float


def render_junit(result: RunResult) -> str:
    """One test suite for the run."""
    cases = list(_cases(result))
    counts = {
        "tests": len(cases),
        "failures": sum(case.element == "failure" for case in cases),
        "errors": sum(case.element == "error" for case in cases),
        "skipped": sum(case.element == "skipped" for case in cases),
    }
    run = result.run
    time_s = _seconds((run.ended_s or run.created_s) - run.created_s)
    suite = ET.Element(
        "testsuite",
        {
            "name": line(f"{run.lab}.{run.job_name}"),
            **{name: str(number) for name, number in counts.items()},
            "time": time_s,
            "timestamp": datetime.fromtimestamp(run.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "id": "0",
        },
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (("run", run.id), ("title", run.title), ("job", run.job_name)):
        if value is not None:
            ET.SubElement(properties, "property", {"name": name, "value": line(value)})
    for case in cases:
        _append(suite, case)
    ET.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, "unicode") + "\n"


def _append(suite: ET.Element, case: _Case) -> None:
    testcase = ET.SubElement(
        suite,
        "testcase",
        {"classname": line(case.group), "name": line(case.name), "time": _seconds(case.time_s)},
    )
    if case.element is None:
        ET.SubElement(testcase, "system-out").text = fit(case.text)
        return
    said = {"message": line(f"{case.reason}: {case.text}")}
    if case.element != "skipped":
        said["type"] = line(case.reason)
    ET.SubElement(testcase, case.element, said).text = fit(case.text)


def _cases(result: RunResult) -> Iterator[_Case]:
    yield _run_case(result)
    checks = () if result.verdict is None else result.verdict.checks
    groups: dict[tuple[str, str, str | None, str | None], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.step, check.side, check.op, check.metric), []).append(check)
    checked = {(step, side) for step, side, _op, _metric in groups}
    for (step, side, op, metric), found in groups.items():
        name = " ".join(word for word in (op, metric) if word) or "trials"
        yield _check_case(result, f"{step}.{side}", name, found, _time_s(result, step, side))
    for step, side in dict.fromkeys((t.step_key, t.side) for t in result.plan.trials):
        if (step, side) not in checked:
            yield _Case(
                group=f"{_group(result)}.{step}.{side}",
                name="trials",
                element="skipped",
                reason="not_judged",
                text="No check was made of this step.",
                time_s=_time_s(result, step, side),
            )


def _run_case(result: RunResult) -> _Case:
    verdict = result.verdict
    told = (
        (None, "error", result.run.reason or "The run ended without a verdict.")
        if verdict is None
        else (verdict.reason, _ELEMENT.get(verdict.exit_code), verdict.sentence)
    )
    reason, element, text = told
    # What else the run's exit code says (cancelled, a lost sink) must not look green.
    code = result.run.exit_code
    if element is None and code not in (None, ExitCode.PASS):
        element, text = "error", f"The run ended with exit code {code}. {text}"
    return _Case(
        group=_group(result),
        name="verdict",
        element=element,
        reason="no_verdict" if reason is None else reason.value,
        text=text,
        time_s=0.0,
    )


def _check_case(
    result: RunResult, group: str, name: str, checks: Sequence[Check], time_s: float
) -> _Case:
    reason = winning_reason(checks) or Reason.INVALID
    decided = [check.sentence for check in checks if check.reason is reason]
    others = [check.sentence for check in checks if check.reason is not reason]
    passed = reason.outcome is Outcome.PASS
    return _Case(
        group=f"{_group(result)}.{group}",
        name=name,
        element=None if passed else _ELEMENT[reason.exit_code],
        reason=reason.value,
        text="\n".join([*decided, *others]),
        time_s=time_s,
    )


def _group(result: RunResult) -> str:
    # Jenkins reads points as levels of packages: no points but ours.
    return ".".join(line(name).replace(".", "_") for name in (result.run.lab, result.run.job_name))


def _time_s(result: RunResult, step: str, side: str) -> float:
    return sum(
        trial.ended_s - trial.started_s
        for trial in result.trials
        if (trial.step_key, trial.side) == (step, side)
        and trial.started_s is not None
        and trial.ended_s is not None
    )


def _seconds(seconds: float) -> str:
    # A clock that was set back must not give a time that the reader refuses.
    return f"{max(0.0, seconds):.3f}"
