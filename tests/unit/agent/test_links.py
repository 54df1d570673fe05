"""A link's speed, and every way a kernel has to say that it knows none."""

from __future__ import annotations

import pytest

from storperf.agent.links import Links, is_lasting, link_bytes_per_s


@pytest.fixture
def speed_file(tmp_path):
    folder = tmp_path / "class/net/eth0"
    folder.mkdir(parents=True)
    return folder / "speed"


def test_megabits_become_bytes(tmp_path, speed_file):
    speed_file.write_text("10000\n")
    assert link_bytes_per_s("eth0", str(tmp_path)) == 1.25e9


@pytest.mark.parametrize("said", ["-1\n", "0\n", "4294967295\n", "", "unknown\n"])
def test_what_is_no_speed_is_unknown(tmp_path, speed_file, said):
    speed_file.write_text(said)
    assert link_bytes_per_s("eth0", str(tmp_path)) is None


def test_a_link_that_is_down_or_has_no_such_file_is_unknown(tmp_path, speed_file):
    assert link_bytes_per_s("eth0", str(tmp_path)) is None
    speed_file.mkdir()  # reading it is an error, as EINVAL is
    assert link_bytes_per_s("eth0", str(tmp_path)) is None


def test_a_speed_is_looked_up_again_as_it_may_be_another(tmp_path, speed_file):
    links = Links(str(tmp_path))
    speed_file.write_text("1000\n")
    assert links.share_used("eth0", 62.5e6, 0.0) == 0.5
    speed_file.write_text("100\n")
    assert links.share_used("eth0", 62.5e6, 5.0) == 0.5
    assert links.share_used("eth0", 6.25e6, 11.0) == 0.5
    speed_file.write_text("-1\n")
    assert links.share_used("eth0", 6.25e6, 30.0) is None


def test_interfaces_that_come_and_go_with_containers_are_left_out():
    assert all(map(is_lasting, ("eth0", "ens3f1", "bond0", "ib0", "br0", "wlan0")))
    assert not any(map(is_lasting, ("veth1a2b", "cali77", "br-0af3", "tap0", "vnet2", "ifb1")))
