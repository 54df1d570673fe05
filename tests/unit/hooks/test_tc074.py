"""The task file for Yardstick is one, with every variable given and with none."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest
import yaml

FILE = Path(__file__).parents[3] / "jenkins" / "yardstick" / "opnfv_yardstick_tc074.yaml"
# What the scenario hands on to the API (its setup, and its run).
SETUP = {
    *("agent_count", "agent_flavor", "public_network", "agent_image", "volume_size"),
    *("volume_type", "volume_count", "availability_zone", "stack_name", "subnet_CIDR"),
}
RUN = {"block_sizes", "queue_depths", "workload", "steady_state_samples"}
OWN = {"StorPerf_ip", "query_interval", "timeout"}


def rendered(**given):
    # Yardstick renders with names that were not given as undefined, which are false.
    template = jinja2.Environment(autoescape=True).from_string(FILE.read_text())
    return yaml.safe_load(template.render(**given))


@pytest.mark.parametrize(
    "given", [{}, {"volume_type": "ssd", "volume_size": 16, "workload": "_warm_up,rw"}]
)
def test_every_option_is_one_that_the_scenario_reads(given):
    task = rendered(**given)
    assert task["schema"] == "yardstick:task:0.1"
    [scenario] = task["scenarios"]
    assert scenario["type"] == "StorPerf"
    options = scenario["options"]
    assert set(options) <= SETUP | RUN | OWN
    assert set(options) >= (SETUP | RUN | OWN) - {"volume_type"}
    assert {key: options[key] for key in given} == given
