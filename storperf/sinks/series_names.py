"""What a run's series measure, for those who must know it before, or without, a run.

A test compares these names with what a real run sends (tests/system/test_graphite_lab.py).
"""

from __future__ import annotations

from storperf.model.metric import METRICS

# Of one target in one direction, second by second.
LIVE_METRICS = tuple(METRICS)
# Of a step in one direction, one point a run.
SUMMARY_METRICS = tuple(METRICS)
# Of the run, in each second of a trial.
LIVE_FACTS = ("trial", "started_s")
# Of the run, one point.
SUMMARY_FACTS = ("exit_code", "started_s", "ended_s", "enters_baseline")
