"""Clients of the earlier StorPerf against the real `storperf serve`: their calls, one by one."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import contextmanager

import pytest
import requests
from system.service import address_of, served, until
from system.together import Facts
from tools.sshd import Sshd, require_sshd

fact = Facts()

# As short as a job can be that ends by itself: three seconds.
SHORT_MIN = 0.05
# A request may log in to several hosts, a job fill devices of several: on a busy machine too.
REQUEST_S = 180
JOB_S = 300.0


class OldClient:
    """Knows nothing but an address, in which the token stands as it would for old clients."""

    def __init__(self, program, server):
        made = program("token", "add", "client", "--scope", "run")
        assert made.exit_code == 0, made
        self.base = address_of(server).replace("://", f"://any:{made.stdout.strip()}@")

    def get(self, path, **params):
        return requests.get(f"{self.base}/api/{path}", params=params, timeout=REQUEST_S)

    def post(self, path, content):
        return requests.post(f"{self.base}/api/{path}", json=content, timeout=REQUEST_S)

    def delete(self, path):
        return requests.delete(f"{self.base}/api/{path}", timeout=REQUEST_S)

    def wait(self, run_id):
        """Poll as Yardstick does, and give the last answer."""

        def completed():
            answer = self.get("v1.0/jobs", id=run_id, type="status")
            assert answer.status_code == 200, answer.text
            return answer.json() if answer.json()["Status"] == "Completed" else None

        return until(completed, f"the end of {run_id}", JOB_S)


@contextmanager
def client_of(program, **compatible):
    """An old client of a server whose configuration allows it that."""
    config = program.folder / "serve.yaml"
    config.write_text(json.dumps({"compatible": compatible}))
    with served(program, "--config", config) as server:
        yield OldClient(program, server)


def on_this_machine(program):
    """Configurations are this machine, /dev/vdb is a folder."""
    (program.folder / "scratch").mkdir(exist_ok=True)
    target = {"directory": str(program.folder / "scratch"), "size": "16M"}
    return {"configurations": "local", "targets": {"/dev/vdb": target}}


@fact
def yardsticks_scenario_goes_from_setup_to_teardown(storperf):
    with client_of(storperf, **on_this_machine(storperf)) as client:
        # setup
        made = client.post("v1.0/configurations", {"agent_count": 1, "volume_size": 4})
        assert made.status_code == 200, made.text
        assert made.json()["stack_id"]
        assert client.get("v1.0/configurations").json()["stack_created"] is True
        initial = client.post("v1.0/initializations", {"target": "/dev/vdb"})
        assert initial.status_code == 200, initial.text
        assert client.wait(initial.json()["job_id"])["End"] == "completed"
        # run
        started = client.post(
            "v1.0/jobs",
            {
                "metadata": {"build_tag": "latest", "test_case": "opnfv_yardstick_tc074"},
                "block_sizes": "4096",
                "queue_depths": "4",
                "deadline": SHORT_MIN,
                "target": "/dev/vdb",
                "workload": "rw",
                "steady_state_samples": 10,
            },
        )
        assert started.status_code == 200, started.text
        run_id = started.json()["job_id"]
        assert client.wait(run_id)["End"] == "completed"
        told = client.get("v1.0/jobs", type="metadata", id=run_id).json()
        window = "rw.queue-depth.4.block-size.4096"
        assert list(told["report"]["details"]["steady_state"]) == [window]
        result = client.get("v1.0/jobs", id=run_id).json()
        for io_type in ("read", "write"):
            assert result[f"{window}.{io_type}.iops"] > 0
            # Figures of one run belong together: KiB/s are 4 times the operations.
            ratio = result[f"{window}.{io_type}.bw"] / result[f"{window}.{io_type}.iops"]
            assert ratio == pytest.approx(4.0, rel=1e-3)
            assert result[f"{window}.{io_type}.lat_ns.mean"] > 1000
        # teardown
        assert client.delete("v1.0/configurations").json() == {"stack_id": made.json()["stack_id"]}
        assert client.get("v1.0/configurations").json()["stack_created"] is False
    storperf.assert_nothing_left()


# The calls of the old daily job and of QTIP's run script, with curl and awk as they have them.
DAILY = r"""
set -eu
until [ "$(curl -s -o /dev/null -I -w '%{http_code}' -X GET "$API/configurations")" = 200 ]
do sleep 0.2; done
curl -s -X POST --header 'Content-Type: application/json' --header 'Accept: application/json' \
    -d @stack.json "$API/configurations" > stack.out
