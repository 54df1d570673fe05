"""From facts of a machine to findings: every rule on both sides of its bound."""

from __future__ import annotations

import copy
import dataclasses

import pytest
from unit.reports.result_values import a_job

from storperf.doctor.judge import judge_fitness
from storperf.doctor.wanted import wanted_by_directory, wanted_by_job
from storperf.errors import ExitCode
from storperf.model.finding import Level
from storperf.model.job import Matrix, Side
from storperf.model.target import Target, TargetKind

GIB = 1 << 30
DEVICE = {
    "name": "nvme0n1",
    "model": "Good 1",
    "scheduler": "[none] mq-deadline",
    "rotational": "0",
    "nr_requests": "255",
    "logical_block_size": "512",
    "write_cache": "write back",
}
TARGET = {
    "path": "/x",
    "kind": "directory",
    "examined": "/x",
    "is_writable": True,
    "free_bytes": 500 * GIB,
    "size_bytes": 1000 * GIB,
    "device": "259:1",
    "file_system": "xfs",
    "mount_options": "rw",
    "source": "/dev/nvme0n1p1",
    "direct": True,
    "devices": [DEVICE],
}
A_DEVICE = {
    "path": "/dev/sdb",
    "kind": "device",
    "device": "8:16",
    "serials": ["S1"],
    "size_bytes": 10 * GIB,
    "direct": True,
    "devices": [DEVICE],
}
BUSY = {
    "reads_per_s": 1.0,
    "read_bytes_per_s": 4096.0,
    "writes_per_s": 0.0,
    "write_bytes_per_s": 0.0,
    "busy_share": 0.0,
}
FACTS = {
    "host": {"host": "h"},
    "fio": {"version": "fio-3.33", "engines": ["psync", "libaio", "io_uring"]},
    "governors": {"performance": 8},
    "virtual": {"is_virtual": False, "name": "", "container": ""},
    "clock": {"is_synchronised": True, "source": "the kernel", "largest_error_s": 0.012},
    "memory": {
        "total_bytes": 64 * GIB,
        "available_bytes": 60 * GIB,
        "swap_bytes": 8 * GIB,
        "swap_free_bytes": 8 * GIB,
    },
    "limits": {
        "open_files": 1024,
        "open_files_hard": 4096,
        "is_root": False,
        "aio_used": 0,
        "aio_allowed": 65536,
        "io_uring_disabled": 0,
    },
    "targets": [TARGET],
    "activity": {
        "interval_s": 1.0,
        "cpu": {"steal_share": 0.0, "busy_share": 0.02},
        "devices": {"nvme0n1": BUSY},
        "pressure": {"cpu": 0.0, "io": 0.0, "memory": 0.0},
        "swapped_bytes_per_s": 0,
        "load_1m": 0.1,
        "processes": [],
        "fio_pids": [],
    },
}
FOLDER = {
    "path": "/r",
    "examined": "/r",
    "is_writable": True,
    "free_bytes": 50 * GIB,
    "size_bytes": 100 * GIB,
    "device": "8:1",
}


def facts_with(changes):
    """The facts of a fit machine, changed at places such as `activity.cpu.busy_share`."""
    facts = copy.deepcopy(FACTS)
    for place, value in changes.items():
        *above, last = place.split(".")
        inner = facts
        for key in above:
            inner = inner[int(key)] if isinstance(inner, list) else inner[key]
        if value is ...:
            del inner[last]
        else:
            inner[int(last) if isinstance(inner, list) else last] = value
    return facts


def examination_of(changes=None, *, results=FOLDER, agents=FOLDER, **job):
    wanted = wanted_by_job(a_job(**job))
    return judge_fitness(facts_with(changes or {}), results, agents, wanted)


def finding_of(check, examination):
    (finding,) = [each for each in examination.findings if each.check == check]
    return finding


