"""What a run's series measure, for those who must know it before, or without, a run.

A test compares these names with what a real run sends (tests/system/test_graphite_lab.py).
"""

from __future__ import annotations

from storperf.model.metric import METRICS

# How a step was: 1 steady, 0 not steady, -1 not judged.
STEADY = "steady"
# I/Os in flight; fio jobs that ended with an error, once at the end of a trial.
OUTSTANDING, ERRORS = "outstanding", "errors"
# Of all agents and targets of a side in one direction, second by second.
ALL_METRICS = (*METRICS, OUTSTANDING)
# Of one target in one direction, second by second.
LIVE_METRICS = (*ALL_METRICS, ERRORS)
# Of a step in one direction, one point a run.
SUMMARY_METRICS = (*METRICS, STEADY)
# Of the run, in each second of a trial.
LIVE_FACTS = ("trial", "started_s")
# Of the run, one point.
SUMMARY_FACTS = (
    *("exit_code", "started_s", "ended_s", "enters_baseline"),
    *("verdict", "trials", "failed_trials", "faults"),
)
