"""The live view: what events make of its state, and what a terminal of any size shows of it."""

from __future__ import annotations

import io
import threading
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from unit.reports.result_values import MIXED, STEP, a_job, a_step

from storperf.cli.live import LiveStep, Mark, advance, live_run, steady_word
from storperf.cli.live_picture import picture
from storperf.cli.progress import _line_listener, _LiveView
from storperf.engine.events import Event, EventKind
from storperf.model.ending import Ending, SteadyRule
from storperf.model.job import Plan, PlannedTrial

RUN = "20260101-120000-ab12"


def a_plan():
    steps = (a_step(), a_step(MIXED, options=(("rw", "rw"),)))
    trials = tuple(
        PlannedTrial(id=f"t{place}", step_key=step.key, side="candidate", session=1, repeat=1)
        for place, step in enumerate(steps)
    )
    return Plan(steps=steps, trials=trials)


def a_run(**changes):
    return live_run(a_job(**changes), a_plan(), 2)


def event(kind, **facts):
    return Event(kind=kind, run=RUN, facts=facts)


def started(step=STEP):
    return event(EventKind.TRIAL_STARTED, trial="t0", what="measure", step=step, runtime_s=60.0)


def interval(iops=1000.0, step=STEP, op="read", p99=80_000, target=0):
    return event(
        EventKind.INTERVAL,
        trial="t0",
        step=step,
        agent="agent-01",
        target=target,
        op=op,
        end_s=1.0,
        iops=iops,
        bandwidth=iops * 4096,
        clat_p99_ns=p99,
    )


def ended(step=STEP, end="completed", steadiness="steady", means=None):
    return event(
        EventKind.TRIAL_ENDED,
        trial="t0",
        what="measure",
        step=step,
        end=end,
        end_reason=None,
        steadiness=steadiness,
        means={"read": 1010.0} if means is None else means,
    )


def after(*events, state=None, now_s=10.0):
    state = state or a_run()
    for each in events:
        state = advance(state, each, now_s)
    return state


def lines_of(state, width=110, height=24, now_s=10.0, **options):
    return [text.plain for text in picture(state, now_s, width, height, **options)]


# --- the state -------------------------------------------------------------------------------


def test_an_interval_is_the_figure_of_now():
    step = after(started(), interval(1000.0), interval(1234.0, p99=90_000)).steps[0]
    assert (step.mark, step.figure, step.p99_ns) == (Mark.RUNNING, 1234.0, 90_000)
    assert step.totals == (1000.0, 1234.0)


def test_directions_are_added_up_and_the_largest_p99_is_shown():
    read = interval(10.0, MIXED, "read", 5)
    state = after(started(MIXED), read)
    assert state.steps[1].figure is None
    step = after(interval(20.0, MIXED, "write", 7), state=state).steps[1]
    assert (step.figure, step.p99_ns) == (30.0 * 4096, 7)


def test_a_stream_that_speaks_again_closes_the_slice_of_one_that_is_silent():
    read = interval(10.0, MIXED, "read", 5)
    state = after(started(MIXED), read, read)
    assert state.steps[1].totals == (10.0 * 4096,)


def test_an_interval_without_io_has_no_p99():
    assert after(started(), interval(0.0, p99=None)).steps[0].p99_ns is None


def test_a_finished_step_shows_the_mean_of_its_trials():
    state = after(
        started(), interval(), ended(means={"read": 100.0}), started(), ended(means={"read": 200.0})
    )
    assert (state.steps[0].figure, state.steps[0].word) == (150.0, "steady")


def test_a_failed_trial_is_no_finished_step():
    step = after(started(), ended(end="failed", steadiness="not_judged", means={})).steps[0]
    assert (step.mark, step.word, step.figure) == (Mark.FAILED, "failed", None)


def test_time_left_is_trials_left_and_goes_down():
    state = after(event(EventKind.RUN_STARTED, trials=2))
    assert (state.run, state.left_s(0.0), state.done(0.0)) == (RUN, 120.0, 0.0)
    state = after(started(), state=state, now_s=0.0)
    assert state.left_s(30.0) == 90.0
    assert state.trial_left_s(30.0) == 30.0
    assert state.left_s(300.0) == 60.0
    state = after(ended(), state=state, now_s=70.0)
    # A trial takes what the one before it took.
    assert state.left_s(70.0) == 70.0
    assert state.done(70.0) == 0.5