OK, WARNING, PROBLEM, NOT_KNOWN = Level.OK, Level.WARNING, Level.PROBLEM, Level.NOT_KNOWN
WIDE = Matrix(block_sizes_bytes=(4096,), queue_depths=(1, 64), numjobs=(1, 4), agents=(1,))
CACHED = {"direct": False}


def sized(size_bytes, kind=TargetKind.DIRECTORY, path="/x"):
    target = Target(kind=kind, path=path, size_bytes=size_bytes)
    return {"sides": (Side(name="candidate", targets=(target,)),)}


# check, facts that are otherwise, job that is otherwise, level, whether it is in the way, words
RULES = [
    ("fio", {}, {}, OK, False, "fio-3.33 with 3 I/O engines"),
    ("fio", {"fio.version": "fio-3.20"}, {}, OK, False, "fio-3.20"),
    ("fio", {"fio.version": "fio-3.19"}, {}, PROBLEM, True, "too old"),
    ("fio", {"fio.version": "rubbish"}, {}, PROBLEM, True, "--version says 'rubbish'"),
    ("fio", {"fio": {"error": "fio: not found"}}, {}, PROBLEM, True, "fio: not found"),
    ("ioengine", {}, {}, OK, False, "libaio is there"),
    ("ioengine", {}, {"ioengine": "posixaio"}, PROBLEM, True, "this fio has no posixaio"),
    ("ioengine", {"fio.engines": []}, {}, NOT_KNOWN, False, "does not list"),
    ("ioengine", {}, {"ioengine": "io_uring"}, OK, False, "io_uring is there"),
    (
        "ioengine",
        {"limits.io_uring_disabled": 1},
        {"ioengine": "io_uring"},
        PROBLEM,
        True,
        "io_uring_disabled is 1",
    ),
    (
        "ioengine",
        {"limits.io_uring_disabled": 1, "limits.is_root": True},
        {"ioengine": "io_uring"},
        OK,
        False,
        "io_uring is there",
    ),
    (
        "ioengine",
        {"limits.io_uring_disabled": 2, "limits.is_root": True},
        {"ioengine": "io_uring"},
        PROBLEM,
        True,
        "io_uring_disabled is 2",
    ),
    ("ioengine", {"limits.io_uring_disabled": 2}, {}, OK, False, "libaio"),
    ("open files", {}, {}, OK, False, "1024"),
    ("open files", {"limits.open_files": 1023}, {}, WARNING, False, "about 65"),
    ("open files", {"limits.open_files": 65}, {}, WARNING, False, "about 65"),
    ("open files", {"limits.open_files": 64}, {}, PROBLEM, True, "about 65"),
    ("open files", {"limits.open_files": 67}, {"matrix": WIDE}, PROBLEM, True, "about 68"),
    ("open files", {"limits.open_files": -1}, {}, OK, False, "no limit"),
    ("asynchronous requests", {}, {}, OK, False, "65536 of 65536 are free; needed: 1"),
    (
        "asynchronous requests",
        {"limits.aio_used": 65280},
        {"matrix": WIDE},
        OK,
        False,
        "256 of 65536 are free; needed: 256",
    ),
    (
        "asynchronous requests",
        {"limits.aio_used": 65281},
        {"matrix": WIDE},
        PROBLEM,
        True,
        "255 of 65536 are free; needed: 256",
    ),
    ("asynchronous requests", {"limits.aio_used": ...}, {}, NOT_KNOWN, False, "does not say"),
    ("target", {}, {}, OK, False, "xfs on /dev/nvme0n1p1"),
    ("target", {"targets.0.is_missing": True}, {}, OK, False, "it will be made in /x"),
    ("target", {"targets.0": {"path": "/x", "fault": "no right"}}, {}, PROBLEM, True, "no right"),
    ("target", {"targets.0": A_DEVICE}, {}, OK, False, "a block device of 10 GiB, S1"),
    ("space", {}, {}, OK, False, "500 GiB free of 1000 GiB, 1 GiB needed"),
    ("space", {}, sized(500 * GIB + 1), PROBLEM, True, "needed"),
    ("space", {}, sized(500 * GIB), WARNING, False, "needed"),
    ("space", {}, sized(450 * GIB), OK, False, "450 GiB needed"),
    ("space", {}, sized(450 * GIB + 1), WARNING, False, "needed"),
    ("space", {"targets.0.free_bytes": 0}, sized(None), PROBLEM, True, "no size is asked for"),
    ("space", {"targets.0": A_DEVICE}, sized(10 * GIB), OK, False, "10 GiB, 10 GiB needed"),
    ("space", {"targets.0": A_DEVICE}, sized(10 * GIB + 1), PROBLEM, True, "needed"),
    ("space", {"targets.0": A_DEVICE}, sized(None), OK, False, "10 GiB"),
    ("O_DIRECT", {}, {}, OK, False, "written and read back"),
    ("O_DIRECT", {"targets.0": A_DEVICE}, {}, OK, False, "was read"),
    (
        "O_DIRECT",
        {"targets.0.direct": False, "targets.0.direct_error": "Invalid argument"},
        {},
        PROBLEM,
        True,
        "refused: Invalid argument",
    ),
    ("O_DIRECT", {"targets.0.direct": False}, CACHED, OK, False, "the job does without"),
    ("O_DIRECT", {"targets.0.direct": None}, {}, PROBLEM, True, "could not be tried"),
    ("O_DIRECT", {"targets.0.direct": None}, CACHED, PROBLEM, True, "could not be tried"),
    ("O_DIRECT", {"targets.0.file_system": "tmpfs"}, {}, PROBLEM, True, "lies in memory"),
    ("O_DIRECT", {"targets.0.file_system": "tmpfs"}, CACHED, PROBLEM, True, "lies in memory"),
    ("device", {}, {}, OK, False, "nvme0n1 Good 1, scheduler none, not rotational, queue 255"),
    ("device", {"targets.0.devices": []}, {}, NOT_KNOWN, False, "no block device"),
    (
        "device",
        {"targets.0.devices.0.scheduler": "none [bfq]"},
        {},
        WARNING,
        False,
        "bfq costs a fast device",
    ),
    (
        "device",
        {"targets.0.devices.0.scheduler": "[bfq]", "targets.0.devices.0.rotational": "1"},
        {},
        OK,
        False,
        "scheduler bfq, rotational",
    ),
    ("device", {}, {"matrix": WIDE}, WARNING, False, "up to 256 requests outstanding"),
    ("device", {"targets.0.devices.0.nr_requests": "256"}, {"matrix": WIDE}, OK, False, "256"),
    (
        "device",
        {"targets.0.devices.0.nr_requests": "", "targets.0.devices.0.scheduler": ""},
        {},
        OK,
        False,
        "scheduler not known, not rotational, queue not known",
    ),
    ("governor", {}, {}, OK, False, "performance on 8 of 8 CPUs"),
    ("governor", {"governors": {"powersave": 8}}, {}, WARNING, False, "powersave on 8 of 8"),
    (
        "governor",
        {"governors": {"performance": 7, "schedutil": 1}},
        {},
        WARNING,
        False,
        "schedutil on 1 of 8",
    ),
    ("governor", {"governors": {}}, {}, NOT_KNOWN, False, "no frequency governor"),
    ("virtualisation", {}, {}, OK, False, "no sign of a hypervisor; 0.0% of CPU time stolen"),
    (
        "virtualisation",
        {"virtual": {"is_virtual": True, "name": "QEMU", "container": "docker"}},
        {},
        OK,
        False,
        "a virtual machine (QEMU), in a container (docker)",
    ),
    ("virtualisation", {"activity.cpu.steal_share": 0.0099}, {}, OK, False, "1.0%"),
    ("virtualisation", {"activity.cpu.steal_share": 0.01}, {}, WARNING, True, "1.0%"),
    ("virtualisation", {"activity.cpu.steal_share": 0.0999}, {}, WARNING, True, "10.0%"),
    ("virtualisation", {"activity.cpu.steal_share": 0.1}, {}, PROBLEM, True, "10.0%"),
    ("virtualisation", {"activity.cpu": {}}, {}, NOT_KNOWN, False, "steal is not known"),
    ("clock", {}, {}, OK, False, "synchronised, says the kernel, within 12 ms"),
    (
        "clock",
        {"clock": {"is_synchronised": False, "source": "chronyc"}},
        {},
        WARNING,
        False,
        "not synchronised, says chronyc",
    ),
    (
        "clock",
        {"clock": {"is_synchronised": None, "source": "nobody"}},
        {},
        NOT_KNOWN,
        False,
        "not known",
    ),
    ("swap", {}, {}, OK, False, "0 B of 8 GiB in use"),
    ("swap", {"memory.swap_bytes": 0, "memory.swap_free_bytes": 0}, {}, OK, False, "none"),
    ("swap", {"memory.swap_free_bytes": 7 * GIB}, {}, WARNING, False, "1 GiB of 8 GiB"),
    ("swap", {"activity.swapped_bytes_per_s": 4096}, {}, WARNING, True, "4 KiB a second"),
    ("swap", {"activity.swapped_bytes_per_s": None}, {}, OK, False, "0 B of 8 GiB"),
    ("swap", {"memory": {}}, {}, NOT_KNOWN, False, "not known"),
    ("page cache", {}, {}, OK, False, "64 GiB of memory; the job uses O_DIRECT"),
    ("page cache", {}, CACHED, WARNING, True, "a target of 1 GiB"),
    ("page cache", {}, {**CACHED, **sized(128 * GIB)}, OK, False, "a target of 128 GiB"),
    ("page cache", {}, {**CACHED, **sized(128 * GIB - 1)}, WARNING, True, "page cache"),
    ("page cache", {"fio.engines": ["mmap"]}, {"ioengine": "mmap"}, WARNING, True, "page cache"),
    ("page cache", {"memory": {}}, {}, NOT_KNOWN, False, "not known"),
    ("CPU", {}, {}, OK, False, "2% busy, load 0.10"),
    ("CPU", {"activity.cpu.busy_share": 0.2499}, {}, OK, False, "25% busy"),
    ("CPU", {"activity.cpu.busy_share": 0.25}, {}, WARNING, True, "25% busy"),
    ("CPU", {"activity.cpu.busy_share": 0.7999}, {}, WARNING, True, "80% busy"),
    ("CPU", {"activity.cpu.busy_share": 0.8}, {}, PROBLEM, True, "80% busy"),
    ("CPU", {"activity.cpu": {}}, {}, NOT_KNOWN, False, "not known"),
    (
        "CPU",
        {"activity.processes": [{"pid": 7, "name": "make", "cores": 0.9}]},
        {},
        OK,
        False,
        "cores in use: make (7) 0.9",
    ),
    ("device use", {}, {}, OK, False, "nvme0n1 busy 0% of 1.0 s: 1 operations/s, 4 KiB/s"),
    ("device use", {"activity.devices.nvme0n1.busy_share": 0.0499}, {}, OK, False, "5%"),
    ("device use", {"activity.devices.nvme0n1.busy_share": 0.05}, {}, WARNING, True, "5%"),
    ("device use", {"activity.devices.nvme0n1.busy_share": 0.5}, {}, PROBLEM, True, "50%"),
    ("device use", {"activity.devices.nvme0n1.busy_share": 1.3}, {}, PROBLEM, True, "100%"),
    ("pressure", {}, {}, OK, False, "cpu 0%, io 0%, memory 0%"),
    ("pressure", {"activity.pressure.io": 0.0999}, {}, OK, False, "io 10%"),
    ("pressure", {"activity.pressure.io": 0.1}, {}, WARNING, True, "io 10%"),
    ("pressure", {"activity.pressure.memory": 0.2}, {}, WARNING, True, "memory 20%"),
    ("pressure", {"activity.pressure": {}}, {}, NOT_KNOWN, False, "keeps no account"),
    ("other fio", {}, {}, OK, False, "none runs"),
    ("other fio", {"activity.fio_pids": [7]}, {}, WARNING, True, "(pid 7)"),
    ("other fio", {"activity.fio_pids": [1, 2, 3, 4, 5, 6]}, {}, WARNING, True, "5, ...)"),
    ("journal", {}, {}, OK, False, "another device"),
    ("journal", {"targets.0.device": "8:1"}, {}, WARNING, False, "the device of /x"),
    ("results", {}, {}, OK, False, "/r: 50 GiB free"),
    ("credentials", {}, {}, OK, False, "it needs none"),
]


