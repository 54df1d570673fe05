"""A host with users of its own behind a real sshd: this machine's programs, in namespaces.

Its /etc is a layer above this machine's, and its /home a folder of the test's: users, passwords
and keys are made by the ordinary programs and reach nobody else.  The kernel ends all of it, every
process of a session too, when it is stopped and when who runs the tests dies.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from tools.sshd import Sshd, require_sshd

USER = "storperf-bench"
PASSWORD = "correct horse, battery & 'staple'"
_NEEDED = ("unshare", "setpriv", "mount", "useradd", "chpasswd")
# What ends with this process and takes everything that runs in it along.
INSIDE = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
_MAKE_USERS = r"""
set -eu
top=$1 user=$2; shift 2
mount -t tmpfs none "$top/layer"
mkdir "$top/layer/upper" "$top/layer/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$top/layer/upper,workdir=$top/layer/work" none /etc
mount --bind "$top/home" /home
useradd --create-home --shell /bin/sh "$user"
chpasswd < "$top/passwords"
mkdir -m 700 "/home/$user/.ssh"
cp "$top/client_key.pub" "/home/$user/.ssh/authorized_keys"
chown -R "$user" "/home/$user/.ssh"
printf '%s\n' 'auth required pam_unix.so' 'account required pam_unix.so' > /etc/pam.d/sshd
. "$top/also"
exec "$@"
"""


# Containers often forbid the one or the other, to root too.
_TRY = r"""
set -e
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work none /etc
useradd --no-create-home storperf-try
"""


def require_namespaces():
    """Skip where no namespaces with layers of their own can be made."""
    if os.geteuid() != 0:
        pytest.skip("needs root for namespaces")
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    argv = [*INSIDE, "sh", "-c", _TRY]
    tried = subprocess.run(argv, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"needs namespaces and overlays: {tried.stderr}")


def require_login_host():
    """Skip where no such host can be made."""
    require_sshd()
    require_namespaces()


class LoginHost(Sshd):
    """Starts at once with one user, USER, who has a key and PASSWORD; its /home is `home`.

    A login with the password needs `lines` that allow it.  `also` are shell commands that root
    carries out in the namespaces before anybody can log in; $user is the user, $top the folder.
    """

    def __init__(self, folder, *, lines=(), also="", **more):
        (folder / "layer").mkdir(parents=True)
        (folder / "also").write_text(also)
        (folder / "passwords").write_text(f"{USER}:{PASSWORD}\n")
        inside = (*INSIDE, "sh", "-c", _MAKE_USERS, "sh", str(folder), USER)
        # A user's sessions get what sshd gives them, and nothing of who runs the tests.
        lines = (*lines, "AuthorizedKeysFile .ssh/authorized_keys", "SetEnv LANG=C.UTF-8")
        super().__init__(folder, lines=lines, inside=inside, **more)
        self.user = USER

    @property
    def user_home(self) -> Path:
        """The user's home as this process sees it; the user says /home/USER."""
        return self.home / USER

    def mounts(self) -> str:
        """What is mounted there now, a line each."""
        first = first_of_namespace(self._process)
        return "" if first is None else Path(f"/proc/{first}/mounts").read_text()

    def stop(self):
        """End it with every process that was started there, agents and all."""
        end_namespace(self._process)
        self._process = None


def first_of_namespace(process: subprocess.Popen[bytes]) -> int | None:
    """The first process of the namespace that an INSIDE holds."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if stat.read_text().rsplit(")", 1)[1].split()[1] == str(process.pid):
                return int(stat.parent.name)
    return None


def end_namespace(process: subprocess.Popen[bytes] | None) -> None:
    """Kill its first process; the kernel kills the rest."""
    if process is None:
        return
    first = first_of_namespace(process)
    if first is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(first, signal.SIGKILL)
    process.wait(10)
