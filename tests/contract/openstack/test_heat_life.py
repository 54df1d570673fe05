"""A run's stack from nothing to nothing, and through what goes wrong on the way."""

from __future__ import annotations

import threading
import time

import pytest
from tools.cloud_server import BROKEN, Fault
from tools.heat_server import HeatServer

from storperf.deadline import Deadline
from storperf.errors import (
    AgentLost,
    Cancelled,
    CloudError,
    Conflict,
    InfrastructureError,
    UsageError,
)
from storperf.jobfile.parse import parse_job
from storperf.model.host import HostTarget
from storperf.model.leftover import Whose
from storperf.providers.heat import HeatProvider
from storperf.providers.heat_leftovers import delete_leftover, find_leftovers
from storperf.providers.heat_ready import Ready
from storperf.providers.heat_state import find_state
from storperf.providers.openstack_session import open_cloud
from storperf.providers.provider import Errand
from storperf.settings import read_settings

RUN = "20260101-000000-abcd"


@pytest.fixture
def heat():
    with HeatServer() as heat:
        yield heat


class Manager:
    """One run's manager; a second one of the same folder is what resumes it."""

    def __init__(  # noqa: PLR0913 - what differs between tests, by keyword
        self, heat, folder, *, run=RUN, stack="", agents=2, delete="20s"
    ):
        self.settings = read_settings({"HOME": str(folder), **heat.environment}, folder, folder)
        self.folder = folder / "runs" / run
        self.told, self.facts, self.run = [], {}, run
        self.job = parse_job(
            "name: n\nprovider: {kind: heat, stack: "
            f"{{image: i, flavor: f, network: n, delete_timeout: {delete}{stack}}}}}\n"
            f"target: {{volume: {{size: 1G}}}}\nworkloads: [rr]\nmatrix: {{agents: [{agents}]}}\n",
            source="x",
        )
        self.unready = {}
        self.provider = HeatProvider(self.settings, self.ready)

    def ready(self, wanted, *_how, **_more):
        found = {}
        for each in wanted:
            why = self.unready.get(each.name)
            targets = tuple(HostTarget(path="/dev/x", serial=v[:20]) for v, _ in each.volumes)
            fault = InfrastructureError(why) if isinstance(why, str) else why
            found[each.name] = Ready(targets=() if why else targets, fault=fault)
        return found

    def errand(self, agents=None, *, wait=lambda _: False, creates=True):
        return Errand(
            run_id=self.run,
            folder=self.folder,
            agents=max(self.job.matrix.agents) if agents is None else agents,
            tell=self.told.append,
            wait=wait,
            note=self.facts.update,
            creates=creates,
        )

    def acquire(self, agents=None, **how):
        return self.provider.acquire(self.job, self.errand(agents, **how))

    def release(self):
        return self.provider.release(self.job, self.errand(0, creates=False))


def briefly(_seconds):
    """As long as the stand-in takes for anything; nobody has asked for the end."""
    return threading.Event().wait(0.1)


def test_a_stack_comes_and_goes_with_all_it_had(heat, tmp_path):
    manager = Manager(heat, tmp_path)
    places = manager.acquire()
    assert [place.name for place in places] == ["agent-01", "agent-02"]
    serials = {place.targets(manager.job)[0].serial for place in places}
    assert serials == {identity[:20] for identity in heat.things["volumes"]}
    assert manager.release() == []
    assert heat.stacks == {}
    assert heat.things["volumes"] == heat.things["servers"] == {}
    assert list(manager.folder.iterdir()) == []
    assert manager.release() == []


def test_what_it_was_is_kept_with_the_run(heat, tmp_path):
    manager = Manager(heat, tmp_path)
    manager.acquire()
    facts = manager.facts["stack"]
    assert facts["name"] == f"storperf-{RUN}"
    assert facts["agents"]["agent-02"]["volumes"][0]["size_gib"] == 1
    assert facts["image"] == {"id": "i1", "name": "i", "checksum": "c", "hash": None}