@pytest.mark.parametrize(("check", "changes", "job", "level", "in_the_way", "words"), RULES)
def test_a_fact_has_its_level(check, changes, job, level, in_the_way, words):  # noqa: PLR0913, PLR0917 - a column each
    finding = finding_of(check, examination_of(changes, **job))
    assert (finding.level, finding.is_in_the_way) == (level, in_the_way), finding
    assert words in finding.found
    assert finding.why
    assert bool(finding.remedy) == (level in {WARNING, PROBLEM})


@pytest.mark.parametrize(
    ("folder", "level", "words"),
    [
        ({"free_bytes": GIB}, OK, "1 GiB free"),
        ({"free_bytes": GIB - 1}, WARNING, "free"),
        ({"free_bytes": 100 << 20}, WARNING, "100 MiB free"),
        ({"free_bytes": (100 << 20) - 1}, PROBLEM, "free"),
        ({"is_writable": False}, PROBLEM, "may not write in /r"),
        ({"examined": "/"}, OK, "will be made in /"),
    ],
)
@pytest.mark.parametrize("check", ["results", "agent folder"])
def test_a_folder_of_ours_has_its_level(check, folder, level, words):
    key = {"results": "results", "agent folder": "agents"}[check]
    finding = finding_of(check, examination_of(**{key: {**FOLDER, **folder}}))
    assert finding.level == level
    assert words in finding.found
    assert not finding.spoils


