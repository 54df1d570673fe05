"""The service's pages in a real browser: log in, watch a run that goes on, read its verdict."""

from __future__ import annotations

import pytest
from system.service import address_of, served, submit, until
from tools.chromium import Browser, find_chromium

pytestmark = pytest.mark.all_only


@pytest.fixture
def browser(tmp_path):
    program = find_chromium()
    if program is None:
        pytest.skip("there is no Chromium here")
    with Browser(program, tmp_path / "profile") as browser:
        yield browser


def log_in(browser, address, token):
    browser.open(f"{address}/runs")
    assert browser.run("location.pathname") == "/login"
    browser.run(
        f"document.querySelector('#token').value = {token!r};"
        "document.querySelector('form').requestSubmit()"
    )
    until(lambda: browser.run("location.pathname") == "/runs", "a page behind the login")


def words_of(browser, selector):
    return browser.run(f"document.querySelector({selector!r})?.textContent.trim() ?? ''")


def test_a_run_is_watched_from_its_queue_to_its_verdict(storperf, browser):
    token = storperf("token", "add", "a person", "--scope", "run").stdout.strip()
    with served(storperf) as server:
        address = address_of(server)
        log_in(browser, address, token)
        assert "Nothing has run yet" in words_of(browser, "#content")
        run = submit(
            storperf,
            "watched",
            workloads=[{"name": "rr", "rw": "randread", "rate_iops": 500}],
            duration="20s",
            provider=storperf.lying_fio(),
        )
        browser.open(f"{address}/runs/{run}")
        # It waits first; that page asks again by itself.
        until(lambda: words_of(browser, "td.now") == "running", "a step that runs")
        until(lambda: browser.run("!document.querySelector('#live').hidden"), "a line")
        shown = words_of(browser, "td.iops").removesuffix(" IOPS")
        assert words_of(browser, "#phase") == "measure"
        assert words_of(browser, "td.trials") in {"0 of 1", "1 of 1"}
        # The page is made anew when the run has ended.
        until(lambda: browser.run("!document.querySelector('#live')"), "the page of an ended run")
        verdict = storperf("show", run, "--json").json["verdict"]
        assert words_of(browser, "#verdict .word").startswith(verdict["outcome"].upper())
        assert words_of(browser, "td.now") == "completed"
        assert words_of(browser, "td.trials") == "1 of 1"
        assert 400 <= float(shown) <= 600
        report = browser.run("document.querySelector('.actions a').getAttribute('href')")
        browser.open(address + report)
        assert run in browser.run("document.body.innerText")
        browser.open(f"{address}/queue")
        assert "Nothing runs and nothing waits" in words_of(browser, "#content")
        assert [url for url in browser.requests if not url.startswith((address, "data:"))] == []
        assert browser.console == []


def test_a_run_is_cancelled_with_the_keyboard_alone(storperf, browser):
    token = storperf("token", "add", "a person", "--scope", "run").stdout.strip()
    with served(storperf) as server:
        address = address_of(server)
        log_in(browser, address, token)
        run = submit(storperf, "long", duration="10m", provider=storperf.lying_fio())
        browser.open(f"{address}/queue")
        for _ in range(30):
            if browser.run("document.activeElement.textContent") == "Cancel":
                break
            press(browser, "Tab")
        assert browser.run("document.activeElement.getAttribute('aria-label')").endswith(run)
        press(browser, "Enter")
        until(lambda: browser.run("location.pathname") == f"/runs/{run}", "the run's page")
        until(
            lambda: words_of(browser, "#content .word").startswith("CANCELLED"), "a cancelled run"
        )


def press(browser, key):
    text = {"text": "\r"} if key == "Enter" else {}
    code = {"Tab": 9, "Enter": 13}[key]
    for kind in ("keyDown", "keyUp"):
        browser.call(
            "Input.dispatchKeyEvent",
            type=kind,
            key=key,
            code=key,
            windowsVirtualKeyCode=code,
            **(text if kind == "keyDown" else {}),
        )
