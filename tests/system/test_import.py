"""`storperf import` of the installed program: every fixture, good and broken, into the store."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[1] / "fixtures"
FIO = FIXTURES / "fio"
SINGLE = FIO / "single-job_randrw70.json"
GOOD = [
    *FIO.glob("numjobs4*.json"),
    *FIO.glob("single-job*.json"),
    *FIO.glob("jsonplus*.json"),
    *FIO.glob("psync*.json"),
    *FIO.glob("steadystate*.json"),
    *FIO.glob("killed-*.stdout"),
    FIO / "SIGUSR1-midrun.stdout",
    FIO / "mixed_one-ok-one-failed_enospc.stdout",
    *(path for path in (FIXTURES / "fio-client-server").iterdir()),
    *(FIXTURES / "fio2").glob("*.json"),
    *(FIXTURES / "fio-terse").iterdir(),
    *(FIXTURES / "storperf").iterdir(),
]
BAD = [
    FIO / "bad-ioengine.stdout",
    FIO / "bad-option_parse-error.stdout",
    FIO / "failed-job_open-error.stdout",
    FIO / "verify-error.stdout",
    FIO / "verify-error.stderr",
    FIO / "psync-iodepth8-note.stderr",
]


def imported(storperf, *arguments):
    """The results of an import that refused nothing."""
    ended = storperf("import", *arguments, "--json")
    assert ended.exit_code == 0, ended
    return ended.json["results"]


def later(path, folder, days, factor=1.0):
    """The same result so many days later, its IOPS times `factor`."""
    tree = json.loads(path.read_text())
    shift_s = days * 86400
    tree["timestamp"] += shift_s
    tree["timestamp_ms"] += shift_s * 1000
    for job in tree["jobs"]:
        for op in ("read", "write"):
            job[op]["total_ios"] = round(job[op]["total_ios"] * factor)
    copy = folder / f"{days}.json"
    copy.write_text(json.dumps(tree))
    return copy


def test_every_fixture_is_understood_or_refused_with_a_reason(storperf):
    ended = storperf("import", "--dry-run", "--json", *GOOD, *BAD)
    assert ended.exit_code == 2
    results = ended.json["results"]
    by_state = {
        state: {result["file"] for result in results if result["state"] == state}
        for state in ("understood", "refused")
    }
    assert by_state == {
        "understood": set(map(str, GOOD)),
        "refused": set(map(str, BAD)),
    }
    for result in results:
        assert bool(result["reason"]) == (result["state"] == "refused")
    for path in BAD:
        assert f"{path} is refused: " in ended.stderr
    assert not storperf.results.exists()


def test_a_dry_run_tells_every_figure_of_a_fio_job(storperf):
    ended = storperf("import", "--dry-run", "--json", FIO / "jsonplus_status-interval1_concat.json")
    assert ended.exit_code == 0
    (result,) = ended.json["results"]
    (job,) = result["understood"]["fio_jobs"]
    read = job["directions"]["read"]
    assert (job["name"], job["error"]) == ("jp", 0)
    assert (read["ios"], read["bytes"], read["runtime_ms"]) == (60000, 245760000, 3001)
    assert read["iops"] == pytest.approx(19993.335555)
    assert read["clat_ns"]["mean"] == 487.63235
    assert read["clat_ns"]["percentiles"]["99.9"] == 26752
    assert read["slat_ns"]["mean"] == 74.87235


def test_a_dry_run_for_people_tells_the_same(storperf):
    ended = storperf("import", "--dry-run", FIO / "killed-SIGINT.stdout")
    assert ended.exit_code == 0
    assert "only a part of a measurement: fio was ended by signal 2" in ended.stdout
    assert "2.49 M" in ended.stdout


def test_good_files_are_stored_although_others_are_refused(storperf):
    ended = storperf("import", SINGLE, FIO / "bad-ioengine.stdout", storperf.folder / "gone.json")
    assert ended.exit_code == 2
    assert "No such file" in ended.stderr
    (run,) = storperf("list", "--json").json["runs"]
    assert run["job_name"] == "one"
    assert run["facts"]["imported"]["file"] == SINGLE.name
    assert run["imported_from"].startswith("sha256:")


def test_a_result_is_imported_once_whatever_its_file_is_called(storperf):
    (first,) = imported(storperf, SINGLE)
    copy = storperf.folder / "copy.json"
    shutil.copy(SINGLE, copy)
    (again,) = imported(storperf, copy)
    assert (first["state"], again["state"]) == ("imported", "known")
    assert again["run"] == first["run"]
    assert len(storperf("list", "--json").json["runs"]) == 1
    elsewhere = storperf("import", "--job", "other", SINGLE)
    assert elsewhere.exit_code == 2
    assert f"there already, as run {first['run']} of job one" in elsewhere.stderr


def test_old_results_are_a_baseline_from_the_first_day(storperf):
    files = [later(SINGLE, storperf.folder, day, 1 + 0.004 * (day % 3)) for day in range(6)]
    results = imported(storperf, "--job", "nightly", "--lab", "rack4", *reversed(files))
    assert [result["file"] for result in results] == [str(path) for path in files]
    runs = storperf("list", "--job", "nightly", "--lab", "rack4", "--json").json["runs"]
    assert [run["verdict"] for run in runs] == ["pass"] * 5 + ["inconclusive"]
    assert runs[0]["created_s"] - runs[-1]["created_s"] == 5 * 86400
    entries = storperf("baseline", "show", "nightly", "--lab", "rack4", "--json").json["entries"]
    assert sum(entry["accepted"] for entry in entries) == 6
    slow = later(SINGLE, storperf.folder, 7, 0.5)
    (result,) = imported(storperf, "--job", "nightly", "--lab", "rack4", slow)
    shown = storperf("show", result["run"], "--json").json
    assert (shown["run"]["verdict"], shown["run"]["reason"]) == ("inconclusive", "suspicious")
    assert shown["steps"][0]["trials"][0]["figures"][0]["value"] > 0


def test_every_command_works_on_an_imported_run(storperf):
    first, second = (
        imported(storperf, "--job", "nightly", later(SINGLE, storperf.folder, day))[0]["run"]
        for day in (1, 2)
    )
    assert "imported" in storperf("list").stdout
    assert "imported" in storperf("show", second).stdout
    compared = storperf("compare", first, second)
    assert compared.exit_code == 0, compared
    assert "read iops" in compared.stdout
    assert storperf("history", "nightly").exit_code == 0
    for form in ("json", "csv", "yaml", "markdown", "junit"):
        assert storperf("export", second, "--format", form).exit_code == 0
    kept = storperf("show", second, "--raw").stdout
    assert "raw/imported.gz" in kept
    refused = storperf("resume", second)
    assert refused.exit_code == 2
    baseline = storperf("baseline", "set", second, "--json")
    assert baseline.exit_code == 0, baseline


def test_the_report_says_what_was_not_measured(storperf):
    (result,) = imported(storperf, SINGLE)
    path = Path(storperf("report", result["run"]).stdout.strip())
    page = path.read_text(encoding="utf-8")
    assert "Not measured by storperf" in page
    assert SINGLE.name in page
    assert "the imported result holds totals alone" in page
    assert 'data-kind="time"' not in page
    assert "storperf run job.yaml" not in page


def test_status_intervals_are_drawn(storperf):
    (result,) = imported(storperf, FIO / "jsonplus_status-interval1_concat.json")
    path = Path(storperf("report", result["run"]).stdout.strip())
    assert 'data-kind="time"' in path.read_text(encoding="utf-8")


def test_what_is_only_a_part_never_enters_a_baseline(storperf):
    (result,) = imported(storperf, "--job", "cut", FIO / "killed-SIGINT.stdout")
    shown = storperf("show", result["run"], "--json").json
    assert shown["run"]["reason"] == "invalid"
    assert "fio was ended by signal 2" in shown["verdict"]["sentence"]
    assert storperf("baseline", "show", "cut", "--json").json["entries"] == []


def test_windows_of_two_storperf_reports_that_drift_are_not_comparable(storperf):
    files = [FIXTURES / "storperf" / f"storperf-{name}.json" for name in ("danube", "master")]
    runs = [imported(storperf, path)[0]["run"] for path in files]
    ended = storperf("compare", *runs, "--json")
    assert ended.exit_code == 3
    reasons = {}
    for check in ended.json["comparison"]["checks"]:
        reasons.setdefault(check["reason"], set()).add(check["step"])
    assert reasons["not_comparable"] == {
        "rr-bs2k-qd1-nj1-a4",
        "rr-bs2k-qd4-nj1-a4",
        "rw-bs16k-qd4-nj1-a4",
        "rw-bs2k-qd4-nj1-a4",
        "wr-bs16k-qd1-nj1-a4",
    }
    assert len(reasons["not_worse"]) == 8
    drifting = next(c for c in ended.json["comparison"]["checks"] if "drifts" in c["sentence"])
    assert "limit 10 %" in drifting["sentence"]


def test_a_name_that_is_none_is_refused(storperf):
    assert storperf("import", "--job", " ", SINGLE).exit_code == 2
    assert storperf("import").exit_code == 2