def test_a_fit_machine_is_fit():
    examination = examination_of()
    assert {finding.level for finding in examination.findings} == {OK}
    assert examination.is_fit
    assert examination.exit_code is ExitCode.PASS


def test_a_warning_that_spoils_nothing_leaves_the_machine_fit():
    examination = examination_of({"governors": {"powersave": 1}})
    assert examination.is_fit
    assert examination.exit_code is ExitCode.PASS


@pytest.mark.parametrize(
    "changes", [{"activity.fio_pids": [7]}, {"fio.version": "fio-2.1"}], ids=["spoils", "problem"]
)
def test_what_is_in_the_way_makes_the_machine_unfit(changes):
    examination = examination_of(changes)
    assert not examination.is_fit
    assert examination.exit_code is ExitCode.INCONCLUSIVE


def test_without_fio_nothing_is_said_of_its_engines():
    examination = examination_of({"fio": {"error": "gone"}})
    assert "ioengine" not in {finding.check for finding in examination.findings}


def test_a_target_that_cannot_be_used_has_one_finding():
    examination = examination_of({"targets.0": {"path": "/x", "fault": "read-only"}})
    about = [finding for finding in examination.findings if finding.target == "/x"]
    assert [finding.found for finding in about] == ["read-only"]


def two_targets(device):
    targets = tuple(
        Target(kind=TargetKind.DIRECTORY, path=path, size_bytes=300 * GIB) for path in ("/x", "/y")
    )
    other = {**TARGET, "path": "/y", "device": device}
    changes = {"targets": [TARGET, other]}
    return examination_of(changes, sides=(Side(name="candidate", targets=targets),))


