"""A Debian 11 in a folder, made once by debootstrap and kept: the oldest that agents run on."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tools.login_host import INSIDE, end_namespace, require_namespaces
from tools.sshd import Sshd, require_sshd

_TREE = Path(__file__).parents[2] / ".make" / "chroot-bullseye-ssh"
_PACKAGES = "python3,fio,openssh-server,sudo"


def debian_11_tree() -> Path:
    """The root of a Debian 11 with its own Python, fio, sshd and sudo; skips without root."""
    if os.geteuid() != 0:
        pytest.skip("chroot needs root")
    if shutil.which("debootstrap") is None:
        pytest.skip("debootstrap is not installed")
    _TREE.parent.mkdir(exist_ok=True)
    with _TREE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _TREE.exists():
            _make(_TREE)
    return _TREE


def _make(place: Path) -> None:
    """Whole or not at all; it takes half a minute."""
    unfinished = place.with_name(f"{place.name}.unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    debootstrap = subprocess.run(
        [
            *("debootstrap", "--variant=minbase", f"--include={_PACKAGES}"),
            *("bullseye", str(unfinished)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    said = "\n".join([*debootstrap.stdout.splitlines()[-5:], debootstrap.stderr])
    assert debootstrap.returncode == 0, f"debootstrap made no Debian 11:\n{said}"
    unfinished.rename(place)


_START = r"""
set -eu
top=$1 tree=$2 change=$3; shift 3
mount -t tmpfs none "$top/layer"
mkdir "$top/layer/upper" "$top/layer/work"
layers="lowerdir=$tree,upperdir=$top/layer/upper,workdir=$top/layer/work"
mount -t overlay -o "$layers" none "$top/root"
mount -t proc none "$top/root/proc"
mount --rbind /dev "$top/root/dev"
mkdir -p "$top/root$top" "$top/root/run/sshd"
mount --bind "$top" "$top/root$top"
cp /etc/resolv.conf /etc/hosts "$top/root/etc/"
chroot "$top/root" /bin/sh -euc "$change"
exec chroot "$top/root" "$@"
"""


class Debian11Host(Sshd):
    """Debian 11 with its own sshd, in namespaces; what happens in it is gone when it ends.

    `change` is shell text that is carried out in it first.  Its user root has the key.
    """

    def __init__(self, folder, *, change="true", **more):
        require_sshd()
        require_namespaces()
        tree = debian_11_tree()
        for name in ("layer", "root"):
            (folder / name).mkdir(parents=True)
        inside = (*INSIDE, "sh", "-c", _START, "sh", str(folder), str(tree), change)
        super().__init__(folder, inside=inside, **more)

    def stop(self):
        """End it with every process that was started there."""
        end_namespace(self._process)
        self._process = None
