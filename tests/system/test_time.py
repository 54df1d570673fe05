"""Trials that end when they are steady, repeats, clocks that lie and clocks that are stepped."""

from __future__ import annotations

import time

import pytest
from system.together import Facts
from tools.stepped_clock import SteppedClock, compiler

from storperf.store.intervals import read_intervals

# The shortest that a job file may ask for: three rounds of ten seconds.
UNTIL = {"steady": {"round": "10s", "rounds": 3}, "at_most": "40s"}
FIO_OUTPUT = "runs/*/trials/t001.1/target-0.json"
fact = Facts()


@fact
def a_trial_ends_as_soon_as_it_is_steady(storperf):
    ended = storperf.run_job(provider=storperf.lying_fio(), duration=None, until=UNTIL)
    assert ended.exit_code == 0, ended
    [trial] = ended.trials
    assert (trial["end"], trial["steadiness"]) == ("steady", "steady")
    assert 30 <= trial["ended_s"] - trial["started_s"] < 38
    [target] = trial["facts"]["ends"]["agent-01"]["targets"]
    assert (target["stopped"], target["exit_status"]) == (True, 128)
    assert ended.json["run"]["reason"] == "within_limits"
    storperf.assert_nothing_left()


@fact
def a_trial_that_never_becomes_steady_ends_at_its_deadline_undecided(storperf):
    ended = storperf.run_job(
        provider=storperf.lying_fio("drifting", factor=0.1), duration=None, until=UNTIL
    )
    assert ended.exit_code == 3, ended
    [trial] = ended.trials
    assert (trial["end"], trial["steadiness"]) == ("deadline", "not_steady")
    assert trial["ended_s"] - trial["started_s"] >= 40
    assert ended.json["run"]["reason"] == "not_steady"
    assert not ended.json["verdict"]["enters_baseline"]
    storperf.assert_nothing_left()


@fact
def a_trial_ends_as_soon_as_its_mean_is_known(storperf):
    until = {"confident": {"half_width": "2%", "at_least": 50}, "at_most": "60s"}
    ended = storperf.run_job(
        provider=storperf.lying_fio(), duration=None, until=until, interval="250ms"
    )
    assert ended.exit_code == 0, ended
    [trial] = ended.trials
    assert (trial["end"], trial["steadiness"]) == ("confident", "steady")
    # 50 intervals are 12.5 s; a busy machine may need a few looks more.
    assert 12 <= trial["ended_s"] - trial["started_s"] < 50
    assert trial["facts"]["ends"]["agent-01"]["why"] == "confident"
    [seen] = trial["facts"]["until"]["confident"]
    assert seen["half_width_share"] <= 0.02
    [figures] = trial["steady_figures"]
    assert figures["drift_low"] <= figures["drift"] <= figures["drift_high"]
    assert ended.json["job"]["until"] == ["confident"]
    storperf.assert_nothing_left()


@fact
def a_mean_that_is_not_known_by_the_deadline_leaves_the_run_undecided(storperf):
    provider = storperf.lying_fio("drifting", factor=0.9)
    until = {"confident": {"half_width": "0.01%", "at_least": 50}, "at_most": "20s"}
    ended = storperf.run_job(provider=provider, duration=None, until=until, interval="250ms")
    assert ended.exit_code == 3, ended
    [trial] = ended.trials
    assert trial["end"] == "deadline"
    assert ended.json["run"]["reason"] in {"too_few", "not_steady"}
    assert not ended.json["verdict"]["enters_baseline"]
    storperf.assert_nothing_left()


@fact
def the_old_rule_ends_a_trial_and_proves_nothing(storperf):
    until = {"storperf": {"sample": "10s", "samples": 3}, "at_most": "45s"}
    ended = storperf.run_job(provider=storperf.lying_fio(), duration=None, until=until)
    assert ended.exit_code == 3, ended
    [trial] = ended.trials
    # Three rounds of its samples are no window of SNIA's.
    assert (trial["end"], trial["steadiness"]) == ("storperf_rule", "not_judged")
    assert 30 <= trial["ended_s"] - trial["started_s"] < 40
    seen = {each["metric"]: each for each in trial["facts"]["until"]["storperf"]}
    assert seen["iops"]["average"] == pytest.approx(500, rel=0.1)
    assert ended.json["run"]["reason"] == "not_steady"
    storperf.assert_nothing_left()


