"""Who used the host's CPU, memory and I/O."""

from __future__ import annotations

import os

import pytest

from storperf.agent.proc_texts import TICKS_PER_S
from storperf.agent.processes import Processes, parse_io, parse_process

KERNEL_THREAD = 0x00200000
STAT = (
    "{pid} ({name}) {state} {parent} 1 1 0 -1 {flags} 5 5 0 0 {user} {system} 0 0 20 0 4 0 "
    "{started} 9 {rss} 18"
)


class Host:
    """Processes in a folder."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "meminfo").write_text("no process\n")

    def put(self, pid, name, cpu_s=0.0, *, parent=1, io=None, **fields):
        values = {"state": "S", "flags": 0, "system": 0, "started": pid, "rss": 10, **fields}
        place = self.folder / str(pid)
        place.mkdir(exist_ok=True)
        user = round(cpu_s * TICKS_PER_S)
        (place / "stat").write_text(
            STAT.format(pid=pid, name=name, parent=parent, user=user, **values)
        )
        if io is not None:
            (place / "io").write_text(f"rchar: 1\nread_bytes: {io[0]}\nwrite_bytes: {io[1]}\n")

    def end(self, pid):
        for file in (self.folder / str(pid)).iterdir():
            file.unlink()
        (self.folder / str(pid)).rmdir()


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def free():
    """A clock by which looking costs nothing."""
    return 0.0


def watcher(host, *named, clock=free):
    return Processes(str(host.folder), named, clock)


def test_a_name_may_hold_blanks_and_brackets():
    line = STAT.format(
        pid=7,
        name="a) R (b",
        state="S",
        parent=3,
        flags=KERNEL_THREAD,
        user=200,
        system=50,
        started=99,
        rss=2,
    )
    found = parse_process(line)
    assert (found.name, found.parent, found.started) == ("a) R (b", 3, 99)
    assert found.cpu_s == 250 / TICKS_PER_S
    assert found.memory_bytes == 2 * os.sysconf("SC_PAGE_SIZE")
    assert found.is_kernel


@pytest.mark.parametrize("state", ["Z", "X"])
def test_one_that_has_ended_is_no_process(state):
    line = STAT.format(
        pid=7,
        name="gone",
        state=state,
        parent=3,
        flags=0,
        user=0,
        system=0,
        started=9,
        rss=0,
    )
    assert parse_process(line) is None
    assert parse_process("") is None


@pytest.mark.parametrize("text", ["12 (a) S 1", "rubbish) R x y z", "7 (a) R " + "x " * 30])
def test_a_strange_line_costs_that_process_alone(host, text):
    watch = watcher(host, "good")
    for cpu_s in (0.0, 1.0):
        host.put(10, "strange")
        (host.folder / "10/stat").write_text(text)
        host.put(11, "good", cpu_s)
        (host.folder / "11/io").write_text("read_bytes: many\n")
        found = watch.look(cpu_s, 0.0)
    assert found["process.good.cpu"] == 1.0


def test_storage_is_counted_and_not_the_page_cache():
    text = "rchar: 9\nwchar: 8\nsyscr: 7\nsyscw: 6\nread_bytes: 5\nwrite_bytes: 4\n"
    assert parse_io(text) == (5, 4)


def test_the_cpu_is_parted_between_fio_the_agent_the_kernel_and_others(host):
    agent = os.getpid()
    watch = watcher(host)
    for cpu_s in (10.0, 12.0):
        host.put(agent, "python3", cpu_s / 10)
        host.put(500, "fio", 0.0, parent=agent)
        host.put(501, "fio", cpu_s, parent=500)
        host.put(9, "kworker/0:1", cpu_s / 4, flags=KERNEL_THREAD)
        host.put(77, "backup", cpu_s / 2)
        found = watch.look(cpu_s, cpu_s * 2, (500,))
    # 2 s went by: others took what is left of 4 s of CPU, the short-lived among them.
    assert found == {
        "cpu.fio": 1.0,
        "cpu.agent": 0.1,
        "cpu.kernel_threads": 0.25,
        "cpu.others": pytest.approx(2.0 - 1.0 - 0.1 - 0.25),
    }


def test_without_the_hosts_counters_nobody_knows_of_others(host):
    watch = watcher(host)
    watch.look(1.0, None)
    assert "cpu.others" not in watch.look(2.0, None)


def test_a_named_program_is_the_sum_of_its_processes(host):
    watch = watcher(host, "ceph-osd", "not.there")
    for pid in (10, 11):
        host.put(pid, "ceph-osd", 1.0, io=(1000, 0))
    assert watch.look(0.0, 0.0) == {}
    for pid in (10, 11):
        host.put(pid, "ceph-osd", 1.5, io=(5000, 8000), rss=3)
    found = watch.look(2.0, 1.0)
    page = os.sysconf("SC_PAGE_SIZE")
    assert {name: value for name, value in found.items() if name.startswith("process.")} == {
        "process.ceph-osd.count": 2.0,
        "process.ceph-osd.cpu": 0.5,
        "process.ceph-osd.memory_bytes": 6.0 * page,
        "process.ceph-osd.read_bytes": 4000.0,
        "process.ceph-osd.write_bytes": 8000.0,
        "process.not_there.count": 0.0,
    }


def test_a_name_that_the_kernel_cut_off_is_found(host):
    watch = watcher(host, "a-program-with-a-long-name")
    host.put(10, "a-program-with-")
    watch.look(0.0, 0.0)
    assert watch.look(1.0, 0.0)["process.a-program-with-.count"] == 1.0


def test_io_that_may_not_be_seen_is_no_figure(host):
    watch = watcher(host, "secret")
    for cpu_s in (1.0, 2.0):
        host.put(10, "secret", cpu_s)
        found = watch.look(cpu_s, 0.0)
    assert found["process.secret.cpu"] == 1.0
    assert "process.secret.read_bytes" not in found


def test_a_number_that_is_used_again_is_another_process(host):
    watch = watcher(host, "new")
    host.put(10, "old", 50.0, io=(10**9, 0))
    watch.look(0.0, 0.0)
    host.end(10)
    host.put(10, "new", 0.25, io=(2048, 0), started=12345)
    found = watch.look(1.0, 0.0)
    assert found["process.new.cpu"] == 0.25
    assert found["process.new.read_bytes"] == 2048.0


def test_the_busiest_are_told_by_name_and_few_of_them(host):
    watch = watcher(host)
    for cpu_s in (0.0, 1.0):
        for number in range(30):
            host.put(100 + number, f"p{number:02}", cpu_s * number)
        host.put(300, "writer", cpu_s / 100, io=(0, round(cpu_s) * 10**8))
        host.put(301, "large", 0.0, rss=10**6)
        host.put(302, "idle", 0.0)
        host.put(9, "kworker", cpu_s * 99, flags=KERNEL_THREAD)
        watch.look(cpu_s * 2, 0.0)
    told = watch.top()
    names = [each["name"] for each in told]
    assert names == ["p29", "p28", "p27", "p26", "writer", "large"]
    assert told[0]["cpu_cores"] == 14.5
    assert told[4]["write_bytes_per_s"] == 50_000_000
    assert "read_bytes_per_s" not in told[0]


def test_nobody_is_told_before_there_was_a_slice(host):
    watch = watcher(host)
    host.put(10, "busy", 5.0)
    watch.look(0.0, 0.0)
    assert watch.top() == []


@pytest.mark.parametrize(("named", "share"), [((), 0.001), (("x",), 0.004)])
def test_looking_takes_a_little_at_once_and_then_its_share_of_a_core(host, named, share):
    spent_ms = [0.0]

    def expensive():
        spent_ms[0] += 7.5
        return spent_ms[0] / 1000

    watch = watcher(host, *named, clock=expensive)
    found = [bool(watch.look(float(second), 1.0)) for second in range(101)]
    assert found[1:3] == [True, True]
    allowed_ms = 20 + 100_000 * share
    assert allowed_ms - 7.5 < (sum(found) + 1) * 7.5 < allowed_ms + 2 * 7.5