def test_a_cancelled_trial_tells_nothing_of_how_long_one_takes():
    state = after(ended(end="cancelled", means={}), state=after(started(), now_s=0.0), now_s=5.0)
    assert state.took_s == ()


def test_a_fill_takes_what_it_shows_it_can():
    fill = event(EventKind.TRIAL_STARTED, trial="fill", what="fill", size_bytes=1000)
    state = after(fill, now_s=0.0)
    assert state.left_s(0.0) == pytest.approx(120.0, abs=0.1)
    state = after(event(EventKind.PROGRESS, trial="fill", done_bytes=250), state=state)
    assert state.left_s(10.0) == pytest.approx(120.0 + 30.0)
    assert "filling 1000, 25%" in lines_of(state)[0]
    state = after(event(EventKind.TRIAL_ENDED, trial="fill", what="fill"), state=state)
    assert state.left_s(10.0) == 120.0


@pytest.mark.parametrize(
    ("what", "words"),
    [("precondition", "writing at random until steady"), ("settle", "letting it settle")],
)
def test_what_else_comes_before_measuring_is_shown_with_its_time(what, words):
    begun = event(EventKind.TRIAL_STARTED, trial=what, what=what, runtime_s=30.0)
    state = after(begun, now_s=0.0)
    assert state.left_s(10.0) == 120.0 + 20.0
    assert words in lines_of(state)[0]
    assert state.done(10.0) == 0.0
    state = after(event(EventKind.TRIAL_ENDED, trial=what, what=what), state=state)
    assert state.left_s(10.0) == 120.0
    assert words not in lines_of(state)[0]


def test_a_stored_trial_of_a_resumed_run_counts_as_done():
    state = after(event(EventKind.PROGRESS, trial="t0", is_stored=True))
    assert (state.stored, state.left_s(0.0)) == (1, 60.0)


def test_confirming_trials_come_on_top():
    state = after(started(), ended(), started(MIXED), ended(MIXED), started())
    assert state.trials == 3
    assert "trial 3 of 3" in lines_of(state)[0]


def test_phases_and_notes_are_kept():
    state = after(
        event(EventKind.TRANSITION, name="judge", moment="stored", trial=None),
        event(EventKind.TRANSITION, name="stored", moment="stored", trial="t0"),
        event(EventKind.NOTE, text="hm"),
        event(EventKind.RUN_ENDED, exit_code=0, state="completed"),
    )
    assert (state.phase, state.notes) == ("judging", ("hm",))


@pytest.mark.parametrize("kind", [started, interval, ended])
def test_a_step_that_the_plan_lacks_changes_no_row(kind):
    assert after(kind(step="of another plan")).steps == a_run().steps


# --- steady so far ---------------------------------------------------------------------------

LINE = [1000.0 + 10 * place for place in range(30)]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([1000.0] * 9, "not yet"),
        ([1000.0] * 10, "steady so far"),
        ([900.0, 1100.0] * 15, "steady so far"),
        ([100.0] * 30 + [1000.0] * 30, "steady so far"),
        ([1000.0 + 4.0 * place for place in range(30)], "steady so far"),
        ([1000.0 + 4.5 * place for place in range(30)], "not steady"),
        ([1000.0] * 24 + [1400.0] * 6, "not steady"),
        ([1000.0] * 12 + [1190.0] * 6 + [1000.0] * 12, "steady so far"),
        ([1000.0] * 12 + [1300.0] * 6 + [1000.0] * 12, "not steady"),
        ([0.0] * 30, "not steady"),
        (LINE, "not steady"),
    ],
)
def test_the_view_has_a_rule_of_its_own(values, word):
    step = LiveStep(
        key="k", metric="iops", streams=1, slices=tuple({"read": value} for value in values)
    )
    assert steady_word(step, 1.0, None) == word


def test_every_direction_must_hold_still():
    slices = tuple({"read": 1000.0, "write": value} for value in LINE)
    step = LiveStep(key="k", metric="iops", streams=2, slices=slices)
    assert steady_word(step, 1.0, None) == "not steady"


