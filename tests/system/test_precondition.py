"""What is done to a target before it is measured, and what is refused for want of it."""

from __future__ import annotations

import pytest
from system.together import Facts

fact = Facts()


def verdict_of(ended):
    return ended.json["verdict"]["outcome"], ended.json["verdict"]["reason"]


def flags_of(ended):
    """Of each trial; scratch and journal share a disk here, which is told and no matter now."""
    return [
        [flag for flag in trial["flags"] if flag != "journal_on_target"] for trial in ended.trials
    ]


@fact
def a_filled_target_is_looked_at_and_what_was_found_is_kept(storperf):
    ended = storperf.run_job()
    assert ended.exit_code == 0, ended
    [held] = ended.json["run"]["facts"]["precondition.agent-01"]["holds"]
    assert (held["samples"], held["zero_samples"]) == (66, 0)
    assert (held["unwritten_bytes"], held["hole_bytes"]) == (0, 0)
    assert flags_of(ended) == [[]]


@fact
def reads_of_what_was_never_written_are_never_a_pass(storperf):
    ended = storperf.run_job(precondition={"fill": False})
    assert ended.exit_code == 3, ended
    assert verdict_of(ended) == ("inconclusive", "not_storage")
    [flags] = flags_of(ended)
    assert "reads_unwritten" in flags
    assert not ended.json["verdict"]["enters_baseline"]
    storperf.assert_nothing_left()


@fact
def reads_of_what_the_step_before_wrote_are_reads_of_storage(storperf):
    ended = storperf.run_job(
        precondition={"fill": False},
        target={"directory": "scratch", "size": "1M"},
        workloads=[{"name": "ws", "rw": "write"}, {"name": "rr", "rw": "randread"}],
    )
    assert flags_of(ended) == [[], []]


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
