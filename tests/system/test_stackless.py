"""Stackless requests on hosts with block devices: two real sshd, a password, and sudo."""

from __future__ import annotations

import pytest
import requests
from system.test_old_clients import REQUEST_S, SHORT_MIN, client_of
from system.test_ssh_users import shown
from tools.login_host import PASSWORD, USER, LoginHost, require_login_host

SIZE = 32 << 20
# The user is no root and may become it; root's home is the test's own.
MAY_BECOME_ROOT = r"""
mkdir "$top/root"
mount --bind "$top/root" /root
printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$user" > /etc/sudoers.d/bench
chmod 440 /etc/sudoers.d/bench
"""


class Lab:
    """Two hosts that both call their disk `device`; `images` are the files behind their disks."""

    def __init__(self, folder, loop_device):
        require_login_host()
        (self.device, first), (other, second) = loop_device(SIZE), loop_device(SIZE)
        self.images = (first, second)
        lines = ["PasswordAuthentication yes"]
        its_own = f"mount --bind {other} {self.device}\n"
        self.hosts = [
            LoginHost(folder / f"host-{number}", lines=lines, also=MAY_BECOME_ROOT + more)
            for number, more in enumerate(("", its_own))
        ]

    @property
    def addresses(self):
        """As a request names them."""
        return [f"127.0.0.1:{host.port}" for host in self.hosts]

    def content(self, **more):
        """A request of these hosts."""
        return {
            "stack_name": None,
            "slave_addresses": self.addresses,
            "username": USER,
            "password": PASSWORD,
            **more,
        }

    def assert_nothing_left(self):
        """Nothing mounted, no run, no lock, no scratch, and the password in no file."""
        for host in self.hosts:
            assert "/target-" not in host.mounts()
            for home in (host.folder / "root", host.user_home):
                staged = home / ".local/state/storperf/agent"
                assert [*staged.glob("*/runs/*"), *staged.glob("*/locks/*")] == []
            assert not (host.folder / "root/.ssh").exists()
            assert_not_in(PASSWORD, host.folder / "root", host.user_home)

    def end(self):
        """End both."""
        for host in self.hosts:
            host.end()


def assert_not_in(secret, *folders):
    """No file below the folders holds it, unpacked."""
    for folder in folders:
        holding = [path for path, content in shown(folder) if secret.encode() in content]
        assert holding == []


@pytest.fixture
def lab(tmp_path_factory, loop_device):
    lab = Lab(tmp_path_factory.mktemp("lab"), loop_device)
    yield lab
    lab.end()


def vouch_for(client, lab, storperf):
    """Let an admin pin the one key as the refusal shows it; the other is in known_hosts."""
    refused = client.post("v1.0/initializations", lab.content(target=str(lab.device)))
    assert refused.status_code == 400, refused.text
    message = refused.json()["message"]
    assert f"[127.0.0.1]:{lab.hosts[0].port}" not in message
    assert "SHA256:" in message
    assert PASSWORD not in refused.text
    key = message.partition('"key": "')[2].partition('"')[0]
    assert key == lab.hosts[1].host_key
    made = storperf("token", "add", "head", "--scope", "admin")
    place = client.base.rpartition("@")[2]
    answer = requests.post(
        f"http://any:{made.stdout.strip()}@{place}/api/v3/host-pins",
        json={"host": lab.addresses[1], "key": key},
        timeout=REQUEST_S,
    )
    assert answer.status_code == 201, answer.text


def figures_of(client, path, content):
    """Start it, wait for its good end, and give the job's report and its metrics."""
    started = client.post(path, content)
    assert started.status_code == 200, started.text
    run_id = started.json()["job_id"]
    ended = client.wait(run_id)
    assert (ended["Status"], ended["End"]) == ("Completed", "completed"), ended
    answer = client.get("v1.0/jobs", id=run_id, type="metadata")
    assert PASSWORD not in answer.text
    report = answer.json()["report"]
    assert (report["agent_count"], report["username"]) == (2, USER)
    metrics = client.get("v1.0/jobs", id=run_id).json()
    assert metrics == report["details"]["metrics"]
    return report, metrics


def test_two_hosts_with_a_password_are_measured_on_file_systems_and_devices(storperf, lab):
    known = storperf.folder / "known_hosts"
    first = lab.hosts[0]
    known.write_text(f"[127.0.0.1]:{first.port} {first.host_key}\n")
    allowed = {"networks": ["127.0.0.0/8"], "known_hosts": [str(known)]}
    with client_of(storperf, **allowed) as client:
        vouch_for(client, lab, storperf)
        # A file system on each device; the job after it finds one there as well.
        target = {"target": "/mnt/storperf"}
        made = {"mkfs": "ext4 -F -b 4096", "mount_device": str(lab.device)}
        files = {"filesize": "4M", "nrfiles": "2", "numjobs": "2"}
        content = lab.content(**target, **made, **files)
        report, metrics = figures_of(client, "v1.0/initializations", content)
        window = "_warm_up.queue-depth.8.block-size.16k"
        assert metrics[f"{window}.write.iops"] > 0
        own = {"mixed": {"readwrite": "randrw", "filesize": "4M", "nrfiles": "2"}}
        content = lab.content(**target, workloads=own, block_sizes="4096", deadline=SHORT_MIN)
        report, metrics = figures_of(client, "v2.0/jobs", content)
        window = "mixed.queue-depth.1.block-size.4096"
        assert metrics[f"{window}.read.iops"] > 0
        assert metrics[f"{window}.write.bw"] > 0
        assert report["target"] == "/mnt/storperf"
        # The device itself: an initialization fills it, the job after it does not.
        on_device = lab.content(target=str(lab.device))
        figures_of(client, "v1.0/initializations", on_device)
        for image in lab.images:
            content = image.read_bytes()
            assert all(any(content[at : at + 4096]) for at in range(0, SIZE, 4096))
        job = {"workload": "rr", "queue_depths": "2", "deadline": SHORT_MIN}
        report, metrics = figures_of(client, "v1.0/jobs", on_device | job)
        assert metrics["rr.queue-depth.2.block-size.4096.read.lat_ns.mean"] > 1000
        assert report["slave_addresses"] == [f"[127.0.0.1]:{host.port}" for host in lab.hosts]
    lab.assert_nothing_left()
    assert not list(storperf.results.glob("lent/*"))
    assert_not_in(PASSWORD, storperf.results)
    storperf.assert_nothing_left()