def test_ten_agents_take_no_more_requests_than_one(heat, tmp_path):
    asked = []
    for number, agents in enumerate((1, 10)):
        run = f"20260101-000000-000{number}"
        manager = Manager(heat, tmp_path / str(agents), run=run, agents=agents)
        manager.acquire()
        asked.append(manager.facts["stack"]["requests"])
    assert asked[0] == asked[1]


def test_no_private_key_is_told(heat, tmp_path):
    manager = Manager(heat, tmp_path)
    manager.acquire()
    assert "PRIVATE" not in repr((manager.told, manager.facts))
    sent = repr(heat.stacks[f"storperf-{RUN}"]["body"])
    private = (manager.folder / "stack" / "key").read_text()
    assert private not in sent


def test_another_manager_of_the_run_finds_the_same_stack(heat, tmp_path):
    Manager(heat, tmp_path).acquire()
    before = set(heat.things["servers"])
    Manager(heat, tmp_path).acquire()
    assert set(heat.things["servers"]) == before
    assert heat.asked[next(each for each in heat.asked if each.startswith("POST /orch"))] == 1


@pytest.mark.parametrize("status", [500, 504, BROKEN])
def test_a_create_whose_answer_is_lost_makes_one_stack(heat, tmp_path, status):
    heat.faults.append(Fault("POST /orchestration", status, taken=True))
    assert len(Manager(heat, tmp_path).acquire()) == 2
    assert len(heat.stacks) == 1


def test_a_name_that_is_taken_is_not_adopted(heat, tmp_path):
    Manager(heat, tmp_path / "one", stack=", name: mine").acquire()
    other = Manager(heat, tmp_path / "two", stack=", name: mine")
    with pytest.raises(Conflict, match="mine is taken"):
        other.acquire()
    assert other.release() == []
    assert "mine" in heat.stacks


def test_two_managers_with_the_same_job_do_not_meet(heat, tmp_path):
    one = Manager(heat, tmp_path / "one")
    two = Manager(heat, tmp_path / "two", run="20260101-000000-beef")
    one.acquire()
    two.acquire()
    assert one.release() == []
    assert list(heat.stacks) == [f"storperf-{two.run}"]


def test_a_larger_stack_leaves_what_is_there(heat, tmp_path):
    manager = Manager(heat, tmp_path, agents=3)
    manager.acquire(1)
    first = set(heat.things["volumes"])
    assert len(first) == 1
    assert [place.name for place in manager.acquire(3)] == ["agent-01", "agent-02", "agent-03"]
    assert first < set(heat.things["volumes"])
    assert len(manager.acquire(2)) == 2
    assert len(heat.things["servers"]) == 3


def test_each_resource_that_failed_says_why(heat, tmp_path):
    heat.breaks = {
        "agent-01": "No valid host was found",
        "agent-02-candidate-0": "volume in status error",
    }
    manager = Manager(heat, tmp_path)
    with pytest.raises(CloudError) as caught:
        manager.acquire()
    assert "No valid host was found" in caught.value.message
    assert "volume in status error" in caught.value.message
    assert manager.release() == []
    assert heat.stacks == {}


def test_the_rest_is_handed_out_when_the_job_goes_on_with_a_part(heat, tmp_path):
    heat.breaks = {"agent-01": "No valid host was found"}
    absent, there = Manager(heat, tmp_path, stack=", on_partial: go_on").acquire()
    assert "No valid host" in absent.fault
    assert there.fault is None


def test_one_that_is_not_ready_is_a_part_as_well(heat, tmp_path):
    manager = Manager(heat, tmp_path, stack=", on_partial: go_on")
    manager.unready = {"agent-02": "agent-02 is not ready: no answer"}
    assert [place.fault for place in manager.acquire()] == [None, manager.unready["agent-02"]]
    manager.unready = {"agent-01": "no", "agent-02": "no"}
    with pytest.raises(InfrastructureError):
        manager.acquire()


