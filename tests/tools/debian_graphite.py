"""The Graphite that Debian 12 packages, as an administrator sets it up, in namespaces of its own.

Its tree is made once by debootstrap and apt-get and kept; what runs in it is gone when it ends.
No service of this machine is touched: both programs are started by hand, on ports of their own.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from tools.login_host import INSIDE, end_namespace, require_namespaces
from tools.sshd import free_port

_TREE = Path(__file__).parents[2] / ".make" / "chroot-bookworm-graphite"
_START_S = 60.0
# debootstrap sets packages up in an order that graphite-web's do not bear, so apt-get does it.
_MAKE = r"""
set -eu
place=$1
debootstrap --variant=minbase bookworm "$place"
printf '#!/bin/sh\nexit 101\n' > "$place/usr/sbin/policy-rc.d"
chmod 755 "$place/usr/sbin/policy-rc.d"
cp /etc/resolv.conf /etc/hosts "$place/etc/"
mount -t proc none "$place/proc"
chroot "$place" apt-get update
chroot "$place" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends graphite-carbon graphite-web
rm -rf "$place/var/cache/apt/archives"
"""
_START = r"""
set -eu
top=$1 tree=$2 web=$3
mount -t tmpfs none "$top/layer"
mkdir "$top/layer/upper" "$top/layer/work"
layers="lowerdir=$tree,upperdir=$top/layer/upper,workdir=$top/layer/work"
mount -t overlay -o "$layers" none "$top/root"
mount -t proc none "$top/root/proc"
mount --rbind /dev "$top/root/dev"
cp /etc/hosts "$top/root/etc/"
cp "$top"/carbon/* "$top/root/etc/carbon/"
cat "$top/local_settings.py" >> "$top/root/etc/graphite/local_settings.py"
exec chroot "$top/root" /bin/sh -euc '
runuser -u _graphite -- graphite-manage migrate --run-syncdb
carbon-cache --config=/etc/carbon/carbon.conf --nodaemon --pidfile=/run/carbon.pid \
    --logdir=/var/log/carbon/ start &
exec runuser -u _graphite -- graphite-manage runserver --noreload "127.0.0.1:$1"
' sh "$web"
"""


def _tree() -> Path:
    """The root of a Debian 12 with its Graphite; skips without root."""
    if os.geteuid() != 0:
        pytest.skip("chroot needs root")
    if shutil.which("debootstrap") is None:
        pytest.skip("debootstrap is not installed")
    require_namespaces()
    _TREE.parent.mkdir(exist_ok=True)
    with _TREE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _TREE.exists():
            _make(_TREE)
    return _TREE


def _make(place: Path) -> None:
    """Whole or not at all; it takes about a minute."""
    unfinished = place.with_name(f"{place.name}.unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    made = subprocess.run(
        [*INSIDE, "sh", "-c", _MAKE, "sh", str(unfinished)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    said = "\n".join([*made.stdout.splitlines()[-5:], *made.stderr.splitlines()[-15:]])
    assert made.returncode == 0, f"there is no Debian 12 with Graphite:\n{said}"
    unfinished.rename(place)


class DebianGraphite:
    """Debian's carbon-cache and graphite-web; up while inside a `with`.

    `rules` are texts for the beginning of its storage-schemas.conf and storage-aggregation.conf,
    `settings` what stands in the section [cache] of its carbon.conf instead of Debian's.
    """

    def __init__(self, folder, *, rules=("", ""), settings=None):
        self.port, self.pickle_port, query, web = (free_port() for _ in range(4))
        self.web = f"http://127.0.0.1:{web}"
        self._folder = folder
        self._tree = _tree()
        for name in ("layer", "root", "carbon"):
            (folder / name).mkdir(parents=True)
        of_debian = self._tree / "etc/carbon"
        ours = {
            "LINE_RECEIVER_PORT": self.port,
            "PICKLE_RECEIVER_PORT": self.pickle_port,
            "CACHE_QUERY_PORT": query,
            "CARBON_METRIC_INTERVAL": 10,
            **(settings or {}),
        }
        carbon = (of_debian / "carbon.conf").read_text().split("[relay]")[0]
        carbon = re.sub(r"(?m)^(\w+_INTERFACE) = .*$", r"\1 = 127.0.0.1", carbon)
        for key, value in ours.items():
            carbon = re.sub(rf"(?m)^{key} *=.*$\n", "", carbon) + f"{key} = {value}\n"
        schemas, aggregation = rules
        files = {
            "carbon.conf": carbon,
            "storage-schemas.conf": schemas + (of_debian / "storage-schemas.conf").read_text(),
            "storage-aggregation.conf": aggregation,
        }
        for name, text in files.items():
            (folder / "carbon" / name).write_text(text)
        (folder / "local_settings.py").write_text(
            f'CARBONLINK_HOSTS = ["127.0.0.1:{query}"]\nSECRET_KEY = "of a test"\n'
        )

    def __enter__(self):
        port = self.web.rpartition(":")[2]
        self._log = (self._folder / "log").open("wb")
        argv = [*INSIDE, "sh", "-c", _START, "sh", str(self._folder), str(self._tree), port]
        self._process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT
        )
        give_up_s = time.monotonic() + _START_S
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > give_up_s:
                self.__exit__()
                pytest.fail(f"it does not come up: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.2)
        return self

    def __exit__(self, *_error):
        end_namespace(self._process)
        self._log.close()

    def _is_up(self):
        """Whether graphite-web gives what carbon-cache says of itself."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        address = f"{self.web}/render?target=carbon.agents.*.metricsReceived&from=-5min&format=json"
        try:
            with opener.open(address, timeout=5) as reply:
                return reply.read(3) != b"[]"
        except OSError:
            return False
