"""Which runs begin: never two that share a resource, never too many, nobody is passed for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from unit.queueing.entries import entry

from storperf.queueing.choosing import blockers, startable


def chosen(waiting, running=(), *, at_once=4, now_s=100.0):
    found = startable(waiting, running, at_once=at_once, now_s=now_s)
    return [each.run_id for each in found]


def test_runs_that_share_nothing_begin_together():
    assert chosen([entry("a", "x"), entry("b", "y"), entry("c")]) == ["a", "b", "c"]


def test_runs_that_share_a_resource_follow_each_other():
    assert chosen([entry("a", "x", "y"), entry("b", "y")]) == ["a"]
    assert chosen([entry("b", "y")], [entry("a", "x", "y")]) == []


def test_no_more_run_than_may():
    waiting = [entry(name) for name in "abcde"]
    assert chosen(waiting, [entry("f")], at_once=3) == ["a", "b"]
    assert chosen(waiting, [entry("f")], at_once=1) == []


def test_one_that_waits_for_two_resources_is_not_passed_by_small_ones():
    waiting = [entry("large", "x", "y"), entry("small", "y"), entry("other", "z")]
    assert chosen(waiting, [entry("going", "x")]) == ["other"]


def test_one_that_is_not_due_holds_up_nobody():
    waiting = [entry("later", "x", not_before_s=101.0), entry("now", "x", not_before_s=100.0)]
    assert chosen(waiting) == ["now"]


def test_an_entry_waits_for_those_that_share_something_with_it():
    others = [entry("a", "x"), entry("b", "y"), entry("c", "z")]
    assert [each.run_id for each in blockers(entry("c", "x", "z"), others)] == ["a"]


NAMES = st.sets(st.sampled_from("uvwxyz"), max_size=3)


@given(st.lists(NAMES, max_size=8), st.lists(NAMES, max_size=3), st.integers(1, 5))
def test_whatever_waits_two_that_overlap_never_run_together(waiting, running, at_once):
    entries = [entry(f"w{place}", *names) for place, names in enumerate(waiting)]
    going = [entry(f"r{place}", *names) for place, names in enumerate(running)]
    begun = startable(entries, going, at_once=at_once, now_s=0.0)
    assert len(begun) <= max(0, at_once - len(going))
    taken = [name for each in going for name in set(each.resources)]
    for each in begun:
        assert not set(taken) & set(each.resources)
        taken += each.resources
    # Nothing stands still for nothing: with room and nobody running, the first one begins.
    if entries and not going:
        assert begun[:1] == tuple(entries[:1])
