"""A run in the two words of systems that know no third one: PASS and FAIL.

Only what passed is PASS: a run that is inconclusive, cancelled, cut off by its infrastructure or
never judged is FAIL, and `details.verdict` says what it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from storperf.errors import Conflict, ExitCode
from storperf.model.result import RunResult
from storperf.model.run import RunState
from storperf.model.verdict import Check, Outcome
from storperf.reports.clean import line
from storperf.stats.gates import latest_attempts

NO_VERDICT = "none"


class Criteria(StrEnum):
    """What other systems know."""

    PASS = "PASS"
    FAIL = "FAIL"


def criteria(result: RunResult) -> Criteria:
    """PASS for a run that ended with a pass and with exit code 0, else FAIL.

    Conflict for a run that has not ended: it is neither.
    """
    if result.run.state is RunState.RUNNING:
        raise Conflict(f"run {result.run.id} has not ended; there is nothing to hand on yet")
    passed = (
        result.run.state is RunState.COMPLETED
        and result.run.exit_code == ExitCode.PASS
        and result.verdict is not None
        and result.verdict.outcome is Outcome.PASS
    )
    return Criteria.PASS if passed else Criteria.FAIL


def is_undecided(result: RunResult) -> bool:
    """Whether it is a FAIL only because there is no third word.

    An exit code of 1 is a true one: a limit, a regression, a storage that lied.
    """
    return criteria(result) is Criteria.FAIL and result.run.exit_code != ExitCode.FAIL


def verdict_facts(result: RunResult) -> dict[str, object]:
    """What stands behind PASS or FAIL: verdict, reason, sentence, exit code, and the run."""
    run, verdict = result.run, result.verdict
    return {
        "verdict": NO_VERDICT if verdict is None else verdict.outcome.value,
        "reason": (run.reason or run.state.value) if verdict is None else verdict.reason.value,
        "sentence": line(run.reason or "") if verdict is None else line(verdict.sentence),
        "exit_code": run.exit_code,
        "run": run.id,
        "job": run.job_name,
        "lab": run.lab,
    }


def violations(result: RunResult) -> str:
    """All that is broken in one message, empty for a pass.

    Every check that failed; of a run without one, why it is no pass.
    """
    if criteria(result) is Criteria.PASS:
        return ""
    failed = [_violation(each) for each in _checks(result) if each.reason.outcome is Outcome.FAIL]
    facts = verdict_facts(result)
    if not failed or is_undecided(result):
        failed.append(f"{facts['verdict']}, {facts['reason']}: {facts['sentence']}")
    return "; ".join(failed)


def times_s(result: RunResult) -> tuple[float, float]:
    """When the run began and ended, epoch seconds."""
    run = result.run
    trials = [each.ended_s for each in latest_attempts(result.trials).values() if each.ended_s]
    return run.created_s, run.ended_s or max([run.created_s, *trials])


def utc(at_s: float) -> str:
    """A time as `2026-11-22 18:00:00`, in UTC, as these systems write it."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _checks(result: RunResult) -> tuple[Check, ...]:
    return () if result.verdict is None else result.verdict.checks


def _violation(check: Check) -> str:
    return line(f"{check.step}: {check.sentence}").rstrip(".")