def test_where_no_server_is_reached_the_address_that_is_let_in_is_told(heat, tmp_path):
    manager = Manager(heat, tmp_path, stack=", manager: 198.51.100.7/32")
    manager.unready = {"agent-01": AgentLost("no answer"), "agent-02": AgentLost("no answer")}
    with pytest.raises(InfrastructureError, match=r"198\.51\.100\.7/32 alone.*stack\.manager"):
        manager.acquire()
    manager.unready["agent-02"] = "fio is missing"
    with pytest.raises(InfrastructureError) as caught:
        manager.acquire()
    assert "198.51" not in caught.value.message


def test_a_cancel_while_it_is_made_ends_the_waiting(heat, tmp_path):
    heat.looks = 1000
    manager = Manager(heat, tmp_path)
    with pytest.raises(Cancelled):
        manager.acquire(wait=lambda _: True)
    heat.looks = 0
    assert manager.release() == []


def test_a_stack_that_somebody_else_deletes_is_told(heat, tmp_path):
    heat.looks = 1000
    manager = Manager(heat, tmp_path)

    def wait(_seconds):
        heat.stacks.clear()
        return False

    with pytest.raises(CloudError, match="deleted by somebody else"):
        manager.acquire(wait=wait)
    assert manager.release() == []


def test_a_stack_that_somebody_else_is_deleting_is_told_and_not_updated(heat, tmp_path):
    heat.looks = 1000
    manager = Manager(heat, tmp_path, stack=", stall_timeout: 1s")

    def wait(_seconds):
        for stack in heat.stacks.values():
            stack["action"] = "DELETE"
        return briefly(_seconds)

    with pytest.raises(CloudError, match="deleted by somebody else"):
        manager.acquire(wait=wait)
    assert [line for line in manager.told if line.startswith("updating")] == []


def test_a_heat_that_has_lost_its_work_is_sent_it_again_and_makes_what_failed_anew(heat, tmp_path):
    heat.losses = 1
    heat.breaks = {"agent-01": "Worker went down during resource CREATE"}
    manager = Manager(heat, tmp_path, stack=", stall_timeout: 1s")

    def wait(_seconds):
        if any("a part was lost" in line for line in manager.told):
            heat.breaks = {}
        return briefly(_seconds)

    heat.looks = 2
    assert len(manager.acquire(wait=wait)) == 2
    told = [line for line in manager.told if line.startswith("updating")]
    assert [line.partition(": ")[2] for line in told] == [
        "Heat tells nothing new for 1 s",
        "a part was lost",
    ]


def test_a_heat_that_always_loses_its_work_is_given_up(heat, tmp_path):
    heat.losses = 1000
    manager = Manager(heat, tmp_path, stack=", stall_timeout: 1s")
    with pytest.raises(CloudError, match="UPDATE_IN_PROGRESS"):
        manager.acquire(wait=briefly)
    assert len([line for line in manager.told if line.startswith("updating")]) == 3
    assert manager.release() == []
    assert heat.stacks == {}


def test_a_server_that_a_killed_engine_forgot_goes_and_is_made_anew(heat, tmp_path):
    heat.losses, heat.forgets = 1, ("agent-02",)
    manager = Manager(heat, tmp_path, stack=", stall_timeout: 1s")
    assert len(manager.acquire(wait=briefly)) == 2
    name = f"storperf-{RUN}-agent-02"
    assert f"deleted {name}, which Heat had forgotten" in manager.told
    assert len(heat.things["servers"]) == 2


def test_what_a_killed_engine_forgot_goes_with_the_stack(heat, tmp_path):
    heat.losses, heat.forgets = 1000, ("agent-01", "agent-02-candidate-0")
    manager = Manager(heat, tmp_path, stack=", create_timeout: 1s")
    with pytest.raises(CloudError):
        manager.acquire(wait=briefly)
    assert len(heat.things["servers"]) == len(heat.things["volumes"]) == 1
    somebody = heat.leave("servers", f"storperf-{RUN}-agent-01", run="20260101-000000-beef")
    assert manager.release() == []
    assert heat.things["volumes"] == {}
    assert list(heat.things["servers"]) == [somebody]


