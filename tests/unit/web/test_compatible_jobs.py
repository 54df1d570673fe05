"""Jobs and initializations of the earlier StorPerf's clients: what they become, what is refused."""

from __future__ import annotations

import pytest
import yaml
from unit.web.old_clients import serving

from storperf.model.access import Scope
from storperf.model.queued import EntryState

# What the old daily job posts.
DAILY = {
    "block_sizes": "16384",
    "deadline": 30,
    "steady_state_samples": 10,
    "queue_depths": "4",
    "workload": "_warm_up,ws,rs,rw",
    "target": "/dev/vdb",
    "metadata": {
        "disk_type": "SSD",
        "pod_name": "pod-1",
        "scenario": "os-nosdn",
        "storage_node_count": 4,
        "version": "172",
        "build_tag": "jenkins-daily-172",
        "test_case": "snia_steady_state",
    },
}


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path) as server:
        yield server


@pytest.fixture
def local(server, tmp_path):
    server.configure(tmp_path / "scratch")
    return server


def text_of(server, content, path="v1.0/jobs"):
    entry = server.job_of(server.ask("POST", path, content))
    server.end(entry.run_id)
    return yaml.safe_load(entry.job_text)


def refusal(server, content, path="v2.0/jobs"):
    answer = server.ask("POST", path, content)
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"] == answer.json()["error"]
    assert not server.store.queue_entries()
    return answer.json()["message"]


def test_the_old_daily_job_is_this_job_file(local):
    job = text_of(local, DAILY)
    assert (job["name"], job["lab"]) == ("snia_steady_state", "pod-1")
    assert job["workloads"] == ["_warm_up", "ws", "rs", "rw"]
    assert job["matrix"]["block_size"] == [16384]
    assert job["matrix"]["queue_depth"] == [4]
    assert job["until"] == {"storperf": {"sample": "60s", "samples": 10}, "at_most": "1800s"}
    assert job["precondition"] == {"fill": False}


def test_the_job_that_comes_with_qtip_is_this_job_file(local):
    metadata = {"disk_type": "HDD", "scenario_name": "", "storage_node_count": 2, "version": ""}
    content = {
        "block_sizes": "1024",
        "deadline": 30,
        "steady_state_samples": 2,
        "queue_depths": "1",
        "workload": "rw",
        "metadata": {**metadata, "build_tag": "", "test_case": "snia_steady_state"},
    }
    job = text_of(local, content)
    assert (job["name"], job["lab"], job["workloads"]) == ("snia_steady_state", "local", ["rw"])
    assert (job["matrix"]["block_size"], job["matrix"]["queue_depth"]) == ([1024], [1])
    assert job["until"]["at_most"] == "1800s"


def test_a_bare_job_takes_the_old_defaults(local):
    job = text_of(local, {"metadata": {}})
    assert job["workloads"] == ["rr", "rs", "rw", "wr", "ws"]
    assert job["matrix"]["block_size"] == [4096]
    assert job["matrix"]["queue_depth"] == [1]
    assert job["until"]["storperf"]["samples"] == 10


def test_a_deadline_that_has_no_room_for_the_rule_is_the_duration(local):
    job = text_of(local, {"workload": "rr", "deadline": "2", "steady_state_samples": 10})
    assert job["duration"] == "120s"
    assert "until" not in job


def test_two_samples_are_taken_as_three(local):
    job = text_of(local, {"workload": "rw", "deadline": 30, "steady_state_samples": 2})
    assert job["until"]["storperf"]["samples"] == 3


