from __future__ import annotations

from dataclasses import replace

import pytest
from unit.stats.test_verdict import LIMIT, NIGHTS, STEP, World, expect, make_summary, make_trial

from storperf.model.job import CANDIDATE, REFERENCE, PlannedTrial
from storperf.model.run import TrialEnd
from storperf.model.verdict import CheckKind, Reason


class Paired(World):
    """A run with a reference, and pairs of IOPS (and p99, twice 2 ms unless said)."""

    def __init__(self, pairs, limits=(), tails=()):
        super().__init__(limits=limits)
        (candidate,) = self.job.sides
        self.job = replace(self.job, sides=(candidate, replace(candidate, name=REFERENCE)))
        for number, (reference, candidate) in enumerate(pairs, start=1):
            tail = tails[number - 1] if tails else (2e6, 2e6)
            self.add(number, REFERENCE, reference, tail[0])
            self.add(number, CANDIDATE, candidate, tail[1])

    def add(self, number, side, iops, tail):
        planned = PlannedTrial(
            id=f"p{number}-{side}",
            step_key=STEP.key,
            side=side,
            session=1,
            repeat=self.job.last_repeat + number,
        )
        self.plan = replace(self.plan, trials=(*self.plan.trials, planned))
        self.trials.append(make_trial(planned))
        self.summaries.append(make_summary(planned.id, "iops", iops, half=20.0))
        self.summaries.append(make_summary(planned.id, "clat_p99", tail))


WOBBLE = (1.0, 1.004, 0.997, 1.002, 0.999, 1.003, 0.998, 1.001)


def pairs_at(share, count=3, of=1000.0):
    return [(of * WOBBLE[n], of * share * WOBBLE[-n]) for n in range(count)]


def the_pair_check(verdict, metric="iops"):
    (check,) = (
        each for each in verdict.checks if each.kind is CheckKind.PAIRS and each.metric == metric
    )
    return check


def test_pairs_of_which_the_candidate_is_worse_are_a_regression_without_any_baseline():
    verdict = expect(Paired(pairs_at(0.6)).judge(), Reason.REGRESSION, enters=False)
    check = the_pair_check(verdict)
    assert check.change == pytest.approx(-0.4, abs=0.02)
    assert check.baseline_value == pytest.approx(1000, rel=0.01)
    assert "in 3 interleaved pairs" in check.sentence


def test_pairs_that_are_alike_pass_without_any_baseline():
    verdict = expect(Paired(pairs_at(1.0, 8)).judge(), Reason.NOT_WORSE, enters=True)
    assert "in pairs" in verdict.sentence


def test_pairs_that_do_not_decide_are_inconclusive_and_say_how_many_are_missing():
    wild = [(1000.0, 1000.0 * share) for share in (1.3, 0.7, 0.95)]
    verdict = expect(Paired(wild).judge(), Reason.TOO_FEW, enters=False)
    assert "more interleaved pairs would find" in verdict.sentence


def test_pairs_clear_a_suspicion_of_the_screen():
    world = Paired(pairs_at(1.0, 8)).with_history(*(2 * value for value in NIGHTS))
    verdict = expect(world.judge(), Reason.NOT_WORSE, enters=True)
    kinds = [check.kind for check in verdict.checks if check.metric == "iops"]
    assert kinds == [CheckKind.PAIRS]


def test_without_pairs_the_suspicion_stays():
    world = Paired([]).with_history(*(2 * value for value in NIGHTS))
    expect(world.judge(), Reason.SUSPICIOUS, enters=False)


def test_a_tail_that_pairs_cannot_decide_is_no_doubt_of_the_run_but_a_worse_one_counts():
    alike = pairs_at(1.0, 8)
    wild = [(2e6, 2e6 * (2.5 if n % 2 else 0.9)) for n in range(8)]
    verdict = expect(Paired(alike, tails=wild).judge(), Reason.NOT_WORSE, enters=True)
    assert [check.metric for check in verdict.checks] == ["iops"]
    assert "1 figure not worse than the reference's" in verdict.sentence
    worse = [(2e6 * WOBBLE[n], 4e7 * WOBBLE[-n]) for n in range(8)]
    expect(Paired(alike, tails=worse).judge(), Reason.REGRESSION, enters=False)


def test_a_pair_of_which_one_side_failed_makes_the_run_invalid():
    world = Paired(pairs_at(0.6), limits=[LIMIT])
    world.change_trial(-2, end=TrialEnd.FAILED, end_reason="fio was killed")
    verdict = expect(world.judge(), Reason.INVALID, enters=False)
    assert all(check.kind is not CheckKind.PAIRS for check in verdict.checks)
