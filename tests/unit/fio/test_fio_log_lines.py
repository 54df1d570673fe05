"""Lines of fio's logs as columns: the same whatever the pieces, and no byte taken on trust."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.errors import UsageError
from storperf.fio.log_lines import LogLines

NUMBERS = st.one_of(st.integers(0, 10**5), st.integers(0, 10**16 - 1))
LINES = st.lists(
    st.tuples(NUMBERS, NUMBERS, st.integers(0, 2), st.sampled_from((0, 4096, 2**20))), min_size=1
)


def text_of(lines, more=", 0"):
    return "".join(f"{t}, {v}, {op}, {bs}{more}\n" for t, v, op, bs in lines).encode()


def read(text, size=1 << 20):
    """Every line of a log read in pieces of `size`, as tuples, and the torn rest."""
    reader, found = LogLines("x.log"), []
    for start in range(0, len(text), size):
        rows = reader.feed(text[start : start + size])
        if rows is not None:
            columns = rows.time_ms(), rows.value, rows.op, rows.block_bytes
            found += list(zip(*(column.tolist() for column in columns), strict=True))
            assert rows.ends_ms() == (found[-len(rows)][0], found[-1][0])
    assert reader.lines == len(found)
    return found, reader.finish()


@given(lines=LINES, size=st.integers(1, 300), more=st.sampled_from(("", ", 0", ", 8192, 0")))
def test_what_was_written_is_read_in_pieces_of_any_size(lines, size, more):
    assert read(text_of(lines, more), size) == (lines, "")


@given(lines=LINES, more=st.sampled_from((", 0x0000", ", 4096, 0x2004", ", 0, 1, 12345678901")))
def test_priorities_in_hexadecimal_and_times_of_issue_are_read_over(lines, more):
    assert read(text_of(lines, more)) == (lines, "")


def test_lines_may_end_as_on_windows():
    assert read(b"1, 20, 0, 4096, 0\r\n2, 30, 1, 4096, 0\r\n") == (
        [(1, 20, 0, 4096), (2, 30, 1, 4096)],
        "",
    )


def test_what_a_killed_fio_left_of_a_line_is_given_apart():
    text = text_of([(1, 20, 0, 4096)]) + b"2, 30, 1, 40"
    assert read(text) == ([(1, 20, 0, 4096)], "2, 30, 1, 40")
    assert read(text, 3) == read(text)


BROKEN = (
    "2, 30, 3, 4096, 0",
    "2, 30, 10, 4096, 0",
    "2, 30, 1, 4096",
    "2, 30, 1, 4096, 0, 0",
    "2, , 1, 4096, 0",
    ", 30, 1, 4096, 0",
    "2, 30, 1, 4096, ",
    "",
    "2,30, 1, 4096, 0",
    "2 , 30, 1, 4096, 0",
    "2, 3 0, 1, 4096, 0",
    "2, 30, 1,  4096, 0",
    "2, 30, 1, 4096, 0 ",
    "2, -30, 1, 4096, 0",
    "2, 3.5, 1, 4096, 0",
    "2, 1e3, 1, 4096, 0",
    "2, nan, 1, 4096, 0",
    "2, 0x1f, 1, 4096, 0",
    "2, 12345678901234567, 1, 4096, 0",
    "2, 30, 1, 4096, 0\x00",
    "2, ٣٠, 1, 4096, 0",
    "2, 302, 30, 1, 4096, 0",
    "fio: terminating on signal 2",
)


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("before", [1, 2, 500])
def test_a_garbled_line_is_refused_with_its_number(broken, before):
    good = text_of([(n, 1000 + n, n % 2, 4096) for n in range(before)])
    text = good + broken.encode() + b"\n" + text_of([(2, 30, 1, 4096)])
    for size in (1 << 20, 100):
        with pytest.raises(UsageError, match=rf"^x\.log, line {before + 1} ") as refused:
            read(text, size)
        assert refused.value.facts == {"source": "x.log", "line": before + 1}


def test_the_first_line_says_how_many_columns_there_are():
    with pytest.raises(UsageError, match="line 2 "):
        read(b"1, 20, 0, 4096\n" + text_of([(2, 30, 1, 4096)]))
    with pytest.raises(UsageError, match="line 1 "):
        read(b"1, 20, 0\n1, 20, 0\n")


def test_lines_that_lack_a_column_are_not_made_up_for_by_longer_ones():
    first = text_of([(1, 20, 0, 4096)])
    for torn in (b"1, 20, 0, 0\n2, 30, 1, 0, 0, 0\n", b"1, 20, 0, 0, 0, 0\n2, 30, 1, 0\n"):
        with pytest.raises(UsageError, match="line 2 "):
            read(first + torn)


@given(
    lines=st.lists(st.tuples(NUMBERS, NUMBERS, st.integers(0, 2), st.just(4096)), min_size=2),
    place=st.integers(0),
    byte=st.one_of(st.integers(0, 255), st.sampled_from(b"0123456789, \n")),
)
def test_with_any_byte_changed_it_is_refused_or_read_as_it_stands(lines, place, byte):
    text = bytearray(text_of(lines))
    text[place % len(text)] = byte
    whole, end, rest = bytes(text).rpartition(b"\n")
    try:
        found, torn = read(bytes(text))
    except UsageError:
        return
    stands = [tuple(map(int, line.split(b", ")[:4])) for line in (whole + end).splitlines()]
    assert (found, torn) == (stands, rest[:80].decode("utf-8", "replace"))


def test_a_file_without_line_ends_is_no_log():
    reader = LogLines("disk.img")
    assert reader.feed(bytes(4096)) is None
    with pytest.raises(UsageError, match=r"disk\.img, line 1 "):
        reader.feed(b"0")


def test_numbers_of_every_length_are_exact():
    lines = [(10**n, 10**n - 1, 0, 4096) for n in range(16)]
    found, _ = read(text_of(lines))
    assert found == lines
    assert np.array([line[1] for line in found]).max() == 10**15 - 1
