"""Frames go through any pipe unchanged, and damage is never read as a message."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storperf.agent import frames

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False).map(abs),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: value != float("inf"))
messages = st.dictionaries(st.text(), values, max_size=4)
kinds = st.sampled_from([frames.COMMAND, frames.REPLY, frames.RECORD])


def no_infinity(message):
    try:
        frames.encode(frames.RECORD, message)
    except ValueError:
        return False
    return True


@settings(max_examples=40)
@given(st.lists(st.tuples(kinds, messages.filter(no_infinity)), max_size=5), st.data())
def test_what_is_encoded_comes_back_however_it_is_cut(sent, data):
    stream = b"".join(frames.encode(kind, message) for kind, message in sent)
    reader = frames.FrameReader()
    found = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += reader.feed(stream[:size])
        stream = stream[size:]
    assert found == sent


def test_one_byte_at_a_time_is_enough():
    stream = frames.encode(frames.RECORD, {"n": 1}) + frames.encode(frames.REPLY, {"id": 2})
    reader = frames.FrameReader()
    found = [found for at in range(len(stream)) for found in reader.feed(stream[at : at + 1])]
    assert found == [(frames.RECORD, {"n": 1}), (frames.REPLY, {"id": 2})]
    assert reader.consumed_bytes == len(stream)


def test_a_torn_frame_is_no_message_and_not_consumed():
    whole = frames.encode(frames.RECORD, {"n": 1})
    for length in range(len(whole)):
        reader = frames.FrameReader()
        assert list(reader.feed(whole + whole[:length])) == [(frames.RECORD, {"n": 1})]
        assert reader.consumed_bytes == len(whole)


@given(st.integers(0, 11 + len(b'{"n":12345}')), st.integers(1, 255))
def test_a_changed_byte_is_never_read_as_another_message(at, change):
    good = frames.encode(frames.RECORD, {"n": 12345})
    bad = bytearray(good)
    bad[at] ^= change
    reader = frames.FrameReader()
    try:
        found = list(reader.feed(bytes(bad)))
    except frames.FrameError:
        return
    # The kind is not under the checksum; a longer length is a frame that has not come yet.
    assert found == [] or found[0][1] == {"n": 12345}


def test_frames_before_a_damaged_one_are_given_and_counted():
    good = frames.encode(frames.RECORD, {"n": 1})
    bad = bytearray(frames.encode(frames.RECORD, {"n": 2}))
    bad[-2] ^= 1
    reader, found = frames.FrameReader(), []
    with pytest.raises(frames.FrameError, match="checksum"):
        found.extend(reader.feed(good + good + bytes(bad) + good))
    assert reader.consumed_bytes == 2 * len(good)


def test_another_version_is_named():
    frame = bytearray(frames.encode(frames.RECORD, {}))
    frame[2] = 9
    with pytest.raises(frames.FrameError, match="version 9; this side speaks 1"):
        list(frames.FrameReader().feed(bytes(frame)))


def test_what_is_no_frame_is_shown():
    with pytest.raises(frames.FrameError, match="not a frame: b'Permission denied"):
        list(frames.FrameReader().feed(b"Permission denied, please try again"))


def test_a_message_that_is_too_long_is_refused_on_both_sides(monkeypatch):
    frame = frames.encode(frames.RECORD, {"text": "x" * 100})
    monkeypatch.setattr(frames, "MAX_PAYLOAD_BYTES", 50)
    with pytest.raises(frames.FrameError, match="does not fit"):
        frames.encode(frames.RECORD, {"text": "x" * 100})
    with pytest.raises(frames.FrameError, match="over the limit"):
        list(frames.FrameReader().feed(frame))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_figure_that_is_no_number_is_never_sent(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        frames.encode(frames.RECORD, {"iops": value})


@pytest.mark.parametrize("payload", [b"[1]", b"7", b"null", b"{", b"\xff", b""])
def test_a_payload_that_is_no_object_is_a_frame_error(payload):
    frame = frames.wrap(frames.COMMAND, payload)
    with pytest.raises(frames.FrameError):
        list(frames.FrameReader().feed(frame))
