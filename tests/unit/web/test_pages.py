"""Pages: what stands on them, and that text of a job is never markup."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from storperf import service
from storperf.jobfile.parse import parse_job
from storperf.model.access import Scope, Token
from storperf.model.queued import Schedule
from storperf.model.run import Run, RunState
from storperf.plan import plan_job
from storperf.queueing import asking
from storperf.settings import read_settings
from storperf.tokens import digest_of
from storperf.web.app import create_app

FIXTURES = Path(__file__).parents[2] / "fixtures/fio"
EVIL = "</script><img src=x onerror=alert(1)>'\"&"
JOB = "name: nightly\ntarget: {null_engine: true}\nworkloads: [rr]\n"


@pytest.fixture
def settings(tmp_path):
    return read_settings({"HOME": str(tmp_path)}, tmp_path)


@pytest.fixture
def store(settings):
    with service.open_store(settings) as store:
        for scope in Scope:
            store.add_token(
                Token(
                    id=scope.value,
                    name=f"the {scope}er",
                    digest=digest_of(scope.value),
                    scope=scope,
                    created_s=time.time(),
                )
            )
        yield store


@pytest.fixture
def client(settings, store):
    with TestClient(create_app(settings), follow_redirects=False) as client:
        yield client


@pytest.fixture
def imported(settings, store):
    (outcome,) = service.import_results(
        settings, [FIXTURES / "single-job_randrw70.json"], job="nightly", lab="local", dry_run=False
    )
    return outcome.run


def look(client, path, scope="read"):
    return client.get(path, headers={"Authorization": f"Bearer {scope}"})


class Tags(HTMLParser):
    """The elements of a page, each with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def a_going_run(store, **changes):
    job = parse_job(JOB, source="a test")
    run = Run(
        **{
            "id": "20260101-000000-abcd",
            "job_name": job.name,
            "lab": job.lab,
            "title": None,
            "job_text": job.text,
            "state": RunState.RUNNING,
            "phase": None,
            "created_s": 1_767_225_600.0,
            "manager": {},
            "facts": {"origin": "trusted"},
            **changes,
        }
    )
    store.create_run(run, plan_job(job))
    return run.id


def test_the_front_page_is_the_list_of_runs(client):
    assert (client.get("/").status_code, client.get("/").headers["location"]) == (303, "/runs")


@pytest.mark.parametrize("path", ["/runs", "/queue", "/runs/x", "/history?job=nightly"])
def test_without_a_token_no_page_opens(client, path):
    assert client.get(path).status_code in {303, 401}


def test_the_list_names_each_run_and_leads_to_it(client, imported):
    text = look(client, "/runs").text
    assert f'href="/runs/{imported}"' in text
    assert "nightly" in text


def test_the_list_is_narrowed_by_what_is_asked(client, store, imported):
    going = a_going_run(store)
    assert going in look(client, "/runs?state=running").text
    assert imported not in look(client, "/runs?state=running").text
    assert "No run fits" in look(client, "/runs?job=other").text
    assert look(client, "/runs?state=nonsense&verdict=nonsense&after=nonsense").status_code == 400


def test_a_long_list_has_a_page_behind(client, store):
    for number in range(60):
        a_going_run(store, id=f"20260101-0000{number:02}-abcd", created_s=1e9 + number)
    first = look(client, "/runs?job=nightly")
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first.text)
    second = look(client, older.replace("&amp;", "&"))
    ids = [set(re.findall(r'href="/runs/([^"?]+)"', each.text)) for each in (first, second)]
    assert [len(each) for each in ids] == [50, 10]
    assert not ids[0] & ids[1]


def test_a_run_that_ended_shows_its_verdict_and_its_figures(client, imported):
    found = look(client, f"/runs/{imported}")
    assert "INCONCLUSIVE" in found.text
    assert "IOPS" in found.text
    assert "/static/live.js" not in found.text


def test_a_run_that_goes_on_is_kept_up_to_date(client, store):
    run = a_going_run(store)
    found = look(client, f"/runs/{run}")
    assert '<script src="/static/live.js" defer>' in found.text
    assert f'data-run="{run}"' in found.text
    assert "rr-bs4k" in found.text
    assert look(client, "/static/live.js").headers["content-type"].startswith("text/javascript")


