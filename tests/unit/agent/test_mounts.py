"""File systems of ours: only harmless words, mounted by us, and gone however it ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from storperf.agent import file_systems, retention
from storperf.agent.devices import labelled_signatures
from storperf.agent.mounts import Mounts
from storperf.agent.refusal import BUSY, FAILED, REFUSED, Refusal
from storperf.agent.targets import Targets

SIZE = 64 << 20
SPAN = 4 << 20


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image"
    with path.open("wb") as sink:
        sink.truncate(SIZE)
    return path


@pytest.fixture
def device(image):
    if os.getuid() != 0 or shutil.which("losetup") is None or shutil.which("mkfs.ext4") is None:
        pytest.skip("needs root, loop devices and mkfs.ext4")
    argv = ["losetup", "--find", "--show", str(image)]
    path = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    yield path
    subprocess.run(["losetup", "--detach", path], check=True)


@pytest.fixture
def disk(device, image):
    return device, image


@pytest.fixture
def run_dir(tmp_path):
    folder = tmp_path / "runs" / "run-1"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def make(run_dir):
    made = []

    def make(run="run-1"):
        held = Targets(run, str(run_dir / "created.json"))
        made.append(held)
        return held

    yield make
    for held in made:
        held.release()


def request(device, image, *, mkfs=(), mount=(), kind="ext4", **fields):
    return {
        "kind": "device",
        "path": device,
        "serial": f"loop:{image}",
        "destroy": True,
        "size_bytes": SPAN,
        "direct": True,
        "mkfs": {"type": kind, "options": list(mkfs)},
        "mount": {"options": list(mount)},
        **fields,
    }


def mounted_below(folder):
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines if line.split()[4].startswith(f"{folder}/")]


def die(held):
    """Forget everything, as a supervisor does that is killed."""
    for taken in held.taken:
        os.close(taken.fd)
    held.taken = []
    for fd in held._mounts._locks:
        os.close(fd)
    held._mounts._locks = []


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("ext4", []),
        ("ext4", ["-b", "4096", "-E", "lazy_itable_init=0,stride=16", "-O", "^has_journal"]),
        ("xfs", ["-K", "-d", "agcount=4,su=64k", "-m", "crc=1"]),
        ("btrfs", ["-d", "single", "-m", "dup", "--csum", "xxhash", "-M"]),
    ],
)  # fmt: skip
def test_ordinary_options_of_mkfs_may_be_given(kind, options):
    assert file_systems.fault_in_mkfs(kind, options) is None


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("vfat", []), ("", []), ("ext4;reboot", []), ("../ext4", []),
        ("ext4", ["/dev/sda"]), ("ext4", ["sda"]), ("ext4", ["-F"]), ("ext4", ["-d", "etc"]),
        ("ext4", ["-L", "mine"]), ("ext4", ["-U", "random"]), ("ext4", ["-J", "device=x"]),
        ("ext4", ["-b4096"]), ("ext4", ["-b"]), ("ext4", ["-b", "-F"]), ("ext4", ["-b", ""]),
        ("ext4", ["-b", "4096", "/dev/sda"]), ("ext4", ["-O", "a b"]), ("ext4", ["-O", "$(x)"]),
        ("ext4", ["-c"]), ("ext4", ["-z", "undo"]), ("ext4", ["-b", "/dev/sda"]),
        ("xfs", ["-d", "name=x"]), ("xfs", ["-d", "file,size=1g"]), ("xfs", ["-l", "logdev=x"]),
        ("xfs", ["-r", "rtdev=x"]), ("xfs", ["-p", "proto"]), ("xfs", ["-f"]), ("xfs", ["-c", "x"]),
        ("btrfs", ["--rootdir", "etc"]), ("btrfs", ["-r", "etc"]), ("btrfs", ["-f"]),
    ],
)  # fmt: skip
def test_an_option_that_could_name_another_place_is_refused(kind, options):
    assert file_systems.fault_in_mkfs(kind, options) is not None


@pytest.mark.parametrize("options", [[], ["noatime"], ["data=ordered", "barrier=1", "discard"]])
def test_ordinary_mount_options_may_be_given(options):
    assert file_systems.fault_in_mount(options) is None


@pytest.mark.parametrize(
    "option",
    ["ro", "suid", "dev", "exec", "bind", "remount", "loop", "user", "helper=x", "noatime,suid", "",
     "X-mount.mkdir", "x-systemd.automount", "logdev=x", "journal_path=x", "device=x", "a=/dev/x",
     "-o", "a b", "$(x)", "subvol=x"],
)  # fmt: skip
def test_a_mount_option_that_shows_another_place_is_refused(option):
    assert file_systems.fault_in_mount([option]) is not None


def test_ours_come_last_and_win():
    argv = file_systems.mount_argv("ext4", ["noatime"], "/dev/x", "/point")
    assert argv[-3:] == ["noatime,nosuid,nodev,noexec", "/dev/x", "/point"]


def test_ext4_writes_no_tables_later_unless_the_job_says_how_to_make_it():
    assert "lazy_itable_init=0,lazy_journal_init=0" in file_systems.mkfs_argv("ext4", (), "l", "/d")
    argv = file_systems.mkfs_argv("ext4", ["-m", "0"], "l", "/d")
    assert argv == ["mkfs.ext4", "-q", "-m", "0", "-L", "l", "/d"]


# --- real devices ------------------------------------------------------------------------------


def test_a_device_is_formatted_mounted_and_given_back_empty(make, device, image, run_dir):
    held = make()
    (taken,) = held.prepare([request(device, image, mount=["noatime"], nrfiles=2)])
    point = run_dir / "mounts" / "target-0"
    assert mounted_below(run_dir) == [str(point)]
    assert taken.filenames == [f"{point}/storperf-run-1/target-0.{n}" for n in range(2)]
    assert [Path(name).stat().st_size for name in taken.filenames] == [SPAN // 2] * 2
    assert point.parent.stat().st_mode & 0o077 == 0
    line = next(each for each in Path("/proc/self/mountinfo").read_text().splitlines()
                if f" {point} " in each)  # fmt: skip
    assert {"nosuid", "nodev", "noexec", "noatime"} <= set(line.split()[5].split(","))
    held.check_again()
    assert held.prepare([taken.request]) == [taken]
    assert held.release() == []
    assert mounted_below(run_dir) == []
    assert labelled_signatures(device) == []
    assert sorted(path.name for path in run_dir.iterdir()) == []


def test_what_a_killed_supervisor_mounted_is_found_again_with_its_files(make, device, image):
    wanted = request(device, image)
    first = make()
    (taken,) = first.prepare([wanted])
    Path(taken.filename).write_bytes(b"x" * SPAN)
    first.take_new_files()
    die(first)
    later = make()
    (again,) = later.prepare([wanted])
    assert again.filename == taken.filename
    assert Path(again.filename).read_bytes()[:1] == b"x"
    assert later.take_new_files() == []
    assert later.release() == []
    assert labelled_signatures(device) == []


def test_what_a_killed_supervisor_mounted_is_given_back_by_the_next(make, device, image, run_dir):
    first = make()
    first.prepare([request(device, image)])
    die(first)
    assert make().release() == []
    assert mounted_below(run_dir) == []
    assert labelled_signatures(device) == []


def test_one_killed_between_mkfs_and_mount_leaves_nothing(make, device, image, run_dir):
    held = make()
    held.prepare([request(device, image)])
    die(held)
    subprocess.run(["umount", str(run_dir / "mounts" / "target-0")], check=True)
    later = make()
    later.prepare([request(device, image)])  # a new one, since its files are not to be trusted
    assert later.take_new_files() != []
    assert later.release() == []
    assert labelled_signatures(device) == []


def test_one_killed_before_mkfs_leaves_nothing(make, device, image, run_dir):
    point = str(run_dir / "mounts" / "target-0")
    entry = {"point": point, "path": device, "serial": f"loop:{image}", "type": "ext4"}
    (run_dir / "mounted.json").write_text(json.dumps([entry]))
    assert make().release() == []
    assert not (run_dir / "mounted.json").exists()


def test_a_file_system_that_somebody_else_made_meanwhile_is_not_wiped(make, device, image, run_dir):
    point = str(run_dir / "mounts" / "target-0")
    entry = {"point": point, "path": device, "serial": f"loop:{image}", "type": "ext4"}
    (run_dir / "mounted.json").write_text(json.dumps([entry]))
    subprocess.run(["mkfs.ext4", "-q", "-L", "mine", device], check=True)
    held = make()
    (left,) = held.release()
    assert f"{device} holds ext4 that is not ours" in left
    assert labelled_signatures(device) == [("ext4", "mine")]
    subprocess.run(["wipefs", "--all", "--quiet", device], check=True)
    assert held.release() == []


def test_a_device_that_holds_something_is_never_formatted(make, device, image):
    subprocess.run(["mkfs.ext4", "-q", "-L", "mine", device], check=True)
    with pytest.raises(Refusal, match="holds ext4") as caught:
        make().prepare([request(device, image)])
    assert caught.value.code == REFUSED
    assert labelled_signatures(device) == [("ext4", "mine")]
    subprocess.run(["wipefs", "--all", "--quiet", device], check=True)


def test_a_device_that_another_run_holds_is_never_formatted(make, device, image, tmp_path):
    other = Targets("run-2", str(tmp_path / "other.json"))
    plain = {**request(device, image), "mkfs": None}
    other.prepare([plain])
    with pytest.raises(Refusal) as caught:
        make().prepare([request(device, image)])
    assert caught.value.code == BUSY
    other.release()
    assert labelled_signatures(device) == []


def test_another_run_finds_the_device_mounted(make, device, image, tmp_path):
    make().prepare([request(device, image)])
    other = Targets("run-2", str(tmp_path / "other.json"))
    for wanted in (request(device, image), {**request(device, image), "mkfs": None}):
        with pytest.raises(Refusal, match=r"is mounted|is locked"):
            other.prepare([wanted])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": "xfs", "mkfs": ["-b", "7"]}, "cannot be formatted: mkfs.xfs"),
        ({"mkfs": ["-b", "7"]}, "cannot be formatted: mkfs.ext4"),
        ({"mount": ["nosuchoption"]}, "cannot be mounted: mount"),
        ({"size_bytes": SIZE * 2}, "MiB free, the job asks for"),
    ],
)
def test_what_fails_on_the_way_is_undone(make, disk, run_dir, wrong, words):
    with pytest.raises(Refusal, match=words):
        make().prepare([request(*disk, **wrong)])
    assert mounted_below(run_dir) == []
    assert labelled_signatures(disk[0]) == []
    assert list(run_dir.iterdir()) == []


def test_words_that_may_not_be_given_are_refused_by_the_agent_as_well(make, device, image):
    for fields in ({"mkfs": ["/dev/sda"]}, {"mount": ["exec"]}, {"kind": "vfat"}):
        with pytest.raises(Refusal, match=r"may|no file system|no mount option") as caught:
            make().prepare([request(device, image, **fields)])
        assert caught.value.code == REFUSED


def test_a_device_that_is_gone_leaves_nothing_on_this_host(make, device, image, run_dir):
    held = make()
    held.prepare([request(device, image)])
    entry = held._mounts._entries[0]
    entry["path"] = "/dev/no-such-device"
    assert held.release() == []
    assert mounted_below(run_dir) == []
    assert not (run_dir / "mounted.json").exists()
    subprocess.run(["wipefs", "--all", "--quiet", device], check=True)


def test_an_old_run_that_nobody_supervises_is_unmounted_before_its_folder_goes(
    make, device, image, run_dir
):
    held = make()
    held.prepare([request(device, image)])
    die(held)
    (run_dir / "journal").write_bytes(b"")
    (run_dir / "lock").write_bytes(b"")
    retention.prune(str(run_dir.parent), (run_dir / "journal").stat().st_mtime + 8 * 24 * 3600)
    assert mounted_below(run_dir) == []
    assert not run_dir.exists()
    assert labelled_signatures(device) == []


def test_a_mount_that_is_used_cannot_be_given_back_and_it_is_said(disk, run_dir):
    mounts = Mounts("run-1", str(run_dir), busy_s=0.2)
    point, _ = mounts.take(0, request(*disk))
    with Path(point, "mine").open("wb"):
        (left,) = mounts.give_back()
        assert "cannot be unmounted" in left
        assert mounted_below(run_dir) == [point]
    assert mounts.give_back() == []
    assert mounted_below(run_dir) == []
    assert labelled_signatures(disk[0]) == []


def test_the_right_to_mount_is_asked_for_first(make, image, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Refusal, match="only root can mount") as caught:
        make().prepare([request("/dev/no-such-device", image)])
    assert caught.value.code == REFUSED != FAILED
