"""The verdict of a run: the table of ARCHITECTURE.md, one row at a time."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.stats.builders import (
    MIXED,
    RANDREAD,
    make_job,
    make_limit,
    make_plan,
    make_step,
    make_summary,
    make_trial,
)

from storperf.errors import ExitCode
from storperf.model.baseline import BaselineValue
from storperf.model.ending import ConfidentRule, Need, SteadyRule, StorperfRule
from storperf.model.job import Op, PlannedTrial
from storperf.model.run import Flag, Steadiness, SteadyFigures, TrialEnd
from storperf.model.verdict import CheckKind, Outcome, Reason
from storperf.plan_confirmation import confirming_trials
from storperf.stats.repeats import baseline_of, run_values
from storperf.stats.verdict import judge_run

STEP = make_step(key="rr")
LIMIT = make_limit("iops", 500.0)


class World:
    """A run of which everything is well, until a test changes something."""

    def __init__(self, steps=(STEP,), *, limits=(), repeats=1, **ending):
        self.job = make_job(limits=limits, repeats=repeats, **ending)
        self.plan = make_plan(steps, repeats)
        self.trials = [make_trial(planned) for planned in self.plan.trials]
        self.summaries = [
            summary
            for planned in self.plan.trials
            for op in self.plan.step(planned.step_key).workload.ops
            for summary in (
                make_summary(planned.id, "iops", 1000.0, op=op.value, half=20.0),
                make_summary(planned.id, "clat_p99", 2e6, op=op.value),
            )
        ]
        self.history = {}
        self.differing = {}
        self.faults = ()
        self.hosts = {}

    def change_trial(self, index=0, **changes):
        self.trials[index] = replace(self.trials[index], **changes)
        return self

    def with_fresh_trials(self, *values):
        """Trials added to settle a suspicion, with these IOPS."""
        self.plan = replace(
            self.plan,
            trials=(*self.plan.trials, *confirming_trials(self.job, self.plan, ["rr"], seed="x")),
        )
        for planned, value in zip(self.plan.trials[-2:], values, strict=True):
            self.trials.append(make_trial(planned))
            self.summaries.append(make_summary(planned.id, "iops", value, half=20.0))
            self.summaries.append(make_summary(planned.id, "clat_p99", 2e6))
        return self

    def with_history(self, *runs, metric="iops", op="read", key=("rr", "candidate")):
        values = tuple(
            BaselineValue(run=f"run-{i}", ended_s=float(i), op=op, metric=metric, value=value)
            for i, value in enumerate(runs)
        )
        self.history[key] = (*self.history.get(key, ()), *values)
        return self

    def judge(self):
        return judge_run(
            job=self.job,
            plan=self.plan,
            trials=self.trials,
            summaries=self.summaries,
            history=self.history,
            differing=self.differing,
            faults=self.faults,
            hosts=self.hosts,
        )


NIGHTS = (1000.0, 1010.0, 990.0, 1005.0, 995.0, 1000.0, 1012.0, 988.0, 1003.0, 997.0)


def expect(verdict, reason, *, enters):
    assert verdict.reason is reason, verdict.sentence
    assert verdict.outcome is reason.outcome
    assert verdict.exit_code is reason.exit_code
    assert verdict.enters_baseline is enters
    assert verdict.sentence
    assert "\n" not in verdict.sentence
    return verdict


def test_first_clean_run_without_limits_is_inconclusive_and_enters_the_baseline():
    verdict = expect(World().judge(), Reason.NO_BASELINE, enters=True)
    assert verdict.exit_code is ExitCode.INCONCLUSIVE


def test_kept_limits_without_a_baseline_pass_and_say_so():
    verdict = expect(World(limits=[LIMIT]).judge(), Reason.WITHIN_LIMITS, enters=True)
    assert verdict.exit_code is ExitCode.PASS
    assert "no baseline to compare with" in verdict.sentence


def test_run_like_its_baseline_passes_as_not_worse():
    verdict = expect(World().with_history(*NIGHTS).judge(), Reason.NOT_WORSE, enters=True)
    (check,) = verdict.checks
    assert check.kind is CheckKind.BASELINE
    assert check.baseline_runs == tuple(f"run-{i}" for i in range(10))
    assert check.change == pytest.approx(0.0, abs=0.01)
    assert check.change_low < check.change < check.change_high
    assert 0 < check.smallest_visible < 0.1
    assert "10 earlier runs" in check.sentence
    assert "would be seen" in check.sentence


def test_sentence_of_a_pass_says_against_what_what_changed_and_what_it_could_have_seen():
    one = World().with_history(1000.0)
    (check,) = one.judge().checks
    visible = f"{100 * check.smallest_visible:.0f} %"
    low, high = (f"{'+' if x > 0 else '-'}{abs(100 * x):.0f} %" for x in interval(check))
    assert one.judge().sentence == (
        f"Nothing seen; would have seen {visible}. 1 figure not worse than in 1 earlier run"
        " (1970-01-01), by the screen of single runs. The change: rr read IOPS 0.0 % higher"
        f" (95 % interval {low} to {high}). It would have seen, 4 times of 5: IOPS {visible} lower."
    )
    two = one.with_history(2e6, 2e6, metric="clat_p99").judge().sentence
    assert "2 figures not worse than in 1 to 2 earlier runs" in two
    assert re.search(r"IOPS [\d.]+ % lower, p99 clat [\d.]+ % higher\.$", two)


def interval(check):
    return check.change_low, check.change_high


def test_pass_that_proves_something_and_one_that_saw_nothing_are_different_words():
    saw_nothing = World().with_history(1000.0).judge()
    assert re.fullmatch(r"nothing seen; would have seen [\d.]+ %", saw_nothing.strength)
    proven = World().with_history(*NIGHTS).judge()
    assert proven.strength == "proven within 5 %"
    assert proven.sentence.startswith("Proven within 5 %.")
    assert World(limits=[LIMIT]).judge().strength == ""


def test_run_is_proven_only_when_every_primary_figure_is():
    steps = (STEP, make_step(key="other"))
    world = World(steps).with_history(*NIGHTS).with_history(1000.0, key=("other", "candidate"))
    assert world.judge().strength.startswith("nothing seen; would have seen")


def test_baseline_with_two_levels_proves_nothing():
    levels = (900.0, 1000.0) * 8
    (check,) = World().with_history(*levels).judge().checks
    assert not check.is_proven


def test_suspicion_says_how_many_pairs_and_minutes_would_settle_it():
    verdict = World().with_history(*NIGHTS, *NIGHTS).with_history(2e6, metric="clat_p99")
    verdict.summaries[0] = make_summary("rr-1", "iops", 900.0)
    said = verdict.judge().sentence
    assert re.search(
        r"With a `reference` in the job file 3 pairs would find a loss of 5 % 4 times of 5, and"
        r" take about 6 min of measuring\.",
        said,
    ), said


def test_limit_inside_the_interval_says_how_long_a_trial_could_tell():
    # Half of the interval is 20, the bound lies 10 away: four times as long a trial.
    limit = make_limit("iops", 1010.0)
    assert "A trial of about 4 min could tell." in World(limits=[limit]).judge().sentence


def test_regression_is_suspicious_and_never_fails_on_a_screen_alone():
    world = World(limits=[LIMIT]).with_history(*(2 * value for value in NIGHTS))
    verdict = expect(world.judge(), Reason.SUSPICIOUS, enters=False)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.exit_code is ExitCode.INCONCLUSIVE


def test_loss_that_fresh_trials_show_again_is_a_regression_and_fails():
    world = World().with_history(*(2 * value for value in NIGHTS)).with_fresh_trials(1001.0, 998.0)
    verdict = expect(world.judge(), Reason.REGRESSION, enters=False)
    assert verdict.exit_code is ExitCode.FAIL
    assert "Confirmed by 2 fresh trials" in verdict.sentence


def test_suspicion_that_fresh_trials_do_not_show_is_cleared():
    world = World().with_history(*(2 * value for value in NIGHTS)).with_fresh_trials(2001.0, 1998.0)
    verdict = expect(world.judge(), Reason.NOT_WORSE, enters=True)
    assert "not confirmed by 2 fresh trials" in verdict.checks[0].sentence


def test_suspicion_that_fresh_trials_show_weakly_stays_inconclusive():
    world = World().with_history(*(2 * value for value in NIGHTS)).with_fresh_trials(1955.0, 1955.0)
    expect(world.judge(), Reason.SUSPICIOUS, enters=False)


def test_fresh_trials_without_a_suspicion_are_no_regression():
    world = World().with_history(*NIGHTS).with_fresh_trials(500.0, 500.0)
    assert world.judge().reason is not Reason.REGRESSION


def test_failed_fresh_trial_makes_the_run_invalid():
    world = World().with_history(*(2 * value for value in NIGHTS)).with_fresh_trials(1000.0, 1000.0)
    world.change_trial(2, end=TrialEnd.FAILED, end_reason="fio was killed")
    expect(world.judge(), Reason.INVALID, enters=False)


def test_suspicion_is_put_to_fresh_trials_once():
    world = World().with_fresh_trials(1000.0, 1000.0)
    assert confirming_trials(world.job, world.plan, ["rr"], seed="x") == ()
    assert [trial.repeat for trial in world.plan.trials] == [1, 2, 3]


def test_slower_tail_alone_is_suspicious():
    world = World().with_history(*NIGHTS).with_history(*[1e6] * 10, metric="clat_p99")
    expect(world.judge(), Reason.SUSPICIOUS, enters=False)


def test_improvement_is_not_suspicious():
    world = World().with_history(*(value / 2 for value in NIGHTS))
    verdict = expect(world.judge(), Reason.NOT_WORSE, enters=True)
    assert "an improvement" in verdict.checks[0].sentence


def test_broken_limit_fails():
    world = World(limits=[make_limit("iops", 1100.0)])
    verdict = expect(world.judge(), Reason.LIMIT_BROKEN, enters=False)
    assert verdict.exit_code is ExitCode.FAIL
    assert "breaks the limit" in verdict.sentence


def test_limit_inside_the_interval_is_too_few_not_broken():
    world = World(limits=[make_limit("iops", 1010.0)])
    expect(world.judge(), Reason.TOO_FEW, enters=False)


def test_percentile_without_an_interval_decides_by_its_value():
    broken = World(limits=[make_limit("clat_p99", 1.9e6, at_least=False)])
    expect(broken.judge(), Reason.LIMIT_BROKEN, enters=False)
    kept = World(limits=[make_limit("clat_p99", 2e6, at_least=False)])
    expect(kept.judge(), Reason.WITHIN_LIMITS, enters=True)


@pytest.mark.parametrize(
    "limit",
    [
        make_limit("iops", 1.0, op=Op.WRITE),
        make_limit("iops", 1.0, workload="other"),
        make_limit("slat_mean", 1e9, at_least=False),
    ],
)
def test_limit_that_speaks_of_nothing_measured_is_never_a_pass(limit):
    world = World(limits=[LIMIT, limit]).with_history(*NIGHTS)
    expect(world.judge(), Reason.TOO_FEW, enters=False)


def test_limit_holds_for_each_direction_of_a_mixed_workload():
    world = World((make_step(MIXED, key="mix"),), limits=[make_limit("iops", 900.0)])
    expect(world.judge(), Reason.WITHIN_LIMITS, enters=True)
    world.summaries = [
        replace(s, value=100.0, low=90.0, high=110.0) if s.op == "write" else s
        for s in world.summaries
    ]
    expect(world.judge(), Reason.LIMIT_BROKEN, enters=False)


def test_limit_of_one_workload_leaves_another_step_unjudged():
    other = make_step(replace(RANDREAD, name="rx"), key="rx")
    world = World((STEP, other), limits=[make_limit("iops", 1.0, workload="rr")])
    expect(world.judge(), Reason.NO_BASELINE, enters=True)


def test_repeats_count_as_one_value():
    world = World(repeats=3, limits=[make_limit("iops", 990.0)])
    world.summaries = [
        replace(s, value=value, low=value - 1, high=value + 1)
        for s, value in zip(
            [s for s in world.summaries if s.metric == "iops"], (980, 1000, 1021), strict=True
        )
    ]
    verdict = expect(world.judge(), Reason.WITHIN_LIMITS, enters=True)
    assert len(verdict.checks) == 1
    assert "mean of 3 repeats" in verdict.checks[0].sentence


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"end": TrialEnd.FAILED, "end_reason": "fio was killed"}, Reason.INVALID),
        ({"end": TrialEnd.CANCELLED}, Reason.INVALID),
        ({"end": None}, Reason.INVALID),
        ({"step_key": "other"}, Reason.INVALID),
        ({"flags": (Flag.PARTIAL,)}, Reason.INVALID),
        ({"flags": (Flag.LOW_OVERLAP,)}, Reason.TOO_FEW),
        ({"flags": (Flag.FOREIGN_IO,)}, Reason.DISTURBED),
        ({"flags": (Flag.UNSTEADY_PRECONDITION,)}, Reason.NOT_STEADY),
        ({"flags": (Flag.READS_UNWRITTEN,)}, Reason.NOT_STORAGE),
        ({"flags": (Flag.READS_UNKNOWN,)}, Reason.NOT_STORAGE),
        ({"flags": (Flag.FASTER_THAN_STORAGE,)}, Reason.NOT_STORAGE),
        ({"steadiness": Steadiness.NOT_STEADY}, Reason.NOT_STEADY),
        (
            {"end": TrialEnd.FAILED, "facts": {"failure_kind": "verify"}},
            Reason.VERIFY_ERROR,
        ),
    ],
)
def test_each_gate_has_its_reason_and_keeps_the_run_out_of_the_baseline(changes, reason):
    world = World(limits=[LIMIT]).with_history(*NIGHTS).change_trial(**changes)
    verdict = expect(world.judge(), reason, enters=False)
    assert all(check.kind is CheckKind.GATE for check in verdict.checks)


def test_flags_that_do_not_spoil_a_trial_do_not_block_but_are_told():
    flags = (Flag.CLIENT_BOUND, Flag.JOURNAL_ON_TARGET, Flag.DISTURBED)
    world = World(limits=[LIMIT]).change_trial(flags=flags)
    verdict = expect(world.judge(), Reason.WITHIN_LIMITS, enters=True)
    assert "agent was busy" in verdict.sentence
    assert "Something else used" in verdict.sentence


def test_trial_too_short_to_judge_steadiness_does_not_block_but_is_told():
    world = World(limits=[LIMIT]).change_trial(steadiness=Steadiness.NOT_JUDGED)
    verdict = expect(world.judge(), Reason.WITHIN_LIMITS, enters=True)
    assert "Too short to tell" in verdict.sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"end": TrialEnd.DEADLINE, "steadiness": Steadiness.STEADY},
        {"end": TrialEnd.STEADY, "steadiness": Steadiness.NOT_JUDGED},
        {"end": TrialEnd.STEADY, "steadiness": None},
    ],
)
def test_trial_that_was_to_run_until_steady_has_to_be_known_steady(changes):
    world = World(limits=[LIMIT], until=SteadyRule(round_s=10.0)).change_trial(**changes)
    expect(world.judge(), Reason.NOT_STEADY, enters=False)


SURE = ConfidentRule(half_width=0.01)
OLD = StorperfRule()
RULE = SteadyRule(round_s=10.0)


@pytest.mark.parametrize(
    ("rules", "changes", "reason"),
    [
        ({"until_confident": SURE}, (TrialEnd.CONFIDENT, Steadiness.STEADY), None),
        ({"until_confident": SURE}, (TrialEnd.CONFIDENT, Steadiness.NOT_STEADY), "not_steady"),
        ({"until_confident": SURE}, (TrialEnd.DEADLINE, Steadiness.STEADY), "too_few"),
        ({"until_confident": SURE}, (TrialEnd.DEADLINE, Steadiness.NOT_STEADY), "not_steady"),
        ({"until_storperf": OLD}, (TrialEnd.STORPERF_RULE, Steadiness.STEADY), None),
        ({"until_storperf": OLD}, (TrialEnd.STORPERF_RULE, Steadiness.NOT_STEADY), "not_steady"),
        ({"until_storperf": OLD}, (TrialEnd.STORPERF_RULE, Steadiness.NOT_JUDGED), "not_steady"),
        ({"until_storperf": OLD}, (TrialEnd.DEADLINE, Steadiness.STEADY), "not_steady"),
        ({"until": RULE, "until_confident": SURE}, (TrialEnd.STEADY, Steadiness.STEADY), None),
        (
            {"until": RULE, "until_confident": SURE},
            (TrialEnd.DEADLINE, Steadiness.STEADY),
            "too_few",
        ),
        (
            {"until": RULE, "until_confident": SURE},
            (TrialEnd.DEADLINE, Steadiness.NOT_STEADY),
            "not_steady",
        ),
        (
            {"until": RULE, "until_confident": SURE, "need": Need.ANY},
            (TrialEnd.CONFIDENT, Steadiness.NOT_JUDGED),
            None,
        ),
    ],
)
def test_what_a_trial_was_to_reach_it_has_to_have_reached(rules, changes, reason):
    end, steadiness = changes
    world = World(limits=[LIMIT], **rules).change_trial(end=end, steadiness=steadiness)
    expected = Reason.WITHIN_LIMITS if reason is None else Reason(reason)
    expect(world.judge(), expected, enters=reason is None)


def test_a_mean_that_is_not_known_well_enough_says_how_well_it_should_have_been():
    world = World(limits=[LIMIT], until_confident=SURE).change_trial(end=TrialEnd.DEADLINE)
    assert "its deadline came before its mean was known to 1.0 %" in world.judge().sentence


def test_unsteady_trial_tells_its_figures():
    figures = SteadyFigures(
        warmup_s=0.0, kept_s=60.0, metric="iops", op="read", average=1.0, sentence="It drifts."
    )
    world = World().change_trial(steadiness=Steadiness.NOT_STEADY, steady_figures=(figures,))
    assert "It drifts." in world.judge().sentence


def test_latest_attempt_decides():
    world = World(limits=[LIMIT])
    failed = replace(world.trials[0], end=TrialEnd.FAILED)
    world.trials = [replace(world.trials[0], attempt=2), failed]
    expect(world.judge(), Reason.WITHIN_LIMITS, enters=True)
    world.trials = [world.trials[0], replace(failed, attempt=3)]
    expect(world.judge(), Reason.INVALID, enters=False)


def test_fault_of_the_run_makes_it_invalid():
    world = World(limits=[LIMIT]).with_history(*NIGHTS)
    world.faults = ("Graphite is required and could not be reached.",)
    verdict = expect(world.judge(), Reason.INVALID, enters=False)
    assert verdict.exit_code is ExitCode.INFRASTRUCTURE
    assert verdict.sentence.startswith("Graphite is required")


def test_empty_plan_is_invalid():
    expect(World(()).judge(), Reason.INVALID, enters=False)


def test_run_with_another_fingerprint_is_not_comparable_and_begins_a_new_baseline():
    world = World(limits=[LIMIT])
    world.differing[("rr", "candidate")] = "runtime_s was 60 in the baseline and is 30 now."
    verdict = expect(world.judge(), Reason.NOT_COMPARABLE, enters=True)
    assert "runtime_s was 60" in verdict.sentence


def test_own_history_comes_before_runs_of_another_fingerprint():
    world = World().with_history(*NIGHTS)
    world.differing[("rr", "candidate")] = "runtime_s was 60 in the baseline and is 30 now."
    expect(world.judge(), Reason.NOT_WORSE, enters=True)


def test_direction_without_history_is_no_baseline_even_when_the_other_has_one():
    world = World((make_step(MIXED, key="rr"),)).with_history(*NIGHTS, op="read")
    expect(world.judge(), Reason.NO_BASELINE, enters=True)


def test_tail_that_the_baseline_has_and_the_run_lacks_is_not_a_pass():
    world = World().with_history(*NIGHTS).with_history(*[2e6] * 10, metric="clat_p99")
    world.summaries = [s for s in world.summaries if s.metric == "iops"]
    expect(world.judge(), Reason.TOO_FEW, enters=False)


def test_only_the_last_runs_of_the_baseline_count():
    world = World().with_history(*[5000.0] * 20, *NIGHTS)
    world.job = replace(world.job, baseline_runs=10)
    expect(world.judge(), Reason.NOT_WORSE, enters=True)


def test_unusable_history_is_no_baseline():
    world = World().with_history(0.0, float("nan"))
    expect(world.judge(), Reason.NO_BASELINE, enters=True)


def test_latency_below_a_nanosecond_is_compared_as_one():
    world = World().with_history(*NIGHTS).with_history(*[0.0] * 10, metric="clat_p99")
    world.summaries = [
        replace(s, value=0.0) if s.metric == "clat_p99" else s for s in world.summaries
    ]
    assert len(expect(world.judge(), Reason.NOT_WORSE, enters=True).checks) == 2


def with_reference(world):
    reference = PlannedTrial(id="ref", step_key="rr", side="reference", session=0, repeat=0)
    world.plan = replace(world.plan, trials=(*world.plan.trials, reference))
    return make_trial(reference)


def test_reference_side_needs_neither_limit_nor_baseline_but_must_be_measured():
    world = World(limits=[LIMIT])
    trial = with_reference(world)
    expect(world.judge(), Reason.INVALID, enters=False)
    world.trials.append(trial)
    world.summaries.append(make_summary("ref", "iops", 1.0))
    assert len(expect(world.judge(), Reason.WITHIN_LIMITS, enters=True).checks) == 1


def test_reference_that_fell_behind_its_own_baseline_is_suspicious():
    world = World(limits=[LIMIT]).with_history(*NIGHTS)
    world.trials.append(with_reference(world))
    world.summaries.append(make_summary("ref", "iops", 1.0))
    world.with_history(*NIGHTS, key=("rr", "reference"))
    expect(world.judge(), Reason.SUSPICIOUS, enters=False)


def test_plan_without_a_candidate_is_invalid():
    world = World(())
    with_reference(world)
    world.plan = replace(world.plan, steps=(STEP,))
    world.trials.append(make_trial(world.plan.trials[0]))
    world.summaries.append(make_summary("ref", "iops", 1.0))
    expect(world.judge(), Reason.INVALID, enters=False)


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_judged_figure_that_is_no_figure_is_invalid(value):
    world = World(limits=[LIMIT])
    world.summaries = [
        replace(s, value=value) if s.metric == "iops" else s for s in world.summaries
    ]
    expect(world.judge(), Reason.INVALID, enters=False)


def test_figure_of_one_agent_does_not_stand_for_all():
    world = World(limits=[LIMIT])
    own = [replace(s, agent="agent-01", value=1.0) for s in world.summaries]
    world.summaries += own
    expect(world.judge(), Reason.WITHIN_LIMITS, enters=True)
    world.summaries = own
    expect(world.judge(), Reason.INVALID, enters=False)


def test_limit_without_a_usable_figure_is_not_kept():
    world = World(limits=[make_limit("clat_p99", 1e9, at_least=False)])
    world.summaries = [
        replace(s, value=float("nan")) if s.metric == "clat_p99" else s for s in world.summaries
    ]
    expect(world.judge(), Reason.TOO_FEW, enters=False)


def test_limit_is_kept_by_the_very_value():
    world = World(limits=[make_limit("iops", 1000.0)])
    expect(world.judge(), Reason.WITHIN_LIMITS, enters=True)


def test_trial_beyond_the_plan_changes_nothing():
    world = World(limits=[LIMIT])
    world.trials.append(replace(world.trials[0], id="extra"))
    world.summaries.append(make_summary("extra", "iops", 1.0))
    assert world.judge().checks[0].value == pytest.approx(1000.0)


def test_kept_limits_do_not_hide_a_direction_that_lost_its_baseline():
    world = World((make_step(MIXED, key="rr"),), limits=[LIMIT]).with_history(*NIGHTS)
    expect(world.judge(), Reason.NO_BASELINE, enters=True)


def test_own_runs_are_not_taken_for_those_of_other_steps():
    checks = World().with_history(*NIGHTS).judge().checks
    assert "these runs alone" in checks[0].sentence


def test_failure_wins_over_infrastructure_and_both_over_undecided():
    steps = tuple(make_step(replace(RANDREAD, name=name), key=name) for name in "abc")
    world = World(steps, limits=[make_limit("iops", 2000.0, workload="a")])
    world.change_trial(1, end=TrialEnd.FAILED)
    assert world.judge().exit_code is ExitCode.FAIL
    world.job = replace(world.job, limits=())
    assert world.judge().exit_code is ExitCode.INFRASTRUCTURE


def test_two_values_of_one_figure_are_refused():
    world = World(limits=[LIMIT])
    world.summaries.append(replace(world.summaries[0], value=1.0))
    with pytest.raises(ValueError, match="two values"):
        world.judge()


STEPS = tuple(
    make_step(replace(workload, name=name), key=name)
    for name, workload in (("a", RANDREAD), ("b", MIXED))
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_run_with_anything_missing_ever_passes(data):
    """Trials and figures are taken away at random: whatever is missing, it is no pass."""
    world = World(STEPS, limits=[LIMIT], repeats=2)
    for key, ops in (("a", ["read"]), ("b", ["read", "write"])):
        for op in ops:
            world.with_history(*NIGHTS, op=op, key=(key, "candidate"))
    needed = [s for s in world.summaries if s.metric == "iops"]
    trials = data.draw(st.lists(st.sampled_from(world.trials), unique_by=id))
    figures = data.draw(st.lists(st.sampled_from(needed), unique_by=id))
    whole = len(trials) == len(world.trials) and len(figures) == len(needed)
    world.trials, world.summaries = trials, figures
    verdict = world.judge()
    assert (verdict.outcome is Outcome.PASS) == whole
    assert verdict.enters_baseline == whole


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(list(TrialEnd)),
    st.sampled_from([*Steadiness, None]),
    st.sets(st.sampled_from(list(Flag))),
    st.booleans(),
)
def test_exit_code_is_always_that_of_the_reason(end, steadiness, flags, has_data):
    world = World(limits=[LIMIT]).change_trial(
        end=end, steadiness=steadiness, flags=tuple(sorted(flags))
    )
    world.summaries = world.summaries if has_data else []
    verdict = world.judge()
    assert verdict.exit_code is verdict.reason.exit_code
    assert has_data or verdict.outcome is not Outcome.PASS


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(min_value=1e-3, max_value=1e12), min_size=6, max_size=6))
def test_a_run_compared_with_itself_is_never_suspicious(values):
    world = World(STEPS)
    world.summaries = [
        replace(s, value=value, low=None, high=None)
        for s, value in zip(world.summaries, values, strict=True)
    ]
    own = run_values(world.trials, world.summaries)
    world.history = baseline_of(own, "same", 1.0)
    expect(world.judge(), Reason.NOT_WORSE, enters=True)


# --- warm-ups and rounds -------------------------------------------------------------------------


def test_a_warm_up_is_no_part_of_the_verdict():
    warm_up = replace(STEP, key="_w", workload=replace(STEP.workload, name="_w"))
    world = World((warm_up, STEP), limits=[LIMIT]).change_trial(steadiness=Steadiness.NOT_JUDGED)
    verdict = world.judge()
    assert verdict.reason is Reason.WITHIN_LIMITS
    assert {check.step for check in verdict.checks} == {"rr"}
    assert "Too short" not in verdict.sentence


def test_a_warm_up_that_failed_makes_the_run_invalid():
    warm_up = replace(STEP, key="_w", workload=replace(STEP.workload, name="_w"))
    world = World((warm_up, STEP), limits=[LIMIT])
    world.change_trial(end=TrialEnd.FAILED, end_reason="no space")
    assert world.judge().reason is Reason.INVALID


def test_warm_ups_alone_are_never_a_pass():
    warm_up = replace(STEP, key="_w", workload=replace(STEP.workload, name="_w"))
    verdict = World((warm_up,)).judge()
    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, Reason.TOO_FEW)
    assert not verdict.enters_baseline


def test_rounds_before_the_window_neither_count_nor_gate():
    world = World(limits=[LIMIT], repeats=2)
    world.change_trial(flags=(Flag.BEFORE_WINDOW,), steadiness=Steadiness.NOT_STEADY)
    world.summaries = [
        replace(each, value=1.0) if each.trial == world.trials[0].id else each
        for each in world.summaries
    ]
    assert world.judge().reason is Reason.WITHIN_LIMITS
