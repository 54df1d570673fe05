"""fio's version."""

from __future__ import annotations

import pytest

from storperf.fio.version import (
    MINIMUM,
    is_supported,
    least_version,
    parse_version,
    version_fault,
)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("fio-3.33\n", (3, 33)),
        ("fio-3.36-12-gabcdef", (3, 36)),
        ("fio-2.99", (2, 99)),
        ("fio-3.1", (3, 1)),
        ("fio-10.0", (10, 0)),
    ],
)
def test_version_is_read(text, version):
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["", "3.33", "fio", "fio-x", "fio-3", "bash: fio: not found"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(ValueError, match="not a version of fio"):
        parse_version(text)


def test_versions_are_compared_as_numbers():
    assert is_supported(MINIMUM)
    assert is_supported((3, 100))
    assert not is_supported((3, 9))
    assert not is_supported((2, 99))


def test_a_version_that_can_be_used_has_no_fault():
    assert version_fault(f"fio-{least_version()}\n") is None


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("gizmo 1\n", "--version says 'gizmo 1', not a version of fio such as fio-3.33"),
        ("fio-3.19", "fio-3.19 is too old; storperf needs 3.20 or newer"),
    ],
)
def test_a_version_that_cannot_be_used_says_why(said, fault):
    assert version_fault(said) == fault
