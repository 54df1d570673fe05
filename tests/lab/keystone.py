"""A real Keystone for tests: on SQLite and uWSGI, on the loopback, in a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from keystoneauth1.exceptions import ClientException
from keystoneauth1.identity import V3Password
from keystoneauth1.session import Session

VENV = Path(__file__).parents[2] / ".make" / "keystone-venv"
PASSWORD = "hunter2-of-the-lab"
USER = {
    "username": "admin",
    "password": PASSWORD,
    "project_name": "admin",
    "user_domain_id": "default",
    "project_domain_id": "default",
}
# Services by region; a catalog may say block-storage for what clients call volumev3.
CATALOG = {
    "RegionOne": ("orchestration", "block-storage", "compute", "image", "network"),
    "RegionTwo": ("compute", "image"),
}
START_S = 60

_CONFIGURATION = """
[DEFAULT]
use_stderr = true
[database]
connection = sqlite:///{folder}/keystone.sqlite3
[token]
provider = fernet
[fernet_tokens]
key_repository = {folder}/tokens
[fernet_receipts]
key_repository = {folder}/receipts
[credential]
key_repository = {folder}/credentials
[identity]
# Cheap hashes: this one guards nothing.
password_hash_rounds = 4
[oslo_messaging_notifications]
driver = noop
"""


def is_installed() -> bool:
    """Whether scripts/setup.sh all has been here."""
    return (VENV / ".key").exists()


class Keystone:
    """`url` is its address; `admin` a session of its administrator."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v3"
        self.admin = Session(V3Password(auth_url=self.url, **USER))
        self._configuration = folder / "keystone.conf"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "OS_KEYSTONE_CONFIG_FILES": str(self._configuration),
        }

    def __enter__(self) -> Self:
        self._configuration.write_text(_CONFIGURATION.format(folder=self.folder))
        owner = ("--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid()))
        self._manage("db_sync")
        for keys in ("fernet_setup", "receipt_setup", "credential_setup"):
            self._manage(keys, *owner)
        region = ("--bootstrap-region-id", "RegionOne", "--bootstrap-public-url", self.url)
        self._manage("bootstrap", "--bootstrap-password", PASSWORD, *region)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(VENV / "bin/uwsgi", "--http-socket", f"127.0.0.1:{self.port}"),
                    *("--module", "keystone.wsgi.api:application", "--need-app", "--master"),
                    *("--threads", "4", "--lazy-apps", "--die-on-term", "--buffer-size", "65535"),
                    # It would close the connection without a word, and clients keep it.
                    *("--add-header", "Connection: close"),
                    *("--pyargv", f"--config-file {self._configuration}"),
                ],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait()
            self._fill_catalog()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_fault: object) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def application_credential(self, name: str) -> dict[str, str]:
        """A new one of the administrator: its `id` and `secret`."""
        user = self.admin.get_user_id()
        asked = {"application_credential": {"name": name}}
        reply = self.admin.post(f"{self.url}/users/{user}/application_credentials", json=asked)
        return reply.json()["application_credential"]

    def _manage(self, *arguments: str) -> None:
        program = VENV / "bin/keystone-manage"
        subprocess.run(
            [program, "--config-file", self._configuration, *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            check=True,
            timeout=120,
        )

    def _wait(self) -> None:
        give_up_s = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < give_up_s:
            try:
                self.admin.get(self.url, authenticated=False)
            except ClientException:
                time.sleep(0.1)
            else:
                return
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def _fill_catalog(self) -> None:
        ids: dict[str, str] = {}
        for region, kinds in CATALOG.items():
            if region != "RegionOne":
                self._create("region", id=region)
            for kind in kinds:
                if kind not in ids:
                    ids[kind] = self._create("service", type=kind, name=kind)["id"]
                url = f"http://127.0.0.1:9/{region}/{kind}"
                self._create(
                    "endpoint", service_id=ids[kind], region_id=region, interface="public", url=url
                )

    def _create(self, thing: str, **keys: str) -> dict[str, str]:
        reply = self.admin.post(f"{self.url}/{thing}s", json={thing: keys})
        return reply.json()[thing]
