"""`report` and `history`: pages made from what is stored, whatever became of the run."""

from __future__ import annotations

import re
import shutil
import signal

import pytest

NIGHTLY = {
    "name": "nightly",
    "workloads": [{"name": "rr", "rw": "randread"}, {"name": "mix", "rw": "randrw"}],
    "duration": "2s",
    "interval": "100ms",
}


def seen(text):
    """What a reader sees: no styles, no scripts."""
    without = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", without))


@pytest.fixture(scope="module")
def measured(tmp_path_factory, make_program):
    """A program with two runs of a job, and how the first one ended."""
    program = make_program(tmp_path_factory.mktemp("measured"))
    job = program.job(**NIGHTLY, provider=program.lying_fio())
    first = program("run", job, "--title", "the first one")
    assert program("run", job).exit_code == 0
    return program, first


@pytest.fixture
def program(measured):
    return measured[0]


def page_of(program, *arguments):
    made = program("report", *arguments)
    assert made.exit_code == 0, made
    return (program.folder / made.stdout.strip()).read_text(encoding="utf-8")


def test_a_run_leaves_its_report_and_says_where_on_stderr(measured):
    program, first = measured
    address = re.search(r"^report: file://(.+)$", first.stderr, re.MULTILINE)
    assert address, first
    run = program("show", "the first one", "--json").json["run"]["id"]
    assert address[1] == str(program.run_folder(run) / "report.html")
    assert "report:" not in first.stdout
    text = (program.run_folder(run) / "report.html").read_text(encoding="utf-8")
    assert "PASS" in seen(text)[:400]


def test_a_report_is_made_again_from_the_store(program):
    run = program("list", "--json").json["runs"][0]["id"]
    kept = program.run_folder(run) / "report.html"
    before = seen(kept.read_text(encoding="utf-8"))
    kept.unlink()
    text = page_of(program, run)
    assert kept.exists()
    made_at = re.compile(r"Made by storperf at \S+ \S+ UTC")
    assert made_at.sub("", seen(text)) == made_at.sub("", before)


def test_a_report_is_small_and_holds_what_it_shows(program):
    text = page_of(program, "last")
    assert len(text.encode()) < 8_000_000
    assert "rr-bs4k-qd1-nj1-a1" in text
    assert "mix-bs4k-qd1-nj1-a1" in text
    assert text.count('data-kind="time"') == 2
    assert text.count('data-kind="heat"') == 3


def test_links_to_kept_files_lead_there_from_wherever_the_report_stands(program):
    elsewhere = program.folder / "else where" / "r.html"
    elsewhere.parent.mkdir(exist_ok=True)
    text = page_of(program, "last", "--output", elsewhere)
    links = re.findall(r'<li><a href="([^"]+)">', text)
    assert len(links) > 5
    for link in links:
        assert (elsewhere.parent / link).is_file(), link


def test_json_names_the_file_and_its_size(program):
    found = program("report", "last", "--output", "r.html", "--json").json
    assert found["schema"] == "storperf-report/1"
    assert found["path"] == str(program.folder / "r.html")
    assert found["size_bytes"] == (program.folder / "r.html").stat().st_size


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "nothing"),
        ("report", "last", "--output", "no/such/folder/r.html"),
        ("report", "last", "--output", "."),
        ("history", "nothing"),
        ("history", "nightly", "--lab", "nowhere"),
        ("history", "nightly", "--output", "h.html"),
        ("history", "nightly", "--limit", "0"),
    ],
)
def test_what_cannot_be_done_is_the_users_input(program, arguments):
    ended = program(*arguments)
    assert ended.exit_code == 2, ended
    assert ended.stdout == ""


def test_a_running_run_has_a_report_that_says_so(storperf):
    running = storperf.start("run", storperf.job(duration="60s", provider=storperf.lying_fio()))
    running.until("started")
    text = seen(page_of(storperf, "last"))
    running.process.send_signal(signal.SIGINT)
    assert running.end().exit_code == 130
    assert "RUNNING" in text[:400]
    assert "NO VERDICT" not in text
    after = seen(page_of(storperf, "last"))
    assert "RUNNING" not in after
    assert "cancelled" in after[:1200]


def test_a_failed_run_has_a_report_with_its_reason(storperf):
    ended = storperf.run_job(provider=storperf.lying_fio("crashes"))
    assert ended.exit_code == 4, ended
    text = seen(page_of(storperf, "last"))
    assert "INCONCLUSIVE" in text[:400]
    assert "Why it ended:" in text


def test_a_pruned_run_keeps_its_report_of_figures(storperf):
    assert storperf.run_job(provider=storperf.lying_fio()).exit_code == 0
    figure = storperf("show", "last", "--json").json["steps"][0]["trials"][0]["figures"][0]
    assert figure["metric"] == "bandwidth"
    storperf("prune", "--older-than", "0s")
    text = seen(page_of(storperf, "last"))
    assert "the intervals were pruned" in text
    assert "PASS" in text[:400]
    assert "All figures of the trial" in text


def test_a_damaged_interval_file_is_told_in_the_report(storperf):
    assert storperf.run_job(provider=storperf.lying_fio()).exit_code == 0
    run = storperf("list", "--json").json["runs"][0]["id"]
    for path in (storperf.run_folder(run) / "intervals").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert "is damaged" in seen(page_of(storperf, run))


def test_a_run_whose_files_are_gone_has_a_report(storperf):
    assert storperf.run_job(provider=storperf.lying_fio()).exit_code == 0
    run = storperf("list", "--json").json["runs"][0]["id"]
    shutil.rmtree(storperf.run_folder(run))
    assert "no interval of this trial was kept" in seen(page_of(storperf, run))


def test_the_history_has_every_run(program):
    ids = [run["id"] for run in program("list", "--json").json["runs"]]
    found = program("history", "nightly", "--json").json
    assert found["schema"] == "storperf-history/1"
    assert [run["id"] for run in found["history"]["runs"]] == ids
    series = found["history"]["series"]
    assert {(each["op"], each["metric"]) for each in series} == {
        (op, metric) for op in ("read", "write") for metric in ("iops", "clat_p99")
    }
    for each in series:
        assert [point["run"] for point in each["points"]] == ids[::-1]
        assert each["band"]["centre"] > 0
        shown = program("show", ids[0], "--json").json
        values = {
            figure["value"]
            for step in shown["steps"]
            if step["key"] == each["step"]
            for figure in step["trials"][0]["figures"]
            if (figure["op"], figure["metric"], figure["agent"])
            == (each["op"], each["metric"], "all")
        }
        assert values == {each["points"][-1]["value"]}


def test_the_history_is_a_table_and_a_page(program):
    table = program("history", "nightly")
    assert table.exit_code == 0, table
    assert "++" in table.stdout
    made = program("history", "nightly", "--html")
    assert made.exit_code == 0, made
    page = program.results / "history-nightly-local.html"
    assert made.stdout.strip() == str(page)
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r'<a href="([^"]+)">2', text):
        assert (page.parent / link).is_file()


def test_of_several_labs_one_has_to_be_named(storperf):
    fio = storperf.lying_fio()
    for lab in ("north", "south"):
        assert storperf.run_job(lab=lab, provider=fio).exit_code == 0
    ended = storperf("history", "quick")
    assert ended.exit_code == 2
    assert "north, south" in ended.stderr
    assert storperf("history", "quick", "--lab", "south").exit_code == 0