def test_a_job_with_a_rule_is_seen_by_its_own_window():
    rule = SteadyRule(round_s=10.0)
    slices = tuple({"read": 1000.0} for _ in range(50))
    step = LiveStep(key="k", metric="iops", streams=1, slices=slices)
    assert steady_word(replace(step, slices=slices[:49]), 1.0, rule) == "not yet"
    assert steady_word(step, 1.0, rule) == "steady so far"


def test_the_history_is_long_enough_for_the_rule_and_no_longer():
    rule = SteadyRule(round_s=200.0)
    state = after(started(), state=a_run(ending=Ending(runtime_s=9000.0, until_steady=rule)))
    for _ in range(1001):
        state = after(interval(), state=state)
    assert len(state.steps[0].slices) == 1000
    assert steady_word(state.steps[0], 1.0, rule) == "steady so far"


# --- the picture -----------------------------------------------------------------------------


def test_a_person_sees_what_runs_what_was_and_what_comes():
    state = after(event(EventKind.RUN_STARTED, trials=2), started(), now_s=0.0)
    state = after(*[interval(1000.0 * (place + 1)) for place in range(4)], state=state)
    bar, headings, running, waiting = lines_of(state, now_s=12.0)
    assert f"10%  ETA 1m48s  trial 1 of 2  nightly {RUN}" in bar
    assert headings.split() == ["step", "so", "far", "now", "or", "mean", "p99", "clat", "ETA"]
    assert running.startswith(f"▶ {STEP}")
    assert "▃▅▆█" in running
    assert running.endswith("4000 IOPS     80 us    48s  not yet")
    assert waiting == f"· {MIXED}"
    done = lines_of(after(ended(), state=state))[2]
    assert done.startswith(f"✓ {STEP}")
    assert done.split()[-3:] == ["1010", "IOPS", "steady"]


def test_a_sequential_step_shows_bandwidth():
    state = after(
        started(MIXED), interval(1000.0, MIXED, "read"), interval(0.0, MIXED, "write", None)
    )
    assert "3.91 MiB/s" in lines_of(state)[3]


def test_a_terminal_without_unicode_gets_ascii():
    state = after(started(), interval(), ended(), started(MIXED), interval(step=MIXED))
    assert "".join(lines_of(state, is_plain=True)).isascii()


def many_steps(current, count=40):
    steps = tuple(a_step(f"step-{place:02}") for place in range(count))
    state = live_run(a_job(), Plan(steps=steps, trials=()), count)
    return after(started(f"step-{current:02}"), state=state)


@pytest.mark.parametrize("current", [0, 1, 17, 38, 39])
def test_the_present_step_is_always_in_sight(current):
    lines = lines_of(many_steps(current), height=10)
    assert len(lines) == 10
    assert any(text.startswith(f"▶ step-{current:02}") for text in lines)
    above, below = (int(word) for word in lines[-1].split() if word.isdigit())
    assert above + 7 + below == 40


def test_text_of_others_moves_no_cursor():
    state = after(started(), interval())
    state = replace(state, job="evil\x1b[2J", steps=(replace(state.steps[0], key="a\nb\x9b"),))
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in str(lines_of(state)))


NUMBERS = st.floats(min_value=0, max_value=1e12, allow_nan=False)
NAMES = st.sampled_from([STEP, MIXED, "of another plan"])
EVENTS = st.lists(
    st.one_of(
        st.builds(started, NAMES),
        st.builds(
            interval,
            NUMBERS,
            NAMES,
            st.sampled_from(["read", "write"]),
            st.none() | st.integers(0, 10**12),
            st.integers(0, 2),
        ),
        st.builds(
            ended,
            NAMES,
            st.sampled_from(["completed", "failed", "cancelled", "steady", None]),
            st.sampled_from(["steady", "not_steady", None]),
            st.dictionaries(st.sampled_from(["read", "write"]), NUMBERS),
        ),
        st.builds(lambda n: event(EventKind.RUN_STARTED, trials=n), st.integers(0, 50)),
        st.builds(
            lambda n: event(EventKind.TRIAL_STARTED, trial="fill", what="fill", size_bytes=n),
            st.integers(0, 1 << 50),
        ),
        st.builds(
            lambda n: event(EventKind.PROGRESS, trial="fill", done_bytes=n), st.integers(0, 1 << 50)
        ),
        st.just(event(EventKind.TRIAL_ENDED, trial="fill", what="fill")),
        st.just(event(EventKind.TRIAL_STARTED, trial="settle", what="settle", runtime_s=9.0)),
        st.just(event(EventKind.TRIAL_ENDED, trial="settle", what="settle")),
        st.just(event(EventKind.PROGRESS, trial="t0", is_stored=True)),
        st.builds(lambda text: event(EventKind.NOTE, text=text), st.text(max_size=9)),
    ),
    max_size=40,
)