def test_own_workloads_keep_their_options_and_lose_what_the_matrix_says(local):
    own = {
        "mixed": {"readwrite": "randrw", "rwmixread": 70, "bs": "64k", "iodepth": 99, "name": "x"},
        "_fill": {"rw": "write", "loops": 1, "size": "32M", "direct": "1", "ioengine": "psync"},
    }
    job = text_of(local, {"workloads": own, "queue_depths": "1", "deadline": 1}, "v2.0/jobs")
    assert job["workloads"] == [
        {"name": "mixed", "rw": "randrw", "rwmixread": "70"},
        {"name": "_fill", "rw": "write"},
    ]
    assert (job["ioengine"], job["direct"]) == ("psync", True)
    assert job["target"]["size"] == 16 << 20, "the configuration's size is the most there is"


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"a": {"rw": "read", "exec_prerun": "touch /tmp/x"}}, "exec_prerun"),
        ({"a": {"rw": "read", "exec_preru": "touch /tmp/x"}}, "exec_preru"),
        ({"a": {"rw": "read", "ioengine": "external:/tmp/x.so"}}, "ioengine"),
        ({"a": {"rw": "read", "write_iolog": "/etc/passwd"}}, "write_iolog"),
        ({"a": {"rw": "read", "rate": "1; reboot"}}, "rate"),
        ({"a; reboot": {"rw": "read"}}, "alphanumeric"),
        ({"../../etc": {"rw": "read"}}, "alphanumeric"),
        ({"a": {"rw": "sideways"}}, "sideways"),
        ({"a": {"rw": ["read"]}}, "single value"),
        ({"a": "read"}, "map of fio options"),
        ({"a": {"size": "1G"}, "b": {"size": "2G"}}, "same size"),
        ({"a": {"nrfiles": "many"}}, "nrfiles"),
        ({"a": {"size": "big"}}, "size"),
    ],
)
def test_an_option_that_does_harm_is_refused(local, own, words):
    assert words in refusal(local, {"workloads": own, "deadline": 1})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"target": "/dev/vdb; reboot"}, "target"),
        ({"target": "$(reboot)"}, "target"),
        ({"target": "/srv/../etc"}, "target"),
        ({"target": "/etc"}, "no target /etc"),
        ({"target": ["/dev/vdb"]}, "target"),
        ({"workload": "rr,../../evil"}, "Unknown workload"),
        ({"workload": "rx"}, "known are _warm_up"),
        ({"queue_depths": "deep"}, "queue_depths"),
        ({"queue_depths": "0"}, "queue_depth"),
        ({"block_sizes": "4097"}, "block_size"),
        ({"block_sizes": "4096; reboot"}, "block_sizes"),
        ({"deadline": -1}, "deadline"),
        ({"deadline": "soon"}, "deadline"),
        ({"steady_state_samples": 1e300}, "steady_state_samples"),
        ({"metadata": "all"}, "metadata"),
        ({"stack_name": "other"}, "Stack other does not exist"),
        ({"metadata": {"a": "\ud800"}}, "Unicode"),
        ({"metadata": {"a": "\0"}}, "Unicode"),
        ({}, "Missing configuration data"),
        ([1], "JSON object"),
    ],
)
def test_a_wrong_job_is_refused_with_its_reason(local, content, words):
    assert words in refusal(local, content)


def test_every_fault_of_a_request_is_told_at_once(local):
    message = refusal(local, {"target": ";", "deadline": "soon", "queue_depths": "x"})
    assert all(word in message for word in ("target", "deadline", "queue_depths"))


def test_a_body_that_is_no_json_is_400(local):
    headers = {"Authorization": "Bearer secret-run", "Content-Type": "application/json"}
    for content in (b"{", b"[" * 100_000, b'{"deadline": 1e999}', b"\xff"):
        answer = local.client.post("/api/v1.0/jobs", content=content, headers=headers)
        assert answer.status_code == 400
        assert "ERROR" in answer.json()["message"]


def test_no_text_of_a_request_is_a_variable(local):
    job = text_of(local, {"metadata": {"test_case": "${HOME} * &a !!x", "pod_name": "- x: y"}})
    assert (job["name"], job["lab"]) == ("$${HOME} * &a !!x", "- x: y")


