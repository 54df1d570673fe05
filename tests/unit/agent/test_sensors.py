"""Host figures: rates of counters and plain gauges, from whatever /proc this kernel has."""

from __future__ import annotations

from pathlib import Path

import pytest

from storperf.agent import sensors
from storperf.agent.proc_texts import TICKS_PER_S
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
    assert found["cpu.user"] == pytest.approx(200 / TICKS_PER_S / 2)
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
    host = HostSensors(str(tmp_path), str(tmp_path))
    host.sample(1.0)
    found = host.sample(2.0)
    host.close()
    assert set(found) <= {"cpu.fio", "cpu.agent", "cpu.kernel_threads"}


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
    source.close()
    assert size > 4096
    assert last_line == Path("/proc/self/maps").read_text().splitlines()[-1]


DISKS = """\
   8  0 sda {0} 0 {0} 0 0 0 0 0 0 0 0
   8  1 sda1 {0} 0 {0} 0 0 0 0 0 0 0 0
   8 16 sdb {0} 0 {0} 0 0 0 0 0 0 0 0
   7  3 loop3 {0} 0 {0} 0 0 0 0 0 4 0 0
   1  0 ram1 {0} 0 {0} 0 0 0 0 0 0 0 0
  11  0 sr0 {0} 0 {0} 0 0 0 0 0 0 0 0
 252  0 zram0 {0} 0 {0} 0 0 0 0 0 0 0 0
"""


def test_the_disk_under_a_target_is_named_after_the_first_of_them_whatever_it_is(proc):
    (proc / "class/block/sda1").mkdir(parents=True)
    (proc / "class/block/sda1/partition").write_text("1\n")
    host = HostSensors(str(proc), str(proc), targets={0: "sda", 1: "loop3", 2: "sda"})
    for now_s, count in ((1.0, 100), (2.0, 104)):
        (proc / "diskstats").write_text(DISKS.format(count))
        found = host.sample(now_s)
    host.close()
    disks = {name.split(".")[1] for name in found if name.startswith("disk.")}
    assert disks == {"sdb", "target-0", "target-1"}
    assert found["disk.target-1.reads"] == found["disk.target-0.reads"] == 4.0
    assert found["disk.target-1.read_bytes"] == 4 * 512
    assert found["disk.target-1.in_flight"] == 4.0


CORES = """\
cpu  0 0 0 0 0 0 0 0
cpu0 {0} 0 0 {0} 0 0 0 0
cpu1 0 0 {0} {0} 0 0 {0} {0}
cpu2 1 1 1 1
"""


def test_of_several_cores_the_busiest_is_shown_for_each_kind_of_work(proc):
    host = HostSensors(str(proc), str(proc))
    for now_s, ticks in ((1.0, 0), (2.0, 100)):
        (proc / "stat").write_text(CORES.format(ticks))
        found = host.sample(now_s)
    host.close()
    assert {name: found[name] for name in found if name.startswith("core.")} == {
        "core.busy": 0.5,
        "core.user": 0.5,
        "core.system": 0.25,
        "core.interrupts": 0.25,
        "core.steal": 0.25,
    }


def test_the_share_of_a_link_is_that_of_its_busier_direction(proc):
    (proc / "class/net/eth0").mkdir(parents=True)
    (proc / "class/net/eth0/speed").write_text("8\n")  # a million bytes a second
    host = HostSensors(str(proc), str(proc))
    for now_s, count in ((1.0, 0), (2.0, 1)):
        lines = [
            f"{name}: {count * 250_000} 1 0 0 0 0 0 0 {count * 750_000} 1 0 0 0 0 0 0"
            for name in ("eth0", "eth1", "veth77")
        ]
        (proc / "net/dev").write_text(NET + "\n".join(lines) + "\n")
        found = host.sample(now_s)
    host.close()
    assert found["net.eth0.link_share"] == 0.75
    assert "net.eth1.link_share" not in found
    assert found["net.eth1.transmit_bytes"] == 750_000
    assert not any("veth" in name for name in found)


def test_the_limit_that_holds_back_most_is_shown(proc):
    (proc / "self").mkdir()
    (proc / "self/mountinfo").write_text(f"1 1 0:1 / {proc}/cg rw - cgroup2 cgroup2 rw\n")
    (proc / "self/cgroup").write_text("0::/batch/job\n")
    (proc / "cg/batch/job").mkdir(parents=True)
    stat = "nr_periods {}\nnr_throttled {}\nthrottled_usec {}\n"
    for place in ("cg", "cg/batch", "cg/batch/job"):
        (proc / place / "cpu.stat").write_text(stat.format(10, 1, 0))
    host = HostSensors(str(proc), str(proc))
    host.sample(1.0)
    (proc / "cg/batch/cpu.stat").write_text(stat.format(20, 9, 300_000))
    (proc / "cg/batch/job/cpu.stat").write_text(stat.format(20, 2, 50_000))
    found = host.sample(2.0)
    host.close()
    assert found["cgroup.throttled"] == pytest.approx(0.3)
    assert found["cgroup.throttled_periods"] == pytest.approx(0.8)
