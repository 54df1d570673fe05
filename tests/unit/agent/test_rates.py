"""What a counter that went back means: it wrapped, or its device started anew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.agent.rates import DEVICE, NET, WRAP, rates_of_device, rates_of_host

# One I/O at a time, on a disk that has been busy for 49.7 days.
BUSY = {"reads": 900_000, "read_sectors": 7_200_000, "busy_ms": WRAP - 300, "queue_ms": WRAP - 10}


def step(before, **changes):
    return {key: (value + changes.get(key, 0)) % WRAP for key, value in before.items()}


def test_milliseconds_that_wrap_are_a_right_difference():
    now = step(BUSY, reads=100, read_sectors=800, busy_ms=1000, queue_ms=1000)
    assert now["busy_ms"] < BUSY["busy_ms"]
    assert rates_of_device(BUSY, now, 2.0, DEVICE) == {
        "reads": 50,
        "read_bytes": 800 * 512 / 2,
        "busy": 0.5,
        "queue": 0.5,
    }


def test_bytes_of_an_interface_wrap_on_a_32_bit_kernel():
    before = {"receive_bytes": WRAP - 1000, "transmit_bytes": 5}
    now = {"receive_bytes": 500, "transmit_bytes": 25}
    assert rates_of_device(before, now, 1.0, NET) == {
        "receive_bytes": 1500.0,
        "transmit_bytes": 20.0,
    }


def test_a_device_that_started_anew_has_no_figure_at_all():
    # Its busy time and its discards went on by chance.
    before = {"reads": 900, "read_sectors": 9000, "busy_ms": 20, "discards": 0}
    now = {"reads": 12, "read_sectors": 96, "busy_ms": 25, "discards": 1}
    assert rates_of_device(before, now, 1.0, DEVICE) is None


@pytest.mark.parametrize(
    ("before", "now"),
    [
        # It would have been busy for 4.3 s of one.
        ({"busy_ms": WRAP - 4000}, {"busy_ms": 300}),
        # More than half of the range.
        ({"receive_bytes": 1 << 31}, {"receive_bytes": 1}),
        # A counter of 64 bits does not wrap.
        ({"receive_bytes": 1 << 40}, {"receive_bytes": 1000}),
        # One wrap is plausible, the other one is not.
        ({"transmit_bytes": WRAP - 5, "transmit_packets": 100_000}, dict.fromkeys(NET, 7)),
    ],
)
def test_a_step_that_no_device_can_do_is_a_new_start(before, now):
    assert rates_of_device(before, now, 1.0, {**DEVICE, **NET}) is None


def test_a_field_that_only_one_of_both_has_is_left_out():
    assert rates_of_device(
        {"reads": 1, "flushes": 2}, {"reads": 3, "discards": 4}, 1.0, DEVICE
    ) == {"reads": 2.0}


@given(st.integers(0, WRAP - 1), st.integers(0, 2000), st.floats(1.0, 10.0))
def test_a_busy_time_within_the_slice_is_right_wherever_the_counter_stands(start, busy_ms, length):
    now = {"busy_ms": (start + busy_ms) % WRAP}
    found = rates_of_device({"busy_ms": start}, now, length, DEVICE)
    assert found == {"busy": pytest.approx(busy_ms / 1000 / length, abs=1e-6)}


def test_a_time_of_the_whole_host_that_went_back_is_missing_alone():
    before = {"cpu.user": 5.0, "cpu.iowait": 3.0}
    assert rates_of_host(before, {"cpu.user": 6.0, "cpu.iowait": 2.9}, 2.0) == {"cpu.user": 0.5}