@pytest.mark.parametrize(("device", "level"), [("259:1", PROBLEM), ("259:2", OK)])
def test_targets_in_one_file_system_need_their_room_together(device, level):
    spaces = [each for each in two_targets(device).findings if each.check == "space"]
    assert [(each.level, each.target) for each in spaces] == [(level, "/x"), (level, "/y")]


def test_both_sides_of_a_job_are_wanted():
    sides = tuple(
        Side(name=name, targets=(Target(kind=TargetKind.DIRECTORY, path=path, size_bytes=1),))
        for name, path in (("reference", "/a"), ("candidate", "/b"))
    )
    wanted = wanted_by_job(a_job(sides=sides))
    assert [target.path for target in wanted.targets] == ["/a", "/b"]


def test_a_job_on_no_storage_has_no_target_to_look_at():
    null = Target(kind=TargetKind.NULL, path="", size_bytes=GIB)
    wanted = wanted_by_job(a_job(sides=(Side(name="candidate", targets=(null,)),)))
    assert wanted.targets == ()
    assert judge_fitness(facts_with({"targets": []}), FOLDER, FOLDER, wanted).is_fit


def test_another_path_takes_the_place_of_the_targets_and_keeps_their_size():
    wanted = wanted_by_job(a_job(), "/else")
    assert [(each.path, each.size_bytes) for each in wanted.targets] == [("/else", GIB)]