JOB=$(curl -s -X POST --header 'Content-Type: application/json' \
    --header 'Accept: application/json' -d @body.json "$API/jobs" \
    | awk '/job_id/ {print $2}' | sed 's/"//g')
curl -s -X GET "$API/jobs?id=$JOB&type=status" -o status.json
JOB_STATUS=$(awk '/Status/ {print $2}' status.json | cut -d\" -f2)
while [ "$JOB_STATUS" != "Completed" ]
do
    sleep 0.3
    curl -s -X GET "$API/jobs?id=$JOB&type=status" -o status.json
    JOB_STATUS=$(awk '/Status/ {print $2}' status.json | cut -d\" -f2)
done
curl -s -X DELETE --header 'Accept: application/json' "$API/configurations"
curl -s -X GET "$API/jobs?id=$JOB&type=metadata" -o report.json
"""


@fact
def the_old_daily_job_goes_to_its_report(storperf):
    if shutil.which("curl") is None or shutil.which("awk") is None:
        pytest.skip("needs curl and awk")
    folder = storperf.folder
    body = {
        "block_sizes": "16384",
        "deadline": SHORT_MIN,
        "steady_state_samples": 10,
        "queue_depths": "4",
        "workload": "_warm_up,ws,rs",
        "target": "/dev/vdb",
        "metadata": {"disk_type": "SSD", "pod_name": "pod-1", "scenario": "none"},
    }
    (folder / "body.json").write_text(json.dumps(body))
    (folder / "stack.json").write_text(json.dumps({"agent_count": 1, "volume_size": 2}))
    with client_of(storperf, **on_this_machine(storperf)) as client:
        environment = {**storperf.environment, "API": f"{client.base}/api/v1.0"}
        subprocess.run(["bash", "-c", DAILY], cwd=folder, env=environment, check=True, timeout=240)
    report = json.loads((folder / "report.json").read_text())["report"]
    assert (report["pod_name"], report["scenario"]) == ("pod-1", "none")
    metrics = report["details"]["metrics"]
    assert metrics["_warm_up.queue-depth.8.block-size.16384.write.iops"] > 0
    assert metrics["ws.queue-depth.4.block-size.16384.write.bw"] > 0
    assert metrics["rs.queue-depth.4.block-size.16384.read.bw"] > 0
    storperf.assert_nothing_left()


@fact
def a_stackless_job_measures_a_host_of_its_own(storperf):
    require_sshd()
    sshd = Sshd(storperf.top / "host")
    (sshd.folder / "data").mkdir()
    known = storperf.folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    allowed = {"networks": ["127.0.0.0/8"], "known_hosts": [str(known)]}
    try:
        with client_of(storperf, **allowed) as client:
            started = client.post(
                "v2.0/jobs",
                {
                    "stack_name": None,
                    "slave_addresses": [f"127.0.0.1:{sshd.port}"],
                    "username": sshd.user,
                    "ssh_private_key": sshd.client_key.read_text(),
                    "target": str(sshd.folder / "data"),
                    "deadline": SHORT_MIN,
                    "workloads": {"mine": {"readwrite": "randrw", "size": "16M"}},
                },
            )
            assert started.status_code == 200, started.text
            run_id = started.json()["job_id"]
            assert client.wait(run_id)["End"] == "completed"
            told = client.get("v1.0/jobs", type="metadata", id=run_id).json()
            assert told["report"]["agent_count"] == 1
            assert told["report"]["details"]["metrics"]
    finally:
        sshd.end()
    # The run has taken the key with it; nobody had to ask for that.
    assert not list(storperf.results.glob("lent/*"))
    secret = sshd.client_key.read_text().splitlines()[1].encode()
    for path in storperf.results.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), path


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