def test_a_second_job_is_refused_and_the_first_stays(local):
    first = local.job_of(local.ask("POST", "v1.0/jobs", DAILY))
    for path in ("v1.0/jobs", "v2.0/jobs", "v1.0/initializations"):
        answer = local.ask("POST", path, DAILY)
        assert answer.status_code == 409
        assert answer.json()["message"] == f"ERROR: Job {first.run_id} is already running"
    assert [entry.run_id for entry in local.store.queue_entries()] == [first.run_id]
    status = local.ask("GET", f"v1.0/jobs?id={first.run_id}&type=status").json()
    assert status["Status"] == "Running"


def test_after_a_job_has_ended_there_may_be_another(local):
    first = local.job_of(local.ask("POST", "v1.0/jobs", DAILY))
    local.end(first.run_id)
    assert local.job_of(local.ask("POST", "v1.0/jobs", DAILY)).run_id != first.run_id


def test_deleting_jobs_takes_back_what_waits(local):
    assert local.ask("DELETE", "v1.0/jobs").json() == {"Slaves": True}
    entry = local.job_of(local.ask("POST", "v1.0/jobs", DAILY))
    assert local.ask("DELETE", "v1.0/jobs").json() == {"Slaves": ["127.0.0.1"]}
    assert local.store.queue_entry(entry.run_id).state is EntryState.CANCELLED
    status = local.ask("GET", f"v1.0/jobs?id={entry.run_id}&type=status").json()
    assert (status["Status"], status["End"]) == ("Completed", "cancelled")


def test_an_unknown_job_is_404(local):
    for run_id in ("nothing", "../../etc/passwd", "1' OR '1'='1", "%00", "last", "2"):
        for kind in ("", "&type=metrics", "&type=metadata", "&type=status"):
            answer = local.ask("GET", f"v1.0/jobs?id={run_id}{kind}")
            assert answer.status_code == 404
            assert "no job has the id" in answer.json()["message"]


def test_a_job_is_found_by_id_and_by_job_id(local):
    entry = local.job_of(local.ask("POST", "v1.0/jobs", DAILY))
    told = [
        local.ask("GET", f"v1.0/jobs?{key}={entry.run_id}&type=metadata")
        for key in ("id", "job_id")
    ]
    assert told[0].json() == told[1].json()
    assert told[0].json()["scenario"] == told[0].json()["scenario_name"] == "os-nosdn"
    assert told[0].json()["build_tag"] == "jenkins-daily-172"
    assert local.ask("GET", "v1.0/jobs").json() == {"job_ids": [entry.run_id]}


def test_windows_of_a_waiting_job_have_the_old_names(local):
    content = {"workload": "rr", "block_sizes": "2k,16384", "queue_depths": "1,8", "deadline": 1}
    entry = local.job_of(local.ask("POST", "v1.0/jobs", content))
    status = local.ask("GET", f"v1.0/jobs?id={entry.run_id}&type=status").json()
    assert status["Workloads"] == {
        f"{entry.run_id}.rr.queue-depth.{depth}.block-size.{size}": "Pending"
        for depth in (1, 8)
        for size in ("2k", 16384)
    }


def test_scripts_with_awk_find_one_line_with_the_word_they_look_for(local):
    answer = local.ask("POST", "v1.0/jobs", DAILY)
    (line,) = [line for line in answer.text.splitlines() if "job_id" in line]
    run_id = line.split()[1].replace('"', "")
    assert run_id == answer.json()["job_id"]
    status = local.ask("GET", f"v1.0/jobs?id={run_id}&type=status")
    (line,) = [line for line in status.text.splitlines() if "Status" in line]
    assert line.split()[1].split('"')[1] == "Running"


def test_an_initialization_writes_once_16k_at_depth_8(local):
    job = text_of(local, {"target": "/dev/vdb"}, "v1.0/initializations")
    assert job["workloads"] == [{"name": "_warm_up", "rw": "randwrite"}]
    assert job["matrix"]["block_size"] == [16384]
    assert job["matrix"]["queue_depth"] == [8]
    assert job["precondition"] == {"fill": False}
    assert text_of(local, None, "v1.0/initializations")["name"] == "initialization"


