"""The pages in a real browser: no error, no request to any machine, everything drawn."""

from __future__ import annotations

import re
import shutil

import pytest
from tools.chromium import Browser, find_chromium

pytestmark = pytest.mark.all_only

EVIL = "</script><img src=http://192.0.2.1/x onerror=alert(1)>'\"&\u202e\N{SNOWMAN}"
DRAWN = """
drawAllFigures().then(() => [...document.querySelectorAll(".plot")].map((place) => ({
  kind: place.dataset.kind,
  failed: "failed" in place.dataset,
  lines: [...place.querySelectorAll(".scatterlayer path.js-line")]
    .filter((path) => path.getAttribute("d").length > 20).length,
  bars: place.querySelectorAll(".barlayer path").length,
  images: [...place.querySelectorAll(".heatmaplayer image")]
    .filter((image) => image.getAttribute("href")).length,
  points: place.querySelectorAll(".scatterlayer path.point").length,
  shapes: place.querySelectorAll(".shapelayer path").length,
  width: place.getBoundingClientRect().width,
})))
"""
COLUMN = """
[...document.querySelectorAll("#step-table tbody tr")]
  .map((row) => row.cells[COLUMN].textContent.trim())
"""
LOCAL = re.compile(r"file:|data:|blob:|about:")


@pytest.fixture(scope="module")
def pages(tmp_path_factory, make_program):
    """A report and a history page of runs whose title would do harm."""
    program = make_program(tmp_path_factory.mktemp("pages"))
    job = program.job(
        name="nightly",
        workloads=[{"name": "rr", "rw": "randread"}, {"name": "mix", "rw": "randrw"}],
        matrix={"queue_depth": [1, 8]},
        duration="3s",
        interval="100ms",
        provider=program.lying_fio(),
    )
    for _ in range(2):
        assert program("run", job, "--title", EVIL).exit_code in {0, 3}
    report = program("report", "last", "--output", "report.html")
    history = program("history", "nightly", "--html", "--output", "history.html")
    assert (report.exit_code, history.exit_code) == (0, 0), (report, history)
    return {name: program.folder / f"{name}.html" for name in ("report", "history")}


@pytest.fixture
def browser(tmp_path):
    program = find_chromium()
    if program is None:
        pytest.skip("there is no Chromium here")
    with Browser(program, tmp_path / "profile") as browser:
        browser.resize(1280, 900)
        yield browser


