"""What a stranger could make the earlier StorPerf do, one by one: refused here, or harmless.

Shell text in target, mkfs and fio options is in test_compatible_jobs.py, hosts and logins of
stackless requests in tests/contract/remote/test_compatible_stackless.py.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from unit.web.old_clients import serving

from storperf.model.access import Scope
from storperf.web.configuration import Configuration

SQL = ("' OR '1'='1", "'; DROP TABLE queue; --", "%", "\\", '"')
SECRET = "hunter2"
DEVICE = {"device": "/dev/sdx", "serial": "s-1", "destroy": True}


@pytest.fixture
def server(tmp_path):
    # Without a configuration it answers to every name; `storperf serve` never does.
    with serving(tmp_path, Configuration(hosts=frozenset())) as server:
        server.configure(tmp_path / "scratch")
        yield server


def jobs_of(server):
    return server.ask("GET", "v1.0/jobs").json()["job_ids"]


def test_of_jobs_that_come_at_once_one_is_there_and_the_others_are_refused(server):
    def post(_number):
        return server.ask("POST", "v1.0/jobs", {"workload": "rr"}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(post, range(8)))
    assert statuses == [200, *[409] * 7]
    assert len(jobs_of(server)) == 1


@pytest.mark.parametrize("words", SQL)
def test_words_of_sql_are_words(server, words):
    made = server.ask("GET", "v1.0/configurations").json()
    metadata = {"test_case": words, words: words}
    entry = server.job_of(server.ask("POST", "v1.0/jobs", {"metadata": metadata}))
    told = server.client.get(
        "/api/v1.0/jobs",
        params={"id": entry.run_id, "type": "metadata"},
        headers={"Authorization": "Bearer secret-read"},
    ).json()
    assert (told["test_case"], told[words]) == (words, words)
    for path, name in (
        ("jobs", "id"),
        ("jobs", "type"),
        ("configurations", "stack_name"),
        ("logs", "lines"),
    ):
        for method in ("GET", "DELETE") if path == "configurations" else ("GET",):
            answer = server.client.request(
                method,
                f"/api/v1.0/{path}",
                params={name: words},
                headers={"Authorization": "Bearer secret-run"},
            )
            assert answer.status_code < 500, answer.text
    assert jobs_of(server) == [entry.run_id]
    assert server.ask("GET", "v1.0/configurations").json() == made


@pytest.mark.parametrize("scope", Scope)
def test_a_name_that_was_pointed_at_the_server_opens_nothing(server, scope):
    headers = {"Authorization": f"Bearer secret-{scope}", "Host": "evil.example.com:5000"}
    for method, path in (
        ("GET", "v1.0/jobs"),
        ("POST", "v1.0/jobs"),
        ("POST", "v2.0/jobs"),
        ("POST", "v1.0/initializations"),
        ("POST", "v1.0/configurations"),
        ("DELETE", "v1.0/configurations"),
        ("GET", "spec.json"),
    ):
        answer = server.client.request(method, f"/api/{path}", headers=headers, json={"a": 1})
        assert answer.status_code == 421, (method, path)
    assert jobs_of(server) == []


def test_a_page_of_another_origin_starts_nothing(server):
    headers = {"Authorization": "Bearer secret-run", "Origin": "https://evil.example.com"}
    answer = server.client.post("/api/v1.0/jobs", headers=headers, json={"workload": "rr"})
    assert answer.status_code == 403
    assert jobs_of(server) == []


@pytest.mark.parametrize(
    "metadata",
    [
        {"password": SECRET},
        {"Password": SECRET},
        {"os_password": SECRET},
        {"login": {"ssh_private_key": SECRET, "user": "lab"}},
        {"hosts": [{"password": SECRET}]},
    ],
)
def test_a_secret_is_not_given_back_wherever_the_metadata_has_it(server, metadata):
    metadata = {"pod_name": "p", **metadata}
    content = {"metadata": metadata, "password": SECRET, "ssh_private_key": SECRET}
    entry = server.job_of(server.ask("POST", "v1.0/jobs", content))
    for query in ("", "?type=metadata", "?type=status", f"?id={entry.run_id}&type=metadata"):
        assert SECRET not in server.ask("GET", f"v1.0/jobs{query}").text
    assert SECRET not in server.ask("GET", "v1.0/logs").text
    assert SECRET not in server.ask("GET", "v3/queue").text
    assert SECRET not in repr(entry)


@pytest.mark.parametrize(
    "device", ["/dev/sdx; reboot", "$(reboot)", "/dev/../etc/shadow", "-F", "/dev/sda", "/etc"]
)
def test_a_device_to_mount_is_one_that_the_server_names(server, device):
    server.allow(configurations="local", targets={"/dev/sdx": DEVICE})
    content = {"target": "/mnt/x", "mkfs": "ext4", "mount_device": device}
    answer = server.ask("POST", "v1.0/initializations", content)
    assert answer.status_code == 400, answer.text
    assert jobs_of(server) == []


@pytest.mark.parametrize(
    "query",
    [
        "id=../../../etc/passwd&type=metadata",
        "id=%2e%2e%2f%2e%2e%2ftoken",
        "id=file:///etc/passwd",
        "id=http://169.254.169.254/",
    ],
)
def test_an_id_is_neither_a_path_nor_an_address(server, query):
    assert server.ask("GET", f"v1.0/jobs?{query}").status_code == 404


def test_there_are_no_report_pages_that_fetch_an_address(server):
    for path in ("/reporting/", "/reporting/url", "/swagger/"):
        answer = server.client.post(path, data={"url": "http://169.254.169.254/"})
        assert answer.status_code in {401, 403, 404, 405}, path