@given(EVENTS, st.lists(st.floats(0, 1e6), min_size=41, max_size=41), st.integers(0, 300))
def test_any_order_of_events_is_borne_and_nothing_is_negative(events, times_s, width):
    state = a_run()
    for each, now_s in zip(events, times_s, strict=False):
        state = advance(state, each, now_s)
        assert 0 <= state.done(times_s[-1]) <= 1
        assert state.left_s(times_s[-1]) >= 0
        assert state.trial_left_s(times_s[-1]) >= 0
        assert "-" not in lines_of(state, max(width, 110))[0].partition("  ETA")[2].split()[0]
    for is_plain in (True, False):
        lines = lines_of(state, width, 1 + width % 20, times_s[-1], is_plain=is_plain)
        assert 1 <= len(lines) <= 1 + width % 20
        assert max(map(cell_len, lines)) <= max(1, width)


@given(st.text(max_size=60), st.integers(1, 150), st.integers(1, 12))
def test_a_name_of_any_kind_and_width_keeps_the_terminals_width(name, width, height):
    state = after(started(), interval(123456.7))
    state = replace(state, job=name, steps=(replace(state.steps[0], key=name), *state.steps[1:]))
    assert all(cell_len(text) <= width for text in lines_of(state, width, height))


# --- on a console ----------------------------------------------------------------------------


class StuckTerminal(io.StringIO):
    """A terminal that takes nothing until it is let go."""

    def __init__(self):
        super().__init__()
        self.is_free = threading.Event()

    def isatty(self):
        return True

    def write(self, text):
        self.is_free.wait(10)
        return super().write(text)


def test_a_terminal_that_stands_still_holds_up_no_event():
    terminal = StuckTerminal()
    console = Console(file=terminal, force_terminal=True, width=80, height=24)
    view = _LiveView(console, a_run())
    with view:
        begun_s = time.monotonic()
        for _ in range(1000):
            view.listen(interval())
        assert time.monotonic() - begun_s < 2.0
        terminal.is_free.set()
    view._thread.join(5)
    assert not view._thread.is_alive()


@pytest.mark.parametrize(("environment", "has_colour"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_left_out_when_nobody_wants_it(environment, has_colour):
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=True,
        width=100,
        height=24,
        color_system="standard",
        highlight=False,
        _environ={"TERM": "xterm", **environment},
    )
    with _LiveView(console, a_run()) as view:
        for each in (started(), interval(), event(EventKind.NOTE, text="a [bold] note")):
            view.listen(each)
    text = out.getvalue()
    assert STEP in text
    assert "a [bold] note" in text
    assert ("\x1b[36m" in text) == has_colour


def test_without_a_terminal_there_are_plain_lines():
    out = io.StringIO()
    listen = _line_listener(a_run(), Console(file=out, width=200))
    for each in (
        event(EventKind.RUN_STARTED, trials=2),
        event(EventKind.TRIAL_STARTED, trial="fill", what="fill", size_bytes=4096),
        started(),
        interval(),
        ended(),
        event(EventKind.NOTE, text="a [bold] note"),
    ):
        listen(each)
    lines = out.getvalue().splitlines()
    assert lines[0] == f"run {RUN}: 2 trials, about 2m left"
    assert lines[1].startswith("  filling the target: started, about 2m")
    assert lines[2] == f"  {STEP}: started, about 2m left"
    assert lines[3:] == [f"  {STEP}: completed, steady", "note: a [bold] note"]