@pytest.mark.parametrize("name", ["report", "history"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_drawn_without_an_error_or_a_request(browser, pages, name, scheme):
    browser.prefer(scheme)
    browser.open(pages[name].as_uri())
    figures = browser.run(DRAWN)
    assert bool(figures) is (name == "report")
    assert browser.run("document.querySelectorAll('svg.drawn').length") >= 4
    assert not any(figure["failed"] for figure in figures)
    assert browser.console == []
    assert [url for url in browser.requests if not LOCAL.match(url)] == []


def test_every_figure_of_a_report_holds_lines_and_cells(browser, pages):
    browser.open(pages["report"].as_uri())
    figures = browser.run(DRAWN)
    times = [figure for figure in figures if figure["kind"] == "time"]
    heats = [figure for figure in figures if figure["kind"] == "heat"]
    assert (len(times), len(heats)) == (4, 6)
    for figure in times:
        assert figure["lines"] >= 5
    for figure in heats:
        assert figure["images"] == 1
        assert figure["bars"] >= 1


def test_a_folded_step_costs_nothing_until_it_is_unfolded(browser, pages):
    browser.open(pages["report"].as_uri())
    browser.run("document.querySelector('[data-unfold=false]').click()")
    drawn = "document.querySelectorAll('#step-4 .main-svg').length"
    browser.run("drawAllFigures().then(() => true)")
    assert browser.run(drawn) == 0
    browser.run("location.hash = '#step-4'")
    browser.run("new Promise((done) => setTimeout(done, 100)).then(drawAllFigures).then(() => 1)")
    assert browser.run(drawn) > 0


def test_every_figure_of_a_history_holds_a_sign_for_each_run(browser, pages):
    browser.open(pages["history"].as_uri())
    signs = "[...document.querySelectorAll('svg.history')].map(SHOWN)"
    shown = "(one) => one.getClientRects().length ? one.querySelectorAll('.sign').length : 0"
    assert sorted(browser.run(signs.replace("SHOWN", shown))) == [0] * 12 + [2] * 12


def test_the_table_sorts_by_number_both_ways(browser, pages):
    browser.open(pages["report"].as_uri())
    headings = "[...document.querySelectorAll('#step-table th')].map((each) => each.textContent)"
    column = [words.strip() for words in browser.run(headings)].index("IOPS")
    click = f"document.querySelectorAll('#step-table th button')[{column}].click()"
    numbers = (
        "[...document.querySelectorAll('#step-table tbody tr')]"
        f".map((row) => Number(row.cells[{column}].dataset.sort))"
    )
    before = browser.run(numbers)
    assert len(before) == 6
    browser.run(click)
    assert browser.run(numbers) == sorted(before)
    browser.run(click)
    assert browser.run(numbers) == sorted(before, reverse=True)


def test_text_sorts_and_what_is_missing_stands_last(browser, pages):
    browser.open(pages["report"].as_uri())
    browser.run("document.querySelectorAll('#step-table th button')[0].click()")
    names = browser.run(COLUMN.replace("COLUMN", "0"))
    assert names == sorted(names)
    # A cell without a number, as of a step that was not measured.
    browser.run("delete document.querySelector('#step-table tbody td[data-sort]').dataset.sort")
    browser.run("document.querySelector('#step-table tbody tr').cells[3].textContent = '-'")
    for _ in range(2):
        browser.run("document.querySelectorAll('#step-table th button')[3].click()")
        assert browser.run(COLUMN.replace("COLUMN", "3"))[-1] == "-"


@pytest.mark.parametrize("name", ["report", "history"])
def test_a_phone_shows_the_page_without_scrolling_sideways(browser, pages, name):
    browser.resize(360, 740, is_mobile=True)
    browser.open(pages[name].as_uri())
    figures = browser.run(DRAWN)
    assert browser.run("document.documentElement.scrollWidth") <= 360
    assert all(figure["width"] <= 360 for figure in figures)


@pytest.mark.parametrize("name", ["report", "history"])
def test_the_page_prints(browser, pages, name, tmp_path):
    browser.open(pages[name].as_uri())
    browser.run(DRAWN)
    paper = tmp_path / "page.pdf"
    browser.print_pdf(paper)
    content = paper.read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 2
    assert browser.console == []


def test_a_figure_that_cannot_be_drawn_says_so_and_the_rest_stays(browser, pages, tmp_path):
    broken = tmp_path / "broken.html"
    text = pages["report"].read_text(encoding="utf-8")
    broken.write_text(text.replace('id="plotly">', 'id="plotly">AAAA'), encoding="utf-8")
    browser.open(broken.as_uri())
    figures = browser.run(DRAWN)
    assert all(figure["failed"] for figure in figures)
    assert "cannot be drawn" in browser.run("document.querySelector('.plot').textContent")
    assert len(browser.run(COLUMN.replace("COLUMN", "0"))) == 6


def test_a_script_that_is_not_ours_does_not_run(browser, pages, tmp_path):
    """Should text ever slip through unescaped, the page's policy stops it."""
    foreign = tmp_path / "foreign.html"
    shutil.copy(pages["report"], foreign)
    text = foreign.read_text(encoding="utf-8")
    evil = "<script>window.evil = 1</script><img src='http://192.0.2.1/x' onerror='evil = 2'>"
    foreign.write_text(text.replace("<main>", f"<main>{evil}"), encoding="utf-8")
    browser.open(foreign.as_uri())
    assert browser.run("typeof window.evil") == "undefined"
    assert any("Content Security Policy" in words for words in browser.console)
