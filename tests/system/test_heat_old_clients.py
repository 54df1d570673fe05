"""The old daily job against a cloud: its configuration is a stack of real guests, and goes."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from lab import openstack as lab
from system.test_old_clients import DAILY, SHORT_MIN, client_of

pytestmark = pytest.mark.openstack(3)

# Guests are emulated: a minute or two until one answers.
DAY_S = 900.0
STACK = {
    "image": "lab-image",
    "flavor": "lab.small",
    "network": "lab-net",
    "ready_timeout": "15m",
}


def test_the_old_daily_job_makes_a_stack_measures_it_and_leaves_an_empty_project(storperf):
    if shutil.which("curl") is None or shutil.which("awk") is None:
        pytest.skip("needs curl and awk")
    folder = storperf.folder
    stack = {"agent_count": 2, "volume_count": 1, "volume_size": 1, "volume_type": "lab"}
    (folder / "stack.json").write_text(json.dumps(stack))
    body = {
        "block_sizes": "16384",
        "deadline": SHORT_MIN,
        "steady_state_samples": 10,
        "queue_depths": "4",
        "workload": "ws,rs",
        "metadata": {"disk_type": "SSD", "pod_name": "pod-1", "scenario": "none"},
    }
    (folder / "body.json").write_text(json.dumps(body))
    with lab.project(instances=5) as login:
        storperf.environment.update(login)
        with client_of(storperf, configurations="heat", stack=STACK) as client:
            environment = {**storperf.environment, "API": f"{client.base}/api/v1.0"}
            how = {"cwd": folder, "env": environment, "timeout": DAY_S}
            subprocess.run(["bash", "-c", DAILY], check=True, **how)
            result = client.get("v1.0/jobs", id=client.get("v1.0/jobs").json()["job_ids"][-1])
        left = lab.left_in(lab.cloud_of(login))
    assert not any(left.values()), left

    made = json.loads((folder / "stack.out").read_text())
    assert made["stack_created"] is True
    assert len(set(made["slave_addresses"])) == 2
    assert json.loads((folder / "status.json").read_text())["End"] == "completed"
    report = json.loads((folder / "report.json").read_text())["report"]
    assert (report["pod_name"], report["agent_count"]) == ("pod-1", 2)
    metrics = report["details"]["metrics"]
    for name, op in (("ws", "write"), ("rs", "read")):
        figures = f"{name}.queue-depth.4.block-size.16384.{op}"
        # Figures of one run belong together: KiB/s are 16 times the operations.
        ratio = metrics[f"{figures}.bw"] / metrics[f"{figures}.iops"]
        assert ratio == pytest.approx(16, rel=0.01)
    assert result.json() == metrics
