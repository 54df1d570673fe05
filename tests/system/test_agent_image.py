"""The agent image by itself: under a firmware that the lab's cloud does not use, and its fio."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

BUILD_FIO = Path(__file__).parents[2] / "agent_image/build-fio.sh"
FIRMWARE = Path("/usr/share/OVMF")
BOOT_S = 900.0
USER_DATA = """#cloud-config
runcmd:
- test -d /sys/firmware/efi && echo booted by UEFI >/dev/ttyS0
- fio --version >/dev/ttyS0
- poweroff
"""


@pytest.fixture
def seed(tmp_path):
    """A CD that says to cloud-init what is to be done at first boot."""
    (tmp_path / "user-data").write_text(USER_DATA)
    (tmp_path / "meta-data").write_text("instance-id: one\n")
    made = tmp_path / "seed.iso"
    argv = ["genisoimage", "-quiet", "-volid", "cidata", "-rock", "-output", made]
    subprocess.run([*argv, "user-data", "meta-data"], cwd=tmp_path, check=True)
    return made


@pytest.mark.openstack(3)
@pytest.mark.long_lab
def test_the_image_boots_by_uefi(tmp_path, seed):
    disk, variables, console = (tmp_path / name for name in ("disk", "variables", "console"))
    image = Path(os.environ["LAB_IMAGE"]) / "storperf-agent.qcow2"
    overlay = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image, disk]
    subprocess.run(overlay, check=True)
    shutil.copy(FIRMWARE / "OVMF_VARS_4M.fd", variables)
    subprocess.run(
        [
            *("qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", "max"),
            *("-m", "512", "-display", "none", "-monitor", "none", "-nic", "none"),
            *("-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE}/OVMF_CODE_4M.fd"),
            *("-drive", f"if=pflash,format=raw,file={variables}"),
            *("-drive", f"if=virtio,format=qcow2,file={disk}"),
            # Where Nova hangs a config drive when the image says `hw_cdrom_bus: scsi`.
            *("-device", "virtio-scsi-pci", "-device", "scsi-cd,drive=cd"),
            *("-drive", f"if=none,id=cd,media=cdrom,format=raw,readonly=on,file={seed}"),
            *("-serial", f"file:{console}"),
        ],
        check=True,
        timeout=BOOT_S,
    )
    said = console.read_text(errors="replace")
    assert "booted by UEFI" in said, said[-2000:]
    assert "fio-3." in said


@pytest.mark.parametrize(
    ("source", "digest", "why"),
    [
        ("https://127.0.0.1:9/fio.tar.gz", (), "is a download; say its SHA256 too"),
        ("https://127.0.0.1:9/fio.tar.gz", ("0" * 64,), "cannot download"),
        ("missing.tar.gz", (), "there is no missing.tar.gz"),
        ("other.tar.gz", ("0" * 64,), "other.tar.gz is not what was expected"),
        ("other.tar.gz", (), "other.tar.gz holds no fio"),
    ],
)
def test_no_fio_is_built_from_what_is_none(tmp_path, source, digest, why):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/readme").touch()
    subprocess.run(["tar", "-czf", "other.tar.gz", "other"], cwd=tmp_path, check=True)
    argv = [BUILD_FIO, source, "fio", *digest]
    how = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 60}
    ended = subprocess.run(argv, check=False, **how)
    assert ended.returncode == 1
    assert why in ended.stderr
    assert not (tmp_path / "fio").exists()