def test_a_directory_alone_is_judged_as_a_job_with_the_defaults():
    wanted = wanted_by_directory("/x")
    assert (wanted.job, wanted.ioengine, wanted.is_cached) == (None, "libaio", False)
    found = judge_fitness(facts_with({}), FOLDER, FOLDER, wanted)
    assert "jobs use O_DIRECT by default" in finding_of("page cache", found).found
    assert "no size is asked for" in finding_of("space", found).found
    assert dataclasses.asdict(found)["job"] is None


@pytest.mark.parametrize(
    ("check", "changes", "level"),
    [
        ("open files", {"limits.open_files": 72}, WARNING),
        ("open files", {"limits.open_files": 71}, PROBLEM),
        ("open files", {"limits.open_files": 0}, PROBLEM),
        ("asynchronous requests", {"limits.aio_used": 65024}, OK),
        ("asynchronous requests", {"limits.aio_used": 65025}, PROBLEM),
    ],
)
def test_each_target_of_a_job_needs_its_own(check, changes, level):
    targets = tuple(
        Target(kind=TargetKind.DIRECTORY, path=path, size_bytes=GIB) for path in ("/x", "/y")
    )
    changes = {**changes, "targets": [TARGET, {**TARGET, "path": "/y"}]}
    sides = (Side(name="candidate", targets=targets),)
    assert finding_of(check, examination_of(changes, sides=sides, matrix=WIDE)).level == level


def test_the_remedy_for_too_few_requests_leaves_room():
    examination = examination_of({"limits.aio_used": 65500}, matrix=WIDE)
    assert "fs.aio-max-nr=66012" in finding_of("asynchronous requests", examination).remedy


@pytest.mark.parametrize(("source", "words"), [("nas:/export", "nas:/export"), ("", "it shows")])
def test_a_target_without_a_device_is_named(source, words):
    changes = {"targets.0.devices": [], "targets.0.source": source}
    assert words in finding_of("device", examination_of(changes)).found


def test_five_processes_are_named_whole():
    examination = examination_of({"activity.fio_pids": [1, 2, 3, 4, 5]})
    assert finding_of("other fio", examination).found.endswith("(pid 1, 2, 3, 4, 5)")


def test_another_path_takes_the_largest_size():
    targets = tuple(
        Target(kind=TargetKind.DIRECTORY, path=path, size_bytes=size)
        for path, size in (("/x", 1), ("/y", 5), ("/z", 3))
    )
    wanted = wanted_by_job(a_job(sides=(Side(name="candidate", targets=targets),)), "/else")
    assert [target.size_bytes for target in wanted.targets] == [5]