def test_a_port_that_a_forgotten_server_holds_goes_after_it(heat, tmp_path):
    manager = Manager(heat, tmp_path)
    manager.acquire()
    (server, resource), *_ = heat.things["servers"].items()
    stack = heat.stacks[f"storperf-{RUN}"]
    assert stack["resources"].pop("agent-01")["physical_resource_id"] == server
    assert manager.release() == []
    assert f"deleted {resource['name']}, which Heat had forgotten" in manager.told
    assert heat.stacks == heat.things["servers"] == {}


def test_a_server_that_is_being_built_is_waited_for(heat, tmp_path):
    heat.losses = 1000
    manager = Manager(heat, tmp_path, stack=", stall_timeout: 1s, create_timeout: 4s")
    name = f"storperf-{RUN}-agent-01"
    heat.things["servers"]["s"] = {"id": "s", "name": name, "status": "BUILD"}
    with pytest.raises(CloudError, match="CREATE_IN_PROGRESS"):
        manager.acquire(wait=briefly)
    assert not [line for line in manager.told if line.startswith("updating")]


def test_what_fails_to_go_is_tried_again(heat, tmp_path):
    manager = Manager(heat, tmp_path)
    manager.acquire()
    heat.keeps = {"agent-01-candidate-0": 1}
    assert manager.release() == []
    assert heat.stacks == {}


def test_what_cannot_be_deleted_is_told_by_name_and_its_keys_stay(heat, tmp_path):
    manager = Manager(heat, tmp_path)
    manager.acquire()
    heat.keeps = {"agent-01-candidate-0": 1000}
    (left,) = manager.release()
    assert "agent-01-candidate-0" in left
    assert "it is busy" in left
    assert find_state(manager.folder) is not None
    heat.keeps = {}
    assert manager.release() == []


FULL = {"error": {"type": "RuntimeError", "message": "Maximum number of threads reached"}}


def test_a_delete_that_an_engine_refuses_is_asked_of_the_next(heat, tmp_path):
    manager = Manager(heat, tmp_path)
    manager.acquire()
    heat.faults.append(Fault("DELETE /orch", 500, times=3, body=FULL))
    assert manager.release() == []
    assert heat.stacks == {}


def test_a_delete_that_every_engine_refuses_says_who_can_help_and_leaves_the_keys(heat, tmp_path):
    manager = Manager(heat, tmp_path, delete="2s")
    manager.acquire()
    heat.faults.append(Fault("DELETE /orch", 500, times=1000, body=FULL))
    (left,) = manager.release()
    assert f"stack storperf-{RUN}" in left
    assert "Maximum number of threads reached (" in left
    assert "restart heat-engine" in left
    assert find_state(manager.folder) is not None
    heat.faults.clear()
    assert manager.release() == []
    assert heat.stacks == {}


@pytest.mark.parametrize("status", [401, 429, 500, 502, 503, BROKEN])
def test_a_cloud_that_stumbles_is_survived(heat, tmp_path, status):
    heat.looks = 3
    manager = Manager(heat, tmp_path)
    for pattern in ("GET /orch", "GET /compute", "DELETE /orch"):
        heat.faults.append(Fault(pattern, status))
    assert len(manager.acquire()) == 2
    assert manager.release() == []
    assert heat.stacks == {}


def test_a_kept_stack_stays_and_another_run_uses_it(heat, tmp_path):
    maker = Manager(heat, tmp_path, stack=", keep: true")
    maker.acquire()
    assert maker.release() == []
    (name,) = heat.stacks
    assert not maker.provider.vanishes(maker.job)
    user = Manager(heat, tmp_path, run="20260202-000000-beef", stack=f", attach: {name}")
    assert len(user.acquire()) == 2
    assert user.release() == []
    assert list(heat.stacks) == [name]
    assert "stack" not in [entry.kind for entry in user.provider.ledger(user.run, user.job)]
    wide = Manager(heat, tmp_path, run="20260202-000000-0001", stack=f", attach: {name}", agents=3)
    with pytest.raises(UsageError, match="agent-03"):
        wide.acquire()
    with pytest.raises(UsageError, match="keeps no stack"):
        Manager(heat, tmp_path / "elsewhere", stack=f", attach: {name}").acquire()


