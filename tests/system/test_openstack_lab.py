"""The lab itself: its user can make a stack, see it, and be rid of it."""

from __future__ import annotations

import time

import pytest
from lab import openstack as lab

TEMPLATE = {
    "heat_template_version": "2021-04-16",
    "resources": {
        "word": {"type": "OS::Heat::RandomString", "properties": {"length": 12}},
        "pause": {
            "type": "OS::Heat::TestResource",
            "properties": {"value": "hello", "action_wait_secs": {"create": 1}},
        },
    },
    "outputs": {"word": {"value": {"get_attr": ["word", "value"]}}},
}


@pytest.fixture
def cloud():
    return lab.cloud()


def until(heat, stack_id, word):
    """The stack when Heat has done with it."""
    give_up_s = time.monotonic() + 120
    while time.monotonic() < give_up_s:
        stack = heat.get(f"/stacks/{stack_id}")["stack"]
        if not stack["stack_status"].endswith("_IN_PROGRESS"):
            assert stack["stack_status"] == f"{word}_COMPLETE", stack["stack_status_reason"]
            return stack
        time.sleep(0.3)
    raise AssertionError(f"the stack is not {word}_COMPLETE after two minutes")


@pytest.mark.openstack(1)
def test_a_user_with_the_role_member_makes_a_stack_and_deletes_it(cloud):
    heat = cloud.orchestration
    asked = {"stack_name": "storperf-lab-test", "template": TEMPLATE, "timeout_mins": 2}
    stack_id = heat.post("/stacks", asked)["stack"]["id"]
    path = f"storperf-lab-test/{stack_id}"
    [output] = until(heat, path, "CREATE")["outputs"]
    assert len(output["output_value"]) == 12
    assert heat.delete(f"/stacks/{path}")
    until(heat, path, "DELETE")
    assert lab.left_in(cloud, "stacks") == {"stacks": []}


@pytest.mark.openstack(2)
def test_the_project_of_the_lab_is_empty(cloud):
    assert not any(lab.left_in(cloud).values())
