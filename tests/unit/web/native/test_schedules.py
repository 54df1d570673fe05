"""Schedules through the API: who may keep one, what it says, how it rests and goes."""

from __future__ import annotations

import pytest
from unit.web.native.callers import as_caller

from storperf.model.access import Scope
from storperf.queueing.scheduling import fire_due

JOB = "name: quick\ntarget: {null_engine: true}\nworkloads: [rr]\nduration: 1s\n"


@pytest.fixture
def keep(client):
    """Keep a schedule; its document, once the status is the one expected."""

    def kept(name="nightly", status=200, **document):
        answer = client.put(f"/api/v3/schedules/{name}", json={"text": JOB, **document})
        assert answer.status_code == status, answer.text
        return answer.json()

    return kept


def test_a_schedule_is_kept_shown_changed_and_removed(client, get, keep):
    kept = keep(at="22:30", zone="Europe/Vienna", window="22:00-06:00", jitter="10m", priority=3)
    assert kept["rule"]["window"] == ["22:00", "06:00"]
    assert (kept["made_by"], kept["is_enabled"]) == ("the adminer", True)
    assert get("schedules")["schedules"] == [kept]
    assert "there is a schedule" in keep(status=409, every="6h")["error"]
    changed = keep(every="6h", replace=True)
    assert get("schedules/nightly") == changed
    assert changed["rule"]["every_s"] == 6 * 3600
    assert client.delete("/api/v3/schedules/nightly").status_code == 204
    get("schedules/nightly", 404)
    assert client.delete("/api/v3/schedules/nightly").status_code == 404


def test_a_schedule_that_rests_is_due_never(client, get, keep):
    keep(every="6h")
    for is_enabled in (False, True):
        answer = client.patch("/api/v3/schedules/nightly", json={"is_enabled": is_enabled})
        assert answer.json() == get("schedules/nightly")
        assert (answer.json()["next_s"] is not None) == is_enabled


def test_a_schedule_puts_its_stored_job_into_the_queue(client, settings, get, keep):
    assert client.put("/api/v3/jobs/mine", json={"text": JOB}).status_code == 200
    kept = keep(text=None, job="mine", every="1h")
    store = client.app.state.served.store
    fire_due(settings, store, kept["next_s"], lambda: 0.0)
    (entry,) = get("queue")["entries"]
    assert entry["submitted_by"] == "schedule nightly"
    assert get("schedules/nightly")["last_run"] == entry["run_id"]


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({}, 400),
        ({"at": "22:30", "every": "6h"}, 400),
        ({"at": "25:00"}, 400),
        ({"every": "often"}, 400),
        ({"at": "22:30", "zone": "../../etc/passwd"}, 400),
        ({"at": "22:30", "window": "22:00"}, 400),
        ({"at": "22:30", "job": "mine"}, 400),
        ({"at": "22:30", "text": JOB.replace("{null_engine: true}", "/dev/sda")}, 400),
        ({"at": "22:30", "text": f"{JOB}allow_unsafe_fio_options: true\n"}, 400),
    ],
)
def test_what_can_never_be_due_or_run_is_refused(get, keep, document, status):
    assert keep(status=status, **document)["exit_code"] == 2
    assert get("schedules")["schedules"] == []


def test_only_an_admin_keeps_and_changes_schedules(client, settings, get, keep):
    kept = keep(every="6h")
    as_caller(client, settings, Scope.RUN)
    keep(status=403, every="6h", replace=True)
    assert client.delete("/api/v3/schedules/nightly").status_code == 403
    changed = client.patch("/api/v3/schedules/nightly", json={"is_enabled": False})
    assert changed.status_code == 403
    assert get("schedules")["schedules"] == [kept]
