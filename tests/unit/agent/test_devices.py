"""No device is written to that is not the one meant, and empty.  Real loop devices, all our own."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from storperf.agent import devices
from storperf.agent.refusal import BUSY, FAILED, REFUSED, Refusal
from storperf.agent.targets import Targets

SIZE = 16 << 20


def run(*argv):
    subprocess.run([str(word) for word in argv], check=True, capture_output=True)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image"
    with path.open("wb") as sink:
        sink.truncate(SIZE)
    return path


@pytest.fixture
def loop(image):
    """Makes loop devices on files of the test; refuses to be without them where CI asks for all."""
    made = []

    def attach(*options):
        argv = ["losetup", "--find", "--show", *options, str(image)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no loop device can be made: {done.stderr.strip()}")
        made.append(done.stdout.strip())
        return made[-1]

    if os.getuid() != 0 or shutil.which("losetup") is None:
        pytest.skip("loop devices need root and losetup")
    yield attach
    for path in made:
        run("losetup", "--detach", path)


@pytest.fixture
def held(tmp_path):
    held = Targets("run-1", str(tmp_path / "created.json"))
    yield held
    held.release()


def request(device, image, **fields):
    return {
        "kind": "device",
        "path": device,
        "serial": f"loop:{image}",
        "destroy": True,
        "size_bytes": None,
        **fields,
    }


def refusal_of(held, wanted):
    with pytest.raises(Refusal) as caught:
        held.prepare([wanted])
    assert held.taken == []
    return caught.value


def test_an_empty_device_with_the_right_serial_is_taken_whole(loop, held, image):
    device = loop()
    (taken,) = held.prepare([request(device, image)])
    assert (taken.filename, taken.size_bytes) == (device, SIZE)
    assert taken.device == devices.device_numbers(Path(device).stat().st_rdev)
    assert held.prepare([request(device, image)]) == [taken]
    held.check_again()
    assert held.release() == []
    assert Path(device).exists()
    held.prepare([request(device, image, size_bytes=4096)])


def test_fio_can_open_what_we_hold(loop, held, image):
    device = loop()
    held.prepare([request(device, image)])
    if shutil.which("fio") is None:
        pytest.skip("no fio")
    run("fio", "--name=x", f"--filename={device}", "--rw=write", "--bs=64k", "--size=1m")


@pytest.mark.parametrize("serial", ["WRONG", "loop:/other/file"])
def test_another_serial_is_refused_and_the_real_one_told(loop, held, image, serial):
    refusal = refusal_of(held, request(loop(), image, serial=serial))
    assert (refusal.code, f"loop:{image}" in refusal.message) == (REFUSED, True)


@pytest.mark.parametrize("fields", [{"serial": ""}, {"serial": None}, {"destroy": False}])
def test_without_serial_and_destroy_nothing_is_even_looked_at(held, image, fields):
    refusal = refusal_of(held, request("/dev/no-such-device", image, **fields))
    assert "needs its serial and destroy: true" in refusal.message


def test_what_is_no_block_device_is_refused(held, image):
    for path in (str(image), "/dev/null"):
        assert "is not a block device" in refusal_of(held, request(path, image)).message
    assert "no device" in refusal_of(held, request("/dev/no-such-device", image)).message


def test_a_device_smaller_than_asked_is_refused_and_let_go(loop, held, image):
    device = loop()
    refusal = refusal_of(held, request(device, image, size_bytes=SIZE + 1))
    assert "has 16777216 bytes, the job asks for 16777217" in refusal.message
    os.close(os.open(device, os.O_RDWR | os.O_EXCL))


def test_a_file_system_is_refused_unless_the_volume_is_ours(loop, held, image):
    run("mkfs.ext4", "-q", image)
    device = loop()
    refusal = refusal_of(held, request(device, image))
    assert refusal.code == REFUSED
    assert f"{device} holds ext4; if its data may go, wipe it first" in refusal.message
    held.prepare([request(device, image, is_ours=True)])


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_mounted_device_is_refused_also_when_it_is_ours(loop, held, image, tmp_path, is_ours):
    run("mkfs.ext4", "-q", image)
    device = loop()
    (tmp_path / "mnt").mkdir()
    run("mount", device, tmp_path / "mnt")
    try:
        refusal = refusal_of(held, request(device, image, is_ours=is_ours))
    finally:
        run("umount", tmp_path / "mnt")
    assert refusal.message == f"{device} is mounted"


def mbr():
    """A partition table with one partition of 1 MiB."""
    entry = struct.pack("<B3sB3sII", 0, b"\0" * 3, 0x83, b"\0" * 3, 2048, 2048)
    return b"\0" * 446 + entry + b"\0" * 48 + b"\x55\xaa"


def put(image, offset, content):
    with image.open("r+b") as sink:
        sink.seek(offset)
        sink.write(content)


def test_a_partition_table_is_refused(loop, held, image):
    put(image, 0, mbr())
    assert "holds dos" in refusal_of(held, request(loop(), image)).message


def test_a_partitioned_device_and_its_partition_are_refused(loop, held, image):
    device = loop("--partscan")
    run("addpart", device, 1, 2048, 2048)
    refusal = refusal_of(held, request(device, image, is_ours=True))
    assert "is partitioned: " in refusal.message
    name = Path(device).name
    numbers = Path(f"/sys/block/{name}/{name}p1/dev").read_text().split(":")
    with pytest.raises(Refusal, match="is a partition; name the whole disk"):
        devices.require_unused(device + "p1", os.makedev(*map(int, numbers)), is_ours=True)


RAID = struct.pack("<II", 0xA92B4EFC, 1).ljust(144, b"\0") + struct.pack("<Q", 8)
SIGNATURES = {
    "linux_raid_member": (4096, RAID.ljust(256, b"\0")),
    "crypto_LUKS": (0, b"LUKS\xba\xbe\x00\x01"),
    "ceph_bluestore": (0, b"bluestore block device"),
    "LVM1_member": (0, b"HM\x01\x00"),
    "btrfs": (0x10040, b"_BHRfS_M"),
}


@pytest.mark.parametrize("kind", SIGNATURES)
def test_a_signature_is_refused(loop, held, image, kind):
    put(image, *SIGNATURES[kind])
    assert f"holds {kind}" in refusal_of(held, request(loop(), image)).message


def test_a_swap_in_use_is_refused_also_when_it_is_ours(loop, held, image):
    run("mkswap", image)
    device = loop()
    assert "holds swap" in refusal_of(held, request(device, image)).message
    if subprocess.run(["swapon", device], capture_output=True, check=False).returncode:
        pytest.skip("no swap can be switched on here")
    try:
        refusal = refusal_of(held, request(device, image, is_ours=True))
    finally:
        run("swapoff", device)
    assert refusal.message == f"{device} is used as swap"


def test_a_device_that_another_holds_is_busy(loop, held, image):
    device = loop()
    other = os.open(device, os.O_RDWR | os.O_EXCL)
    try:
        assert refusal_of(held, request(device, image)).code == BUSY
    finally:
        os.close(other)
    held.prepare([request(device, image)])


def test_two_runs_exclude_each_other(loop, held, image, tmp_path):
    device = loop()
    held.prepare([request(device, image)])
    second = Targets("run-2", str(tmp_path / "second.json"))
    assert refusal_of(second, request(device, image)).code == BUSY
    held.release()
    second.prepare([request(device, image)])
    second.release()


def test_another_device_at_the_same_path_is_seen_at_the_start(loop, held, image, tmp_path):
    first = loop()
    link = tmp_path / "by-id"
    link.symlink_to(first)
    held.prepare([request(str(link), image)])
    link.unlink()
    link.symlink_to(loop())
    with pytest.raises(Refusal, match="is another device than before"):
        held.check_again()


def test_a_device_that_shrank_is_seen(loop, held, image):
    device = loop()
    held.prepare([request(device, image, size_bytes=4096)])
    os.truncate(image, SIZE // 2)
    run("losetup", "--set-capacity", device)
    with pytest.raises(Refusal, match=f"has {SIZE // 2} bytes, and had {SIZE}") as caught:
        held.check_again()
    assert caught.value.code == FAILED


def test_the_root_disk_is_refused_whatever_the_job_says():
    rdev = Path("/").stat().st_dev
    if not Path("/sys/dev/block", devices.device_numbers(rdev)).is_dir():
        pytest.skip("the root file system is on no block device")
    with pytest.raises(Refusal, match=r"root disk|is a partition"):
        devices.require_unused("/dev/root-disk", rdev, is_ours=True)


def test_the_serial_page_of_scsi_is_read_without_its_header(tmp_path):
    page = tmp_path / "vpd_pg80"
    page.write_bytes(b"\x00\x80\x00\x14    0QEMU-volume-1234")
    assert devices._scsi_serial(str(page)) == "0QEMU-volume-1234"
    assert devices._scsi_serial(str(tmp_path / "none")) == ""


def test_a_host_without_wipefs_refuses(monkeypatch, image):
    def missing(*_args, **_options):
        raise FileNotFoundError(2, "No such file or directory", "wipefs")

    monkeypatch.setattr(devices.subprocess, "run", missing)
    with pytest.raises(Refusal, match="cannot be checked for data"):
        devices.signatures(str(image))