def test_an_initialization_takes_both_spellings_of_its_sizes(local):
    for key in ("filesize", "file_size"):
        content = {key: "2M", "nrfiles": "4", "numjobs": 2}
        job = text_of(local, content, "v1.0/initializations")
        assert (job["target"]["size"], job["target"]["nrfiles"]) == (8 << 20, 4)
        assert job["matrix"]["numjobs"] == 2


def test_jobs_on_an_initialized_file_system_make_it_anew(server, tmp_path):
    server.configure(tmp_path / "scratch")
    device = {"device": "/dev/sdx", "serial": "s-1", "destroy": True}
    server.allow(configurations="local", targets={"/dev/sdx": device})
    content = {
        "target": "/mnt/storperf",
        "mkfs": "mkfs.ext4 -F -b 4096",
        "mount_device": "/dev/sdx",
    }
    initial = text_of(server, content, "v1.0/initializations")
    job = text_of(server, {"target": "/mnt/storperf/", "workload": "rr"})
    for target in (initial["target"], job["target"]):
        assert target["device"] == "/dev/sdx"
        assert target["mkfs"] == {"type": "ext4", "options": ["-b", "4096"]}


@pytest.mark.parametrize("mkfs", ["ext4 -F; reboot", "xfs -l logdev=/dev/sda", "`reboot`", "vfat"])
def test_a_mkfs_that_does_harm_is_refused(server, tmp_path, mkfs):
    server.configure(tmp_path / "scratch")
    device = {"device": "/dev/sdx", "serial": "s-1", "destroy": True}
    server.allow(configurations="local", targets={"/dev/sdx": device})
    content = {"target": "/mnt/x", "mkfs": mkfs, "mount_device": "/dev/sdx"}
    assert "mkfs" in refusal(server, content, "v1.0/initializations")


def test_a_job_on_an_initialized_device_does_not_fill_it_again(server, tmp_path):
    server.configure(tmp_path / "scratch")
    device = {"device": "/dev/sdx", "serial": "s-1", "destroy": True}
    server.allow(configurations="local", targets={"/dev/vdb": device})
    assert "precondition" not in text_of(server, {"workload": "rr"})
    text_of(server, {}, "v1.0/initializations")
    assert text_of(server, {"workload": "rr"})["precondition"] == {"fill": False}


def test_reading_needs_one_scope_and_starting_another(local):
    assert local.ask("GET", "v1.0/jobs", scope=Scope.READ).status_code == 200
    for method, path in (
        ("POST", "v1.0/jobs"),
        ("POST", "v1.0/configurations"),
        ("DELETE", "v1.0/configurations"),
        ("DELETE", "v1.0/jobs"),
        ("POST", "v1.0/initializations"),
    ):
        assert local.ask(method, path, DAILY, Scope.READ).status_code == 403
    answer = local.client.get("/api/v1.0/jobs")
    assert answer.status_code == 401
    assert "token" in answer.json()["message"]
    assert "Basic" in answer.headers["WWW-Authenticate"]


def test_no_password_is_ever_given_back(local):
    metadata = {"password": "hunter2", "ssh_private_key": "hunter2", "pod_name": "p"}
    entry = local.job_of(local.ask("POST", "v1.0/jobs", {**DAILY, "metadata": metadata}))
    for kind in ("metrics", "metadata", "status"):
        assert "hunter2" not in local.ask("GET", f"v1.0/jobs?id={entry.run_id}&type={kind}").text
    assert "hunter2" not in repr(entry)


def test_logs_are_as_many_lines_as_asked_for(local):
    local.job_of(local.ask("POST", "v1.0/jobs", DAILY))
    (line,) = local.ask("GET", "v1.0/logs").json()["logs"]
    assert "submitted by run" in line
    for lines in ("all", "-1", "99999999999999", "1"):
        assert local.ask("GET", f"v1.0/logs?lines={lines}").json()["logs"] == [line]
    assert local.ask("GET", "v1.0/logs?lines=0").json()["logs"] == []
