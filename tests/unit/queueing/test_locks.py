"""One server a results folder, one child a run; a lock goes with its holder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storperf.errors import Conflict
from storperf.queueing.locks import has_child, is_served, serving, take_child_lock
from storperf.settings import read_settings


@pytest.fixture
def settings(tmp_path):
    return read_settings({"HOME": str(tmp_path)}, Path(tmp_path))


def test_a_second_server_is_told_the_process_of_the_first(settings):
    assert not is_served(settings)
    with serving(settings):
        assert is_served(settings)
        with pytest.raises(Conflict, match=rf"served already, by process {os.getpid()};"):
            serving(settings).__enter__()
    assert not is_served(settings)
    with serving(settings):
        assert is_served(settings)


def test_a_run_has_one_child_until_the_lock_is_let_go(tmp_path):
    assert not has_child(tmp_path)
    fd = take_child_lock(tmp_path)
    assert has_child(tmp_path)
    assert take_child_lock(tmp_path) is None
    heir = os.dup(fd)
    os.close(fd)
    assert has_child(tmp_path)
    os.close(heir)
    assert not has_child(tmp_path)
