"""What a suspicion leads to: the step again, or pairs with a reference, and then a verdict."""

from __future__ import annotations

import pytest

WORKLOAD = {"name": "wr", "rw": "randwrite"}


@pytest.fixture
def paced(storperf):
    """A job whose fio does as many I/Os a second as a file of the test says."""
    rate = storperf.top / "rate"
    rate.write_text("2000")
    provider = storperf.script_fio(f'exec fio "$@" --rate_iops="$(cat {rate})"')

    def run(iops, *arguments, **keys):
        rate.write_text(str(iops))
        job = storperf.job(
            workloads=[WORKLOAD], provider=provider, precondition={"fill": False}, **keys
        )
        return storperf("run", job, "--json", *arguments)

    return run


def sides_of(ended):
    return [(trial["side"], trial["repeat"]) for trial in ended.trials]


def test_a_loss_that_shows_again_is_a_regression_and_one_that_does_not_is_none(storperf, paced):
    assert paced(2000, confirm="auto").exit_code == 0
    lost = paced(60, confirm="auto")
    assert lost.exit_code == 1, lost
    assert lost.json["verdict"]["reason"] == "regression"
    assert sides_of(lost) == [("candidate", 1), ("candidate", 2), ("candidate", 3)]
    assert "measuring 2 fresh trials to decide: wr-bs4k-qd1-nj1-a1" in lost.stderr
    left = paced(60, "--confirm", "never", confirm="auto")
    assert left.exit_code == 3, left
    assert left.json["verdict"]["reason"] == "suspicious"
    assert len(left.trials) == 1


def test_what_takes_too_long_is_not_measured_and_said(storperf, paced):
    assert paced(2000).exit_code == 0
    ended = paced(60, confirm={"when": "auto", "at_most": "1s"})
    assert ended.exit_code == 3, ended
    assert "not confirmed within confirm.at_most (1s): wr-bs4k-qd1-nj1-a1" in ended.stderr


def test_pairs_without_a_reference_are_refused(storperf):
    ended = storperf("run", storperf.job(), "--confirm", "always")
    assert ended.exit_code == 2, ended
    assert "name it in the job file as `reference`" in ended.stderr


@pytest.fixture
def two_places(storperf):
    """A job on two directories, whose fio does as many I/Os a second in each as it is told."""
    places = {name: storperf.folder / name for name in ("old", "new")}
    for place in places.values():
        place.mkdir()
    cases = "\n".join(
        f'*"{place}/"*) exec fio "$@" --rate_iops="$(cat {storperf.top}/rate-{name})";;'
        for name, place in places.items()
    )
    provider = storperf.script_fio(f'case " $* " in\n{cases}\nesac\nexec fio "$@"')

    def run(old, new, *arguments, **keys):
        (storperf.top / "rate-old").write_text(str(old))
        (storperf.top / "rate-new").write_text(str(new))
        job = storperf.job(
            target={"directory": "new", "size": "16M"},
            reference={"directory": "old"},
            workloads=[WORKLOAD],
            provider=provider,
            precondition={"fill": False},
            **keys,
        )
        return storperf("run", job, *arguments)

    return run


def test_pairs_with_a_reference_find_a_loss_without_any_baseline(storperf, two_places):
    lost = two_places(200, 90, "--json", confirm="always")
    assert lost.exit_code == 1, lost
    assert lost.json["verdict"]["reason"] == "regression"
    pairs = [trial for trial in lost.trials if trial["repeat"] > 1]
    assert [trial["side"] for trial in pairs].count("reference") == 3
    assert sorted(trial["repeat"] for trial in pairs) == [2, 2, 3, 3, 4, 4]
    (check,) = (
        each
        for each in lost.json["verdict"]["checks"]
        if (each["kind"], each["metric"]) == ("pairs", "iops")
    )
    assert check["change"] == pytest.approx(-0.55, abs=0.05)
    storperf.assert_nothing_left()


def test_pairs_go_on_until_they_decide_and_people_see_both_sides(two_places):
    same = two_places(200, 200, confirm="always")
    assert same.exit_code in {0, 3}, same
    assert "4 trials in pairs to decide" in same.stderr
    assert "reference" in same.stdout
    assert "in 5 interleaved pairs" in same.stdout or "in pairs." in same.stdout