def test_nothing_is_made_where_only_what_is_there_is_wanted(heat, tmp_path):
    manager = Manager(heat, tmp_path)
    assert manager.acquire(creates=False) == ()
    assert heat.asked == {}


# --- leftovers -----------------------------------------------------------------------------------


def cleaned(heat, manager, judge):
    cloud = open_cloud(manager.settings)
    found = find_leftovers(cloud, judge, time.time())
    for each in found:
        if each.whose.may_go:
            delete_leftover(cloud, each, Deadline.after(10))
    return found


def test_ours_go_and_those_of_others_are_told_with_their_owner(heat, tmp_path):
    ours = Manager(heat, tmp_path / "one")
    ours.acquire()
    Manager(heat, tmp_path / "two", run="20260101-000000-beef").acquire()
    found = cleaned(heat, ours, {RUN: Whose.OURS}.get)
    assert [(each.whose, "@" in each.owner) for each in found] == [
        (Whose.OURS, True),
        (Whose.OTHERS, True),
    ]
    assert list(heat.stacks) == ["storperf-20260101-000000-beef"]


def test_what_has_expired_goes_whoever_made_it_unless_it_is_in_use(heat, tmp_path):
    manager = Manager(heat, tmp_path, stack=", lifetime: 1s")
    manager.acquire()
    cloud = open_cloud(manager.settings)
    later = time.time() + 60
    (used,) = find_leftovers(cloud, lambda _: Whose.IN_USE, later)
    (over,) = find_leftovers(cloud, lambda _: None, later)
    assert (used.whose, over.whose) == (Whose.IN_USE, Whose.EXPIRED)


def test_pieces_whose_stack_is_gone_are_found_by_their_marks(heat, tmp_path):
    manager = Manager(heat, tmp_path)
    heat.leave("volumes", "storperf-x-agent-01-candidate-0", run=RUN, owner="nina@lab")
    heat.leave("servers", "other", run="20260101-000000-beef", owner="max@lab")
    heat.things["volumes"]["v"] = {"id": "v", "name": "somebody's", "status": "in-use"}
    found = cleaned(heat, manager, {RUN: Whose.OURS}.get)
    assert {(each.kind, each.owner) for each in found} == {
        ("volume", "nina@lab"),
        ("server", "max@lab"),
    }
    assert list(heat.things["volumes"]) == ["v"]
    assert len(heat.things["servers"]) == 1


def test_images_are_told_and_go_when_they_have_expired(heat, tmp_path):
    manager = Manager(heat, tmp_path)
    said = {"id": "1", "name": "a", "tags": ["storperf"], "storperf_owner": "nina@lab"}
    over = {"storperf_expires": "2020-01-01T00:00:00Z"}
    heat.things["images"] = {"1": said, "2": {**said, **over, "id": "2", "name": "old"}}
    found = cleaned(heat, manager, {RUN: Whose.OURS}.get)
    assert [(each.kind, each.name, each.owner, each.whose) for each in found] == [
        ("image", "a", "nina@lab", Whose.OTHERS),
        ("image", "old", "nina@lab", Whose.EXPIRED),
    ]
    assert list(heat.things["images"]) == ["1"]


def test_what_could_not_be_deleted_says_why(heat, tmp_path):
    manager = Manager(heat, tmp_path)
    manager.acquire()
    heat.keeps = {"agent-01-candidate-0": 1000}
    cloud = open_cloud(manager.settings)
    (found,) = find_leftovers(cloud, lambda _: Whose.OURS, time.time())
    tried = delete_leftover(cloud, found, Deadline.after(3))
    assert not tried.is_deleted
    assert "it is busy" in tried.fault
