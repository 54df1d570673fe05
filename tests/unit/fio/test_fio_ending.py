"""What fio's end means, on every sample of how it fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.fio.ending import FailureKind, explain_failure
from storperf.fio.parse import parse_documents

FIXTURES = Path(__file__).parents[2] / "fixtures/fio"
GOOD = {
    "exit_status": 0,
    "signal": None,
    "stopped_by_us": False,
    "timed_out": False,
    "documents": 3,
    "total_ios": 100,
    "errors": (0,),
    "last_lines": (),
}


def explain(**facts):
    return explain_failure(**(GOOD | facts))


def explain_sample(name, exit_status, **facts):
    """The verdict on a sample, with what stdout and stderr say in it."""
    output = parse_documents((FIXTURES / f"{name}.stdout").read_bytes())
    messages = FIXTURES / f"{name}.stderr"
    lines = messages.read_text().splitlines() if messages.exists() else []
    last = output.documents[-1] if output.documents else None
    return explain(
        exit_status=exit_status,
        documents=len(output.documents),
        total_ios=last.total_ios if last else 0,
        errors=last.errors if last else (),
        last_lines=[*output.notes, *lines],
        **facts,
    )


@pytest.mark.parametrize(
    ("name", "exit_status", "kind", "says"),
    [
        ("bad-ioengine", 1, "bad_option", "nosuch"),
        ("bad-option_parse-error", 1, "bad_option", "failed parsing rw=reed"),
        ("failed-job_open-error", 1, "open", "failed to create dir (/proc/nope)"),
        ("mixed_one-ok-one-failed_enospc", 1, "no_space", "1 of 2 fio jobs failed"),
        ("verify-error", 1, "verify", "bad header crc 947af393"),
        ("killed-SIGINT", 128, "killed", "terminating on signal 2"),
        ("killed-SIGTERM", 128, "killed", "terminating on signal 15"),
    ],
)
def test_a_sample_of_a_failure_has_its_kind_and_what_fio_said(name, exit_status, kind, says):
    failure = explain_sample(name, exit_status)
    assert failure.kind == kind
    assert says in failure.sentence
    assert "\n" not in failure.sentence


@pytest.mark.parametrize("name", ["killed-SIGINT", "killed-SIGTERM"])
def test_our_own_stop_is_a_measurement(name):
    assert explain_sample(name, 128, stopped_by_us=True) is None


def test_a_good_sample_is_a_measurement():
    assert explain_sample("SIGUSR1-midrun", 0) is None
    assert explain() is None


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"timed_out": True}, "hung"),
        ({"timed_out": True, "exit_status": 128, "stopped_by_us": True}, "hung"),
        ({"timed_out": True, "exit_status": None, "signal": 9}, "hung"),
        ({"exit_status": None, "signal": 9}, "killed"),
        ({"exit_status": None, "signal": 11, "stopped_by_us": True}, "killed"),
        ({"exit_status": None, "signal": 250}, "killed"),
        ({"exit_status": None}, "other"),
        ({"exit_status": 128}, "killed"),
        ({"exit_status": 128, "stopped_by_us": True, "total_ios": 0}, "no_io"),
        ({"exit_status": 128, "stopped_by_us": True, "documents": 0}, "rubbish"),
        ({"exit_status": 129}, "other"),
        ({"exit_status": 1, "stopped_by_us": True}, "other"),
        ({"exit_status": 1}, "other"),
        ({"exit_status": 1, "documents": 0}, "other"),
        ({"exit_status": 1, "total_ios": 0}, "open"),
        ({"exit_status": 1, "last_lines": ["x: No space left on device"]}, "no_space"),
        (
            {"exit_status": 1, "documents": 0, "last_lines": ["fio: unrecognized option '--x'"]},
            "bad_option",
        ),
        ({"documents": 0}, "rubbish"),
        ({"total_ios": 0}, "no_io"),
        ({"errors": (5,)}, "io_error"),
        ({"errors": (0, 5, 28), "exit_status": 1}, "no_space"),
        ({"errors": (5, 84), "exit_status": 1}, "verify"),
        ({"errors": (84,), "timed_out": True}, "verify"),
        ({"errors": (84,), "exit_status": 128, "stopped_by_us": True}, "verify"),
        ({"last_lines": ["verify: bad magic header 0, wanted acca"]}, "verify"),
        ({"errors": (5,), "exit_status": 128, "stopped_by_us": True}, "io_error"),
    ],
)  # fmt: skip
def test_an_end_that_is_no_measurement_has_a_reason(facts, kind):
    failure = explain(**facts)
    assert failure is not None
    assert failure.kind == kind
    assert failure.sentence


def test_a_long_line_is_shortened():
    failure = explain(exit_status=1, last_lines=["fio: " + "x" * 10_000])
    assert len(failure.sentence) < 500


def test_an_error_that_is_no_errno_is_a_failure_all_the_same():
    # What fio 3.33 prints for each fio job when its NBD server dies.
    line = "fio: nbd_poll: nbd_poll: nothing to poll for in state DEAD: Invalid argument"
    failure = explain(exit_status=1, errors=(4294967295,), last_lines=(line,))
    assert failure.kind is FailureKind.IO_ERROR
    assert failure.sentence == (
        f"1 of 1 fio jobs failed: the ioengine gave no reason (error 4294967295); it said: {line}"
    )


def test_the_sentence_names_the_signal():
    assert "signal 9 (SIGKILL)" in explain(exit_status=None, signal=9).sentence


@given(
    st.fixed_dictionaries(
        {
            "exit_status": st.none() | st.integers(0, 255),
            "signal": st.none() | st.integers(1, 64),
            "stopped_by_us": st.booleans(),
            "timed_out": st.booleans(),
            "documents": st.integers(0, 3),
            "total_ios": st.integers(0, 3),
            "errors": st.lists(st.sampled_from([0, 5, 28, 84]), max_size=3),
            "last_lines": st.lists(st.text(max_size=20), max_size=3),
        }
    )
)
def test_only_an_end_without_any_blemish_is_a_measurement(facts):
    failure = explain_failure(**facts)
    is_clean = (
        (facts["exit_status"] == 0 or (facts["exit_status"] == 128 and facts["stopped_by_us"]))
        and facts["signal"] is None
        and not facts["timed_out"]
        and facts["documents"] > 0
        and facts["total_ios"] > 0
        and not any(facts["errors"])
        and not any(line.startswith("verify:") for line in facts["last_lines"])
    )
    assert (failure is None) == is_clean
    assert failure is None or failure.kind in FailureKind
