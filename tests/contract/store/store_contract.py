"""What every store keeps to, whatever database is below it; members give the fixture `store`."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from contract.store.store_values import (
    STEP,
    a_key,
    a_plan,
    a_run,
    a_summary,
    a_trial,
    an_anchor,
    an_entry,
    measured_run,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storperf.errors import Conflict, ExitCode, UnknownName
from storperf.model.calibration import CalibratedSpread
from storperf.model.run import (
    Flag,
    LedgerEntry,
    Phase,
    RunState,
    Steadiness,
    SteadyFigures,
    Summary,
    TrialEnd,
    TrialState,
)
from storperf.model.verdict import Check, CheckKind, Outcome, Reason, Verdict

SHARED_STORE = settings(
    deadline=None,
    max_examples=40,
    # One contract runs over several stores on purpose, and an example leaves nothing to the next.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
# What a command line and a YAML file can hold: no NUL, no half of a surrogate pair.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FACTS = st.dictionaries(st.text(), JSON, max_size=4)


def a_spread(**changes):
    spread = CalibratedSpread(
        lab="lab",
        kind="directory direct random 60s",
        op="read",
        metric="iops",
        job="nightly",
        calibration="first",
        runs=("a", "b"),
        figures=2,
        squares=0.01,
        df=18,
        at_s=1.5,
    )
    return replace(spread, **changes)


VERDICT = Verdict(
    outcome=Outcome.FAIL,
    reason=Reason.LIMIT_BROKEN,
    exit_code=ExitCode.FAIL,
    sentence="iops 4000 is below 5000",
    checks=(
        Check(
            kind=CheckKind.LIMIT,
            step=STEP,
            side="candidate",
            op="read",
            metric="iops",
            reason=Reason.LIMIT_BROKEN,
            sentence="below",
            value=4000.0,
            limit="iops >= 5000",
            baseline_runs=("a", "b"),
        ),
    ),
    enters_baseline=False,
)


class RunContract:
    @SHARED_STORE
    @given(
        st.fixed_dictionaries(
            {
                "title": st.none() | TEXT,
                "job_name": TEXT,
                "lab": TEXT,
                "job_text": TEXT,
                "facts": FACTS,
                "manager": FACTS,
            }
        )
    )
    def test_a_run_comes_back_as_it_was(self, store, values):
        run = a_run(**values)
        store.create_run(run, a_plan())
        assert store.get_run(run.id) == run

    def test_text_that_utf8_cannot_hold_is_marked_and_not_refused(self, store):
        store.create_run(a_run("r", title="a\udc80b\0c"), a_plan())
        assert store.get_run("r").title == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"

    def test_the_plan_comes_back_and_its_trials_are_planned(self, store):
        plan = a_plan(repeats=3, steps=(STEP, "wr.64k.q16.j1.a1"))
        store.create_run(a_run("r"), plan)
        assert store.plan("r") == plan
        trials = store.trials("r")
        assert [trial.id for trial in trials] == [trial.id for trial in plan.trials]
        assert {(t.state, t.attempt, t.end) for t in trials} == {(TrialState.PLANNED, 1, None)}

    def test_a_second_attempt_does_not_change_the_plan(self, store):
        plan = a_plan(repeats=2)
        store.create_run(a_run("r"), plan)
        store.save_trial("r", a_trial(attempt=2))
        assert store.plan("r") == plan

    def test_a_run_of_no_steps_can_be_stored(self, store):
        store.create_run(a_run("r"), a_plan(steps=()))
        assert store.trials("r") == ()

    def test_a_taken_id_is_refused_and_the_first_run_stays(self, store):
        store.create_run(a_run("r", title="first"), a_plan())
        with pytest.raises(Conflict, match="there is a run r already"):
            store.create_run(a_run("r", title="second"), a_plan())
        assert store.get_run("r").title == "first"

    def test_what_is_imported_is_there_once_and_runs_of_ours_any_number_of_times(self, store):
        run = a_run(imported_from="sha256:1")
        store.create_run(run, a_plan())
        store.create_run(a_run(), a_plan())
        store.create_run(a_run(), a_plan())
        with pytest.raises(Conflict, match=f"there already, as run {run.id}"):
            store.create_run(a_run(imported_from="sha256:1"), a_plan())
        assert store.find_imported("sha256:1") == run
        assert store.find_imported("sha256:2") is None

    def test_a_run_is_found_by_id_beginning_last_and_title(self, store):
        for run_id, title in (("ab", "before"), ("abc", None), ("x1", "after")):
            store.create_run(a_run(run_id, title=title), a_plan())
        found = {text: store.resolve(text).id for text in ("ab", "abc", "x", "last", "before")}
        assert found == {"ab": "ab", "abc": "abc", "x": "x1", "last": "x1", "before": "ab"}

    def test_last_is_the_newest_by_time_not_by_insertion(self, store):
        store.create_run(a_run("new", created_s=20.0), a_plan())
        store.create_run(a_run("old", created_s=10.0), a_plan())
        assert store.resolve("last").id == "new"
        assert [run.id for run in store.find_runs()] == ["new", "old"]

    @pytest.mark.parametrize("text", ["a", "twice"])
    def test_what_fits_several_runs_is_refused_and_they_are_named(self, store, text):
        for run_id in ("a1", "a2"):
            store.create_run(a_run(run_id, title="twice"), a_plan())
        with pytest.raises(UnknownName, match=r"fits several runs: a2, a1"):
            store.resolve(text)

    @pytest.mark.parametrize("text", ["", "%", "_", "RUN", "nothing", "../x", "' OR 1=1 --"])
    def test_what_fits_no_run_is_refused_and_recent_ones_are_named(self, store, text):
        store.create_run(a_run("run1"), a_plan())
        with pytest.raises(UnknownName, match="the newest are run1"):
            store.resolve(text)

    def test_an_empty_store_says_that_it_is_empty(self, store):
        with pytest.raises(UnknownName, match="holds no run"):
            store.resolve("last")
        assert store.find_runs() == ()

    def test_runs_are_found_by_job_lab_and_state(self, store):
        store.create_run(a_run("a"), a_plan())
        store.create_run(a_run("b", lab="pod1"), a_plan())
        store.create_run(a_run("c", job_name="weekly", state=RunState.FAILED), a_plan())
        assert [run.id for run in store.find_runs(job="nightly")] == ["b", "a"]
        assert [run.id for run in store.find_runs(lab="pod9")] == ["c", "a"]
        assert [run.id for run in store.find_runs(job="nightly", lab="pod9")] == ["a"]
        assert [run.id for run in store.find_runs(state=RunState.FAILED)] == ["c"]
        assert [run.id for run in store.find_runs(limit=1)] == ["c"]
        assert store.find_runs(job="") == ()

    def test_phases_are_kept_in_order_and_the_run_shows_the_last(self, store):
        store.create_run(a_run("r"), a_plan())
        for at_s, phase in ((9.0, Phase.PROVISION), (4.0, Phase.PREPARE), (5.0, Phase.PROVISION)):
            store.set_phase("r", phase, at_s=at_s)
        assert store.get_run("r").phase is Phase.PROVISION
        kept = [(each.at_s, each.phase.value) for each in store.transitions("r")]
        assert kept == [(9.0, "provision"), (4.0, "prepare"), (5.0, "provision")]

    def test_the_end_of_a_run_is_kept_and_may_be_said_twice(self, store):
        store.create_run(a_run("r"), a_plan())
        for reason in ("first", "limit_broken"):
            store.end_run(
                "r",
                state=RunState.COMPLETED,
                exit_code=ExitCode.FAIL,
                verdict="fail",
                reason=reason,
                ended_s=7.5,
            )
        run = store.get_run("r")
        told = (run.state, run.exit_code, run.verdict, run.reason, run.ended_s)
        assert told == (RunState.COMPLETED, 1, "fail", "limit_broken", 7.5)

    def test_facts_are_added_and_the_manager_is_replaced(self, store):
        store.create_run(a_run("r", facts={"a": 1, "b": 1}), a_plan())
        store.set_run_facts("r", {"b": 2, "c": [1, {"d": None}]})
        store.set_manager("r", {"pid": 8})
        run = store.get_run("r")
        assert run.facts == {"a": 1, "b": 2, "c": [1, {"d": None}]}
        assert run.manager == {"pid": 8}

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_facts_that_are_no_numbers_are_refused_and_nothing_changes(self, store, value):
        store.create_run(a_run("r", facts={"a": 1}), a_plan())
        with pytest.raises(Exception, match="not JSON compliant"):
            store.set_run_facts("r", {"x": {"y": [value]}})
        assert store.get_run("r").facts == {"a": 1}

    def test_no_two_runs_of_a_job_have_one_minute_of_summaries(self, store):
        starts = [1_700_000_001.5, 1_700_000_002.5, 1_700_000_003.0, 1_700_000_050.0]
        runs = [a_run(created_s=start) for start in starts]
        for run in runs:
            store.create_run(run, a_plan())
        times = [store.take_summary_time(run) for run in runs]
        minute = 1_700_000_001 // 60
        assert times[0] == starts[0]
        assert [int(each // 60) - minute for each in times] == [0, 1, 2, 3]
        assert all(each % 60 == 0 for each in times[1:])
        # Asked again, it is what it was, and others have their own.
        assert [store.take_summary_time(run) for run in runs] == times
        elsewhere = [
            a_run(created_s=starts[0], lab="other"),
            a_run(created_s=starts[0], job_name="x"),
        ]
        for run in elsewhere:
            store.create_run(run, a_plan())
            assert store.take_summary_time(run) == starts[0]

    def test_a_run_that_never_asked_keeps_the_minute_of_its_start(self, store):
        first, second, third = (a_run(created_s=1_700_000_001.0 + n) for n in range(3))
        for run in (first, second, third):
            store.create_run(run, a_plan())
        # The second one asks first: the third is later, and has no minute of its own yet.
        assert store.take_summary_time(second) // 60 == first.created_s // 60 + 1
        assert store.take_summary_time(first) == first.created_s
        assert store.take_summary_time(third) // 60 == first.created_s // 60 + 2

    def test_a_cancel_is_asked_for_once_or_more_and_only_for_that_run(self, store):
        for run_id in ("a", "b"):
            store.create_run(a_run(run_id), a_plan())
        assert not store.cancel_requested("a")
        store.request_cancel("a")
        store.request_cancel("a")
        assert store.cancel_requested("a")
        assert not store.cancel_requested("b")

    def test_every_method_refuses_an_unknown_run(self, store):
        acts = [
            lambda: store.get_run("no"),
            lambda: store.plan("no"),
            lambda: store.set_phase("no", Phase.JUDGE, at_s=1.0),
            lambda: store.transitions("no"),
            lambda: store.end_run(
                "no", state=RunState.FAILED, exit_code=4, verdict=None, reason="x", ended_s=1.0
            ),
            lambda: store.set_run_facts("no", {}),
            lambda: store.set_manager("no", {}),
            lambda: store.request_cancel("no"),
            lambda: store.cancel_requested("no"),
            lambda: store.trials("no"),
            lambda: store.save_trial("no", a_trial()),
            lambda: store.store_trial("no", a_trial(), []),
            lambda: store.summaries("no"),
            lambda: store.save_verdict("no", VERDICT),
            lambda: store.verdict("no"),
            lambda: store.add_event("no", 1.0, "kind", "text", {}),
            lambda: store.events("no"),
            lambda: store.ledger_add("no", LedgerEntry(name="n", kind="k", where="w")),
            lambda: store.ledger_release("no", "n"),
            lambda: store.ledger("no"),
            lambda: store.enter_baseline([an_entry("no")]),
            lambda: store.delete_run("no"),
        ]
        for act in acts:
            with pytest.raises(UnknownName, match="there is no run 'no'"):
                act()


class TrialContract:
    def test_a_trial_comes_back_as_it_was(self, store):
        trial = a_trial(
            end=TrialEnd.STEADY,
            end_reason="held still \N{SNOWMAN}",
            steadiness=Steadiness.NOT_STEADY,
            steady_figures=(
                SteadyFigures(
                    warmup_s=1.5, kept_s=58.5, metric="iops", op="read", average=9.0, drift=-0.1
                ),
            ),
            flags=(Flag.PARTIAL, Flag.CLIENT_BOUND),
            started_s=1.25,
            ended_s=61.5,
            facts={"fio": "3.33", "skew": 0.1},
        )
        store.create_run(a_run("r"), a_plan())
        store.save_trial("r", trial)
        assert store.trials("r") == (trial,)

    def test_saving_again_replaces_and_a_second_attempt_stands_beside(self, store):
        store.create_run(a_run("r"), a_plan(repeats=2))
        store.save_trial("r", a_trial(state=TrialState.STARTED, end=None))
        store.save_trial("r", a_trial(end=TrialEnd.FAILED, end_reason="agent lost"))
        store.save_trial("r", a_trial(attempt=2))
        told = [(trial.id[-1], trial.attempt, trial.end) for trial in store.trials("r")]
        assert told == [("0", 1, TrialEnd.FAILED), ("0", 2, TrialEnd.COMPLETED), ("1", 1, None)]

    def test_a_trial_beyond_the_plan_stands_at_the_end(self, store):
        store.create_run(a_run("r"), a_plan(repeats=2))
        store.save_trial("r", a_trial("a-pair"))
        assert [trial.id for trial in store.trials("r")][-1] == "a-pair"

    def test_summaries_come_with_their_trial_and_replace_those_of_the_same_attempt(self, store):
        store.create_run(a_run("r"), a_plan())
        first = [a_summary(1.0, metric="iops"), a_summary(2.0, metric="clat_mean")]
        store.store_trial("r", a_trial(), first)
        store.store_trial("r", a_trial(), [a_summary(3.0, low=2.5, high=3.5)])
        assert store.summaries("r") == (a_summary(3.0, low=2.5, high=3.5),)

    def test_summaries_are_those_of_the_latest_attempt_even_when_it_has_none(self, store):
        store.create_run(a_run("r"), a_plan(repeats=2))
        store.store_trial("r", a_trial(), [a_summary(1.0)])
        store.store_trial("r", a_trial(attempt=2), [a_summary(2.0)])
        assert [each.value for each in store.summaries("r")] == [2.0]
        store.save_trial("r", a_trial(attempt=3, end=TrialEnd.FAILED))
        assert store.summaries("r") == ()

    def test_summaries_come_in_the_order_of_the_trials_whatever_the_order_of_writing(self, store):
        store.create_run(a_run("r"), a_plan(repeats=2))
        for repeat in (1, 0):
            trial = a_trial(f"{STEP}.{repeat}", repeat=repeat)
            store.store_trial(
                "r",
                trial,
                [a_summary(1.0, trial.id, op=op, agent=a) for op in "wr" for a in ("b", "all")],
            )
        order = [(each.trial[-1], each.op, each.agent) for each in store.summaries("r")]
        assert order == sorted(order)
        assert len(order) == 8

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    @pytest.mark.parametrize("name", ["value", "low", "high"])
    def test_a_figure_that_is_no_number_is_refused_and_nothing_is_stored(self, store, name, value):
        store.create_run(a_run("r"), a_plan())
        bad = replace(a_summary(1.0), **{name: value})
        with pytest.raises(ValueError, match=f"{name} of iops"):
            store.store_trial("r", a_trial(), [a_summary(1.0, metric="bandwidth"), bad])
        assert store.summaries("r") == ()
        assert store.trials("r")[0].state is TrialState.PLANNED

    def test_a_summary_of_another_trial_is_refused(self, store):
        store.create_run(a_run("r"), a_plan())
        with pytest.raises(ValueError, match="came with trial"):
            store.store_trial("r", a_trial(), [a_summary(1.0, "other")])

    @SHARED_STORE
    @given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
    def test_figures_come_back_bit_for_bit(self, store, values):
        run = a_run()
        store.create_run(run, a_plan())
        summaries = [a_summary(v, metric=f"m{n:03}") for n, v in enumerate(values)]
        store.store_trial(run.id, a_trial(), summaries)
        assert store.summaries(run.id) == tuple(summaries)
        assert all(isinstance(each, Summary) for each in store.summaries(run.id))

    def test_a_verdict_comes_back_as_it_was(self, store):
        store.create_run(a_run("r"), a_plan())
        assert store.verdict("r") is None
        store.save_verdict("r", replace(VERDICT, sentence="earlier"))
        store.save_verdict("r", VERDICT)
        kept = store.verdict("r")
        assert kept == VERDICT
        assert kept.exit_code is ExitCode.FAIL
        assert kept.checks[0].reason is Reason.LIMIT_BROKEN

    def test_a_verdict_does_not_show_in_the_run_before_its_end(self, store):
        store.create_run(a_run("r"), a_plan())
        store.save_verdict("r", VERDICT)
        assert store.get_run("r").verdict is None


class EventContract:
    def test_events_come_back_in_the_order_they_were_stored(self, store):
        store.create_run(a_run("r"), a_plan())
        store.add_event("r", 9.0, "agent_lost", "agent-01 is gone", {"agent": "agent-01"})
        store.add_event("r", 3.0, "clock_stepped", "back by 6 s")
        told = [(each.at_s, each.kind, each.facts) for each in store.events("r")]
        assert told == [(9.0, "agent_lost", {"agent": "agent-01"}), (3.0, "clock_stepped", {})]

    def test_the_ledger_keeps_what_was_added_and_adding_again_changes_nothing(self, store):
        store.create_run(a_run("r"), a_plan())
        entries = [LedgerEntry(name=n, kind="folder", where="/x") for n in ("b", "a", "b")]
        for entry in entries:
            store.ledger_add("r", entry)
        assert store.ledger("r") == tuple(entries[:2])
        more = [replace(entries[0], name=n) for n in ("c", "a", "d", "c")]
        store.ledger_add("r", *more)
        assert [each.name for each in store.ledger("r")] == ["b", "a", "c", "d"]

    def test_what_is_released_stays_in_the_ledger_and_may_be_released_again(self, store):
        store.create_run(a_run("r"), a_plan())
        for name in ("a", "b"):
            store.ledger_add("r", LedgerEntry(name=name, kind="k", where="w"))
        store.ledger_release("r", "a")
        store.ledger_release("r", "a")
        assert [(each.name, each.released) for each in store.ledger("r")] == [
            ("a", True),
            ("b", False),
        ]

    def test_what_is_made_again_after_its_release_is_out_there_again(self, store):
        store.create_run(a_run("r"), a_plan())
        entry = LedgerEntry(name="a", kind="k", where="w")
        store.ledger_add("r", entry)
        store.ledger_release("r", "a")
        store.ledger_add("r", entry)
        assert store.ledger("r") == (entry,)

    def test_an_unknown_ledger_name_is_refused_and_the_known_are_named(self, store):
        store.create_run(a_run("r"), a_plan())
        store.create_run(a_run("other"), a_plan())
        store.ledger_add("r", LedgerEntry(name="a", kind="k", where="w"))
        store.ledger_add("other", LedgerEntry(name="b", kind="k", where="w"))
        with pytest.raises(UnknownName, match="holds a, not 'b'"):
            store.ledger_release("r", "a", "b")
        assert not store.ledger("r")[0].released


class BaselineContract:
    def test_values_are_those_of_the_last_accepted_runs_oldest_first(self, store):
        for number in range(4):
            measured_run(store, 100.0 + number, ended_s=10.0 + number)
        values = store.baseline_values(a_key(), runs=2)
        assert [(value.ended_s, value.value) for value in values] == [(12.0, 102.0), (13.0, 103.0)]

    def test_values_of_other_metrics_are_left_out_when_some_are_named(self, store):
        measured_run(store, 1.0, ended_s=1.0)
        (value,) = store.baseline_values(a_key(), runs=2)
        assert store.baseline_values(a_key(), runs=2, metrics=[value.metric, "x"]) == (value,)
        assert store.baseline_values(a_key(), runs=2, metrics=["x"]) == ()

    def test_the_run_that_is_judged_is_left_out_and_does_not_take_a_place(self, store):
        measured_run(store, 1.0, ended_s=1.0, run_id="old")
        measured_run(store, 2.0, ended_s=2.0, run_id="mid")
        measured_run(store, 3.0, ended_s=3.0, run_id="new")
        values = store.baseline_values(a_key(), runs=2, before_run="new")
        assert [value.run for value in values] == ["old", "mid"]

    def test_runs_that_nobody_accepted_are_no_baseline(self, store):
        run = measured_run(store, 1.0, ended_s=1.0, accepted=False)
        assert store.baseline_values(a_key(), runs=9) == ()
        store.enter_baseline([an_entry(run, accepted=False)])
        assert store.baseline_values(a_key(), runs=9) == ()

    def test_repeats_of_one_session_are_one_value_on_the_log_scale(self, store):
        measured_run(store, 100.0, 400.0, ended_s=1.0)
        (value,) = store.baseline_values(a_key(), runs=9)
        assert value.value == pytest.approx(200.0, rel=1e-12)

    def test_values_that_are_not_all_positive_are_averaged_plainly(self, store):
        measured_run(store, 0.0, 400.0, ended_s=1.0)
        (value,) = store.baseline_values(a_key(), runs=9)
        assert value.value == 200.0

    def test_sessions_stay_apart(self, store):
        measured_run(store, 100.0, 200.0, ended_s=1.0, session_of=lambda repeat: repeat)
        values = store.baseline_values(a_key(), runs=1)
        assert [value.value for value in values] == [100.0, 200.0]

    @pytest.mark.parametrize("field", ["lab", "job", "side", "step", "fingerprint"])
    def test_each_part_of_the_key_parts_baselines(self, store, field):
        measured_run(store, 1.0, ended_s=1.0)
        assert store.baseline_values(a_key(), runs=9) != ()
        assert store.baseline_values(a_key(**{field: "another"}), runs=9) == ()

    def test_only_figures_over_all_agents_count(self, store):
        store.create_run(a_run("r"), a_plan())
        figures = [a_summary(1.0), a_summary(9.0, agent="agent-01")]
        store.store_trial("r", a_trial(), figures)
        store.enter_baseline([an_entry("r")])
        assert [value.value for value in store.baseline_values(a_key(), runs=9)] == [1.0]

    def test_figures_of_another_step_or_side_of_the_run_do_not_count(self, store):
        store.create_run(a_run("r"), a_plan(steps=(STEP, "wr")))
        store.store_trial("r", a_trial(), [a_summary(1.0)])
        for changes in ({"step_key": "wr"}, {"side": "reference"}):
            trial = a_trial(f"other {changes}", **changes)
            store.store_trial("r", trial, [a_summary(9.0, trial.id)])
        store.enter_baseline([an_entry("r")])
        assert [value.value for value in store.baseline_values(a_key(), runs=9)] == [1.0]

    @pytest.mark.parametrize("end", [TrialEnd.FAILED, TrialEnd.CANCELLED])
    def test_figures_of_a_trial_that_failed_never_count(self, store, end):
        measured_run(store, 1.0, ended_s=1.0, end=end)
        assert store.baseline_values(a_key(), runs=9) == ()

    def test_only_the_latest_attempt_counts(self, store):
        run = measured_run(store, 1.0, ended_s=1.0)
        store.store_trial(run, a_trial(attempt=2), [a_summary(5.0)])
        assert [value.value for value in store.baseline_values(a_key(), runs=9)] == [5.0]

    def test_a_run_that_has_not_ended_counts_from_its_acceptance(self, store):
        store.create_run(a_run("r"), a_plan())
        store.store_trial("r", a_trial(), [a_summary(1.0)])
        store.enter_baseline([an_entry("r", at_s=77.0)])
        assert [value.ended_s for value in store.baseline_values(a_key(), runs=9)] == [77.0]

    def test_of_two_entries_for_one_place_the_last_holds(self, store):
        run = measured_run(store, 1.0, ended_s=1.0, accepted=False)
        store.enter_baseline([an_entry(run), an_entry(run, accepted=False, why="noisy night")])
        assert store.baseline_values(a_key(), runs=9) == ()
        store.enter_baseline([an_entry(run, who="ann", why="looked at it")])
        assert len(store.baseline_values(a_key(), runs=9)) == 1
        (entry,) = store.baseline_entries("pod9", "nightly")
        assert entry == an_entry(run, who="ann", why="looked at it")

    def test_entering_one_place_twice_does_not_double_its_values(self, store):
        run = measured_run(store, 1.0, ended_s=1.0)
        store.enter_baseline([an_entry(run)])
        assert len(store.baseline_values(a_key(), runs=9)) == 1

    def test_pinned_runs_alone_count_and_never_age(self, store):
        old = measured_run(store, 1.0, ended_s=1.0)
        measured_run(store, 2.0, ended_s=1000.0)
        assert len(store.baseline_values(a_key(), runs=9)) == 2
        aged = store.baseline_values(a_key(), runs=9, since_s=500.0)
        assert [value.value for value in aged] == [2.0]
        store.enter_baseline([an_entry(old, pinned=True)])
        pinned = store.baseline_values(a_key(), runs=9, since_s=500.0)
        assert [value.value for value in pinned] == [1.0]
        store.enter_baseline([an_entry(old, pinned=False)])
        assert len(store.baseline_values(a_key(), runs=9)) == 2

    def test_runs_before_the_anchor_count_no_more_until_it_is_taken_back(self, store):
        runs = [measured_run(store, float(n), ended_s=10.0 * n) for n in range(1, 5)]
        store.anchor_baseline([an_anchor(runs[2])])
        values = store.baseline_values(a_key(), runs=9)
        assert [value.run for value in values] == runs[2:]
        past = {entry.run for entry in store.baseline_entries("pod9", "nightly") if entry.is_past}
        assert past == set(runs[:2])
        store.anchor_baseline([an_anchor(None, why="it was the switch")])
        assert len(store.baseline_values(a_key(), runs=9)) == 4
        assert [each.run for each in store.anchors("pod9", "nightly")] == [None, runs[2]]

    def test_anchor_that_a_run_confirmed_holds_for_later_runs_and_not_for_itself(self, store):
        runs = [measured_run(store, float(n), ended_s=10.0 * n) for n in range(1, 5)]
        store.anchor_baseline([an_anchor(runs[2], confirmed_by="tonight")])
        assert len(store.baseline_values(a_key(), runs=9, before_run="tonight")) == 4
        assert len(store.baseline_values(a_key(), runs=9, before_run="tomorrow")) == 2

    def test_pinned_runs_count_though_they_are_before_the_anchor(self, store):
        runs = [measured_run(store, float(n), ended_s=10.0 * n) for n in range(1, 4)]
        store.anchor_baseline([an_anchor(runs[2])])
        store.enter_baseline([an_entry(runs[0], pinned=True)])
        assert [value.run for value in store.baseline_values(a_key(), runs=9)] == runs[:1]

    @pytest.mark.parametrize("field", ["lab", "job", "side", "step", "fingerprint"])
    def test_anchor_is_of_one_key_alone(self, store, field):
        runs = [measured_run(store, float(n), ended_s=10.0 * n) for n in range(1, 4)]
        store.anchor_baseline([an_anchor(runs[2], key=a_key(**{field: "another"}))])
        assert len(store.baseline_values(a_key(), runs=9)) == 3

    def test_anchor_to_a_run_that_is_not_there_is_refused(self, store):
        with pytest.raises(UnknownName, match="nobody"):
            store.anchor_baseline([an_anchor("nobody")])
        assert store.anchors("pod9", "nightly") == ()

    def test_a_pin_that_was_cleared_holds_nothing_back(self, store):
        old = measured_run(store, 1.0, ended_s=1.0)
        store.enter_baseline([an_entry(old, pinned=True)])
        store.clear_baseline("pod9", "nightly", who="ann", why="new disks", at_s=8.0)
        measured_run(store, 2.0, ended_s=1000.0)
        assert [value.value for value in store.baseline_values(a_key(), runs=9)] == [2.0]

    def test_clearing_empties_the_baseline_and_keeps_the_runs(self, store):
        run = measured_run(store, 1.0, ended_s=1.0)
        other = measured_run(store, 1.0, ended_s=2.0, accepted=False)
        store.enter_baseline([an_entry(other, key=a_key(lab="pod1"))])
        assert store.clear_baseline("pod9", "nightly", who="ann", why="new disks", at_s=8.0) == 1
        assert store.baseline_values(a_key(), runs=9) == ()
        assert store.baseline_values(a_key(lab="pod1"), runs=9) != ()
        (entry,) = store.baseline_entries("pod9", "nightly")
        told = (entry.accepted, entry.who, entry.why, entry.at_s, entry.measuring)
        assert told == (False, "ann", "new disks", 8.0, (("bs", "4096"),))
        assert len(store.summaries(run)) == 1

    def test_clearing_one_step_leaves_the_others(self, store):
        run = measured_run(store, 1.0, ended_s=1.0)
        store.enter_baseline([an_entry(run, key=a_key(step="wr"))])
        store.clear_baseline("pod9", "nightly", "wr", who="ann", why="why", at_s=8.0)
        held = {
            entry.key.step: entry.accepted for entry in store.baseline_entries("pod9", "nightly")
        }
        assert held == {STEP: True, "wr": False}

    def test_clearing_an_empty_baseline_is_refused(self, store):
        measured_run(store, 1.0, ended_s=1.0)
        with pytest.raises(UnknownName, match="nothing is accepted for lab pod9, job weekly"):
            store.clear_baseline("pod9", "weekly", who="a", why="b", at_s=1.0)
        store.clear_baseline("pod9", "nightly", who="a", why="b", at_s=1.0)
        with pytest.raises(UnknownName, match=f"job nightly, step {STEP}"):
            store.clear_baseline("pod9", "nightly", STEP, who="a", why="b", at_s=1.0)

    def test_the_measuring_fields_are_those_of_the_newest_other_fingerprint(self, store):
        run = measured_run(store, 1.0, ended_s=1.0)
        asked = a_key(fingerprint="mine")
        assert store.measuring_of_other_fingerprints(a_key()) is None
        assert store.measuring_of_other_fingerprints(asked) == (("bs", "4096"),)
        newer = an_entry(run, key=a_key(fingerprint="f2"), measuring=(("bs", "65536"),))
        store.enter_baseline([newer])
        assert store.measuring_of_other_fingerprints(asked) == (("bs", "65536"),)
        store.enter_baseline([replace(newer, accepted=False)])
        assert store.measuring_of_other_fingerprints(asked) == (("bs", "4096"),)
        elsewhere = a_key(fingerprint="mine", side="reference")
        assert store.measuring_of_other_fingerprints(elsewhere) is None


class StoreContract(RunContract, TrialContract, EventContract, BaselineContract):
    """All of it; a member subclasses this and gives the fixture `store`."""

    def test_of_one_jobs_calibrations_the_last_counts_and_other_jobs_stay(self, store):
        first = a_spread()
        other = a_spread(job="weekly", df=8)
        again = a_spread(calibration="second", squares=0.5, runs=("x", "y", "z"))
        store.add_spreads([first, other])
        store.add_spreads([again])
        assert store.spreads("lab") == (other, again)
        assert store.spreads("elsewhere") == ()

    @pytest.mark.parametrize("field", ["kind", "op", "metric"])
    def test_each_part_of_a_figure_has_a_spread_of_its_own(self, store, field):
        both = (a_spread(), a_spread(**{field: "another"}))
        store.add_spreads(both)
        assert store.spreads("lab") == both

    def test_hosts_of_earlier_places_are_those_of_runs_that_were_not_accepted_too(self, store):
        runs = [measured_run(store, 1.0, ended_s=at, accepted=False) for at in (1.0, 2.0, 3.0)]
        quiet, busy = (("cpu_pressure", 0.25),), (("cpu_pressure", 0.75), ("cpu_steal", 0.5))
        store.enter_baseline([an_entry(runs[0], hosts=quiet), an_entry(runs[1])])
        store.enter_baseline([an_entry(runs[2], hosts=busy, accepted=False)])
        found = store.baseline_hosts(a_key(), entries=9, before_run="another")
        assert found == {runs[0]: dict(quiet), runs[2]: dict(busy)}
        assert store.baseline_hosts(a_key(), entries=9, before_run=runs[2]) == {
            runs[0]: dict(quiet)
        }
        assert store.baseline_hosts(a_key(), entries=1, before_run="x") == {runs[2]: dict(busy)}
        assert store.baseline_hosts(a_key(step="another"), entries=9, before_run="x") == {}
