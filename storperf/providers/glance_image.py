"""Brings an agent image into Glance, held against its checksum on both ends."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from storperf.deadline import Deadline
from storperf.errors import CloudError, Conflict, UsageError
from storperf.model.image import UploadedImage
from storperf.providers.openstack_session import Cloud

log = logging.getLogger(__name__)

Body = dict[str, Any]

# By which an upload knows its own; Glance's own hash is of its choice.
_SHA256 = "storperf_sha256"
# What guests of this image want of a hypervisor; a volume's id is its serial on virtio.  On newer
# machine types a config drive would be on AHCI, which Debian's kernel for clouds does not know.
_PROPERTIES = {
    "architecture": "x86_64",
    "hw_cdrom_bus": "scsi",
    "hw_scsi_model": "virtio-scsi",
    "hw_disk_bus": "virtio",
    "hw_vif_model": "virtio",
    "hw_rng_model": "virtio",
    "os_distro": "debian",
    "os_type": "linux",
    "os_version": "12",
}
_LEAST_ROOT_GB = 2
_MIN_RAM_MB = 384
# By which `storperf cleanup` finds it.
TAG = "storperf"
_MAGIC = b"QFI\xfb"


def upload_image(  # noqa: PLR0913 - what an image is told of itself, by keyword
    cloud: Cloud,
    path: Path,
    name: str,
    deadline: Deadline,
    tell: Callable[[str], None],
    *,
    marks: Mapping[str, str],
) -> UploadedImage:
    """The image in the cloud, with our tag and its marks, so that `storperf cleanup` finds it.

    UsageError: no such file, no qcow2, or not what its `.sha256` says.  Conflict: the cloud has
    another image of that name.  What a broken upload began is deleted.
    """
    sha256, sha512 = _checked(path)
    size = path.stat().st_size
    found = _present(cloud, name, sha256, deadline)
    if found is not None:
        return UploadedImage(id=found, name=name, sha256=sha256, size_bytes=size, is_new=False)
    asked = {
        "name": name,
        "disk_format": "qcow2",
        "container_format": "bare",
        "visibility": "private",
        "min_disk": _LEAST_ROOT_GB,
        "min_ram": _MIN_RAM_MB,
        "tags": [TAG],
        **_PROPERTIES,
        **marks,
        _SHA256: sha256,
    }
    image = str(cloud.image.post("/images", asked, deadline)["id"])
    try:
        tell(f"uploading {size / (1 << 20):.0f} MiB as image {image}")
        with path.open("rb") as file:
            cloud.image.upload(f"/images/{image}/file", file, deadline)
        _compare(cloud.image.get(f"/images/{image}", deadline), sha512)
    except BaseException:
        # Ctrl-C too: half an image is of use to nobody.
        cloud.image.delete(f"/images/{image}", Deadline.after(cloud.patience_s))
        raise
    return UploadedImage(id=image, name=name, sha256=sha256, size_bytes=size, is_new=True)


def _checked(path: Path) -> tuple[str, str]:
    """The file's SHA-256 and SHA-512; UsageError when it is not what it should be."""
    sums = hashlib.sha256(), hashlib.sha512()
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise UsageError(f"{path} is no qcow2 image; make image builds one")
            file.seek(0)
            while piece := file.read(1 << 20):
                for each in sums:
                    each.update(piece)
    except OSError as error:
        raise UsageError(f"cannot read the image {path}: {error.strerror}") from error
    sha256, sha512 = (each.hexdigest() for each in sums)
    beside = path.with_name(f"{path.name}.sha256")
    if not beside.exists():
        raise UsageError(f"{beside} is missing; write it with: sha256sum {path.name} > {beside}")
    wanted = beside.read_text(encoding="utf-8").split()
    if wanted[:1] != [sha256]:
        raise UsageError(f"{path} is not what {beside.name} says; build or copy it again")
    return sha256, sha512


def _present(cloud: Cloud, name: str, sha256: str, deadline: Deadline) -> str | None:
    """The image of that name with that content; Conflict when it has other content."""
    found = cloud.image.get("/images", deadline, name=name)["images"]
    ours = [each for each in found if each.get(_SHA256) == sha256 and each["status"] == "active"]
    if ours:
        return str(ours[0]["id"])
    if found:
        raise Conflict(
            f"the cloud has another image {name} ({found[0]['id']}, {found[0]['status']}); give "
            "this one another name with --name, or delete that one"
        )
    return None


def _compare(image: Body, sha512: str) -> None:
    """Glance says `sha512` where it was not told another algorithm."""
    if image["status"] != "active":
        raise CloudError(f"the image {image['id']} is {image['status']} after its upload")
    if image.get("os_hash_algo") == "sha512" and image["os_hash_value"] != sha512:
        raise CloudError(f"the cloud stored another image than was sent: {image['os_hash_value']}")
