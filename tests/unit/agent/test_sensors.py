"""Host figures: rates of counters and plain gauges, from whatever /proc this kernel has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.agent import sensors
from storperf.agent.sensors import HostSensors

STAT = "cpu  {user} 0 200 1000 50 0 0 7 0 0\ncpu0 1 2 3 4\nintr 5\nctxt {ctxt}\nbtime 1\n"
DISK = "   8  0 {name} {reads} 0 800 10 50 0 1600 20 0 {busy} 300 0 0 0 0 0 0\n"
NET = "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes\n"
MEMINFO = "MemTotal: 100 kB\nMemAvailable:   60 kB\nDirty: 4 kB\nHugePages_Total: 0\n"
LOADAVG = "0.52 0.58 0.59 3/467 12345\n"


@pytest.fixture
def proc(tmp_path):
    (tmp_path / "net").mkdir()
    write(tmp_path, user=100, ctxt=1000, reads=100, busy=500)
    (tmp_path / "net" / "dev").write_text(NET)
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "loadavg").write_text(LOADAVG)
    return tmp_path


def write(proc, *, user, ctxt, reads, busy, name="vda"):  # noqa: PLR0913 - by keyword
    (proc / "stat").write_text(STAT.format(user=user, ctxt=ctxt))
    (proc / "diskstats").write_text(DISK.format(name=name, reads=reads, busy=busy))


def two_samples(proc, **second):
    host = HostSensors(str(proc))
    assert host.sample(10.0) is None
    write(proc, **second)
    found = host.sample(12.0)
    host.close()
    return found


def test_counters_are_rates_per_second_and_gauges_as_found(proc):
    found = two_samples(proc, user=300, ctxt=1500, reads=150, busy=1500)
    assert found["cpu.user"] == pytest.approx(200 / sensors._TICKS_PER_S / 2)
    assert found["cpu.context_switches"] == 250
    assert found["disk.vda.reads"] == 25
    assert found["disk.vda.busy"] == 0.5
    assert found["memory.available_bytes"] == 60 * 1024
    assert found["load.1m"] == 0.52
    assert found["load.runnable"] == 3
    assert "memory.swap_free_bytes" not in found


def test_a_counter_that_went_back_is_missing_for_one_slice(proc):
    found = two_samples(proc, user=50, ctxt=1500, reads=150, busy=1500)
    assert "cpu.user" not in found
    assert found["cpu.context_switches"] == 250


def test_a_disk_that_appears_has_no_rate_yet(proc):
    found = two_samples(proc, user=300, ctxt=1500, reads=150, busy=1500, name="sdb")
    assert not any(name.startswith("disk.") for name in found)


def test_no_time_gone_is_no_sample(proc):
    host = HostSensors(str(proc))
    assert host.sample(10.0) is None
    assert host.sample(10.0) is None
    host.close()


def test_a_host_without_anything_yields_nothing_and_no_error(tmp_path):
    host = HostSensors(str(tmp_path))
    host.sample(1.0)
    assert host.sample(2.0) == {}
    host.close()


@pytest.mark.parametrize("name", ["stat", "diskstats", "net/dev", "meminfo", "loadavg"])
def test_a_file_that_reads_strangely_costs_only_its_own_figures(proc, name):
    (proc / name).write_text(
        "cpu x\n\nMemAvailable: much\n 8 0 sda a b c d e f g h i j k\na: b" * 3
    )
    host = HostSensors(str(proc))
    host.sample(1.0)
    found = host.sample(2.0)
    host.close()
    assert len(found) >= 4


def test_files_larger_than_a_page_are_read_whole(proc):
    lines = [DISK.format(name=f"sd{n}", reads=n, busy=0) for n in range(5000)]
    (proc / "diskstats").write_text("".join(lines))
    host = HostSensors(str(proc))
    host.sample(1.0)
    found = host.sample(2.0)
    host.close()
    assert sum(name.endswith(".reads") for name in found) == 5000


def test_a_file_of_the_kernel_is_read_whole():
    # It hands out a page at a time, however large the buffer is.
    source = sensors._Source("/proc/self/maps", lambda text: {text.splitlines()[-1]: len(text)})
    ((last_line, size),) = source.read().items()
    os.close(source.fd)
    assert size > 4096
    assert last_line == Path("/proc/self/maps").read_text().splitlines()[-1]


def test_old_kernels_have_fewer_fields_and_partitions_of_very_old_ones_none():
    old = "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n"
    assert sensors.parse_diskstats(old)["disk.sda.queue"] == 0.011
    assert sensors.parse_diskstats("8 1 sda1 1 2 3 4\n") == {}
    assert sensors.parse_stat("cpu  1 2 3 4\n").keys() == {
        *("cpu.user", "cpu.nice", "cpu.system", "cpu.idle")
    }


def test_what_is_no_hardware_is_left_out():
    lines = "".join(
        DISK.format(name=name, reads=1, busy=1) for name in ("loop0", "ram1", "sr0", "zram0")
    )
    assert sensors.parse_diskstats(lines) == {}


@pytest.mark.parametrize(
    ("interface", "name"),
    [("eth0", "eth0"), ("eth0.100", "eth0_100"), ("a:b", "a:b"), ("veth@x", "veth@x")],
)
def test_interfaces_have_odd_names(interface, name):
    numbers = " ".join(map(str, range(1, 17)))
    found = sensors.parse_net_dev(NET + f"  {interface}: {numbers}\n    lo: {numbers}\n")
    assert found == {
        f"net.{name}.receive_bytes": 1.0,
        f"net.{name}.transmit_bytes": 9.0,
        f"net.{name}.drops": 4.0 + 12.0,
    }


def test_pressure_is_seconds_waited():
    text = "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 total=1000\n"
    assert sensors.parse_pressure(text) == {"some": 2.5, "full": 0.001}
    assert sensors.parse_pressure("some avg10=0.00 total=5\n") == {"some": 0.000005}


@given(st.text(max_size=200))
def test_no_text_is_anything_but_figures_or_a_known_error(text):
    parsers = ("stat", "diskstats", "net_dev", "pressure", "meminfo", "loadavg")
    for parser in parsers:
        try:
            found = getattr(sensors, "parse_" + parser)(text)
        except (ValueError, IndexError):
            continue
        assert all(isinstance(value, float) for value in found.values())