@fact
def a_storage_that_hangs_never_becomes_steady(storperf):
    provider = storperf.lying_fio("step", factor=0.0, at=0.1)
    ended = storperf.run_job(provider=provider, duration=None, until=UNTIL)
    assert ended.exit_code in {3, 4}, ended
    assert "Traceback" not in ended.stderr
    assert ended.json["run"]["verdict"] == "inconclusive"
    assert [trial["end"] for trial in ended.trials] == ["deadline"]
    storperf.assert_nothing_left()


@fact
def every_step_is_executed_before_any_is_repeated(storperf):
    provider, noted = storperf.noting_fio(storperf.lying_fio()["fio"])
    ended = storperf.run_job(provider=provider, workloads=["rr", "wr"], repeats=2)
    assert ended.exit_code == 0, ended
    words = [line for line in noted.read_text().splitlines() if "--time_based" in line]
    measured = [line.split("--rw=")[1].split()[0] for line in words if "--parse-only" not in line]
    assert measured == ["randread", "randwrite"] * 2
    assert [trial["repeat"] for trial in ended.trials] == [1, 2, 1, 2]
    # Two repeats are one value of their run.
    entries = storperf("baseline", "show", "quick", "--json").json["entries"]
    assert len(entries) == 2
    storperf.assert_nothing_left()


def assert_true_times(program, begin_s):
    """Intervals lie where they were, in order, each as long as it was."""
    [trial] = program("show", "--json").trials
    run = program("list", "--json").json["runs"][0]["id"]
    table, sensors, _ = read_intervals(program.run_folder(run) / "intervals/t001.1.zip")
    ends = list(table.end_s)
    assert len(ends) >= 8
    assert ends == sorted(set(ends))
    assert begin_s < trial["started_s"] < ends[0]
    assert ends[-1] < trial["ended_s"] + 0.5 < time.time() + 0.5
    assert ends[-1] - ends[0] == pytest.approx(sum(table.duration_s[1:]), abs=0.4)
    assert sum(table.duration_s) == pytest.approx(3, abs=0.1)
    assert list(table.end_s - table.start_s) == pytest.approx(list(table.duration_s), abs=1e-3)
    assert min(sensors.end_s) > begin_s
    figures = {each["metric"]: each["value"] for each in trial["figures"] if each["agent"] == "all"}
    assert figures["iops"] == pytest.approx(500, rel=0.1)


@fact
def a_clock_that_is_off_moves_no_interval(storperf):
    for off_s in (90, -90):
        begin_s = time.time()
        provider = storperf.lying_fio(clock_off_s=off_s)
        ended = storperf.run_job(provider=provider, duration="3s")
        assert ended.exit_code == 0, ended
        assert_true_times(storperf, begin_s)


@fact
def a_clock_that_is_stepped_during_a_trial_moves_no_interval(storperf):
    for step_s in (3600, -3600):
        begin_s = time.time()
        provider = storperf.lying_fio(clock_step_s=step_s)
        ended = storperf.run_job(provider=provider, duration="3s")
        assert ended.exit_code == 0, ended
        assert_true_times(storperf, begin_s)


def stepped_run(program, step_s):
    """A run whose manager, agent and fio all see their wall clock jump in the middle of a trial."""
    clock = SteppedClock(program.top / f"clock{step_s}")
    program.environment.update(clock.environment)
    running = program.start("run", program.job(duration="3s"), "--json")
    give_up_s = time.monotonic() + 60
    while not any(path.stat().st_size for path in program.agents.glob(FIO_OUTPUT)):
        assert time.monotonic() < give_up_s, running.stderr
        time.sleep(0.02)
    clock.step(step_s)
    return running.end()


@fact
def a_clock_that_is_stepped_under_a_whole_run_moves_no_time_of_it(storperf):
    if compiler() is None:
        pytest.skip("there is no C compiler here")
    for step_s in (3600, -3600):
        begin_s = time.time()
        ended = stepped_run(storperf, step_s)
        end_s = time.time()
        assert ended.exit_code == 0, ended
        assert_true_times(storperf, begin_s)
        run, [trial] = ended.json["run"], ended.trials
        assert trial["end"] == "completed"
        assert begin_s < run["created_s"] < trial["started_s"]
        assert trial["started_s"] + 3 < trial["ended_s"] < run["ended_s"] < end_s
        storperf.assert_nothing_left()


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