def test_a_run_that_waits_says_for_what(client, settings, store):
    first, second = (asking.submit(settings, store, JOB, submitted_by="x") for _ in "12")
    assert first.run_id in look(client, f"/runs/{second.run_id}").text
    assert first.run_id in look(client, "/queue").text


def test_the_queue_shows_what_the_clock_will_ask_for(client, store):
    store.save_schedule(
        Schedule(
            name="every night",
            job_text=JOB,
            rule={"at": "22:30", "zone": "Europe/Oslo"},
            priority=0,
            made_by="x",
            made_s=0.0,
            next_s=1_767_225_600.0,
        )
    )
    text = look(client, "/queue").text
    assert "daily at 22:30 Europe/Oslo" in text
    assert "2026-01-01 00:00:00 UTC" in text


def test_only_who_may_run_can_cancel(client, settings, store):
    run = asking.submit(settings, store, JOB, submitted_by="x").run_id
    assert "Cancel" not in look(client, "/queue").text
    assert "Cancel" in look(client, "/queue", "run").text
    for token, status in (("read", 403), ("run", 303)):
        answer = client.post(f"/queue/{run}/cancel", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status
    assert "CANCELLED" in look(client, f"/runs/{run}").text


def test_no_link_of_a_page_leads_nowhere(client, store, imported):
    a_going_run(store)
    pages = ("/runs", "/queue", f"/runs/{imported}", "/runs/20260101-000000-abcd", "/api/v3/docs")
    for path in pages:
        for tag, attributes in Tags(look(client, path).text).found:
            where = attributes.get("href", "")
            if tag in {"a", "link"} and where.startswith("/"):
                assert look(client, where).status_code == 200, (path, where)


def test_the_page_of_the_api_needs_no_token_and_shows_every_operation(client):
    found = client.get("/api/v3/docs")
    assert found.status_code == 200
    tags = Tags(found.text).found
    places = {attributes["id"] for _, attributes in tags if "id" in attributes}
    links = {attributes.get("href", "") for tag, attributes in tags if tag == "a"}
    assert {link[1:] for link in links if link.startswith("#")} <= places
    document = client.get("/api/v3/openapi.json").json()
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"{method.upper()} <code>{path}</code>" in found.text
    # Whatever is wider than the page can be scrolled with the keyboard.
    assert all("tabindex" in attributes for tag, attributes in tags if tag == "pre")
    assert "-X POST" in found.text
    assert "Log out" not in found.text


def test_text_of_a_job_is_never_markup(client, settings, store):
    a_going_run(store, job_name=EVIL, lab=EVIL, title=EVIL)
    asking.submit(settings, store, JOB, submitted_by=EVIL, title=EVIL)
    for path in ("/runs", "/queue", "/runs/20260101-000000-abcd", f"/runs?text={EVIL}"):
        text = look(client, path).text
        assert not [tag for tag, _ in Tags(text).found if tag == "img"], path
        assert "onerror" in text, path


def test_nothing_on_a_page_comes_from_elsewhere_or_stands_inline(client, store, imported):
    a_going_run(store)
    pages = ("/runs", "/queue", f"/runs/{imported}", "/runs/20260101-000000-abcd", "/api/v3/docs")
    for path in pages:
        found = look(client, path)
        policy = found.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        for tag, attributes in Tags(found.text).found:
            assert "style" not in attributes, (path, tag)
            assert not [name for name in attributes if name.startswith("on")], (path, tag)
            if tag == "script":
                assert attributes["src"].startswith("/static/"), path


@pytest.mark.parametrize("name", ["../storperf.sqlite3", "..%2fstorperf.sqlite3", "manager.lock"])
def test_no_other_file_can_be_had(client, imported, name):
    assert look(client, f"/runs/{imported}/files/{name}").status_code in {404, 422}


def test_papers_are_given_to_be_kept(client, imported):
    found = look(client, f"/runs/{imported}/files/result.json")
    assert found.json()["run"]["id"] == imported
    assert found.headers["content-disposition"] == (
        f'attachment; filename="{imported}-result.json"'
    )


def test_a_history_leads_to_reports(client, imported):
    assert "storperf history of" in look(client, "/history?job=nightly").text
    assert look(client, "/history?job=never").status_code == 404


def test_a_report_that_is_not_there_yet_is_said(client, store):
    run = a_going_run(store)
    assert look(client, f"/runs/{run}/report").status_code == 404
