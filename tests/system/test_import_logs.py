"""`storperf import --lat-log` of the installed program: fio's own logs, real and garbled."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[1] / "fixtures"
LOGS = FIXTURES / "fio/logs"
MERGE = FIXTURES / "fio-histogram-merge/hist"


def write_log(folder, name="x_lat.1.log", count=3000, tail=""):
    path = folder / name
    lines = (f"{n}, {1000 + 17 * n % 9000}, {n % 2}, 4096, 0\n" for n in range(count))
    path.write_text("".join(lines) + tail)
    return path


def read(storperf, *arguments):
    ended = storperf("import", "--lat-log", "--json", *arguments)
    assert ended.exit_code == 0, ended
    assert ended.json["schema"] == "storperf-fio-logs/1"
    return ended.json


def figures(log):
    return {each["op"]: each for each in log["figures"]}


def test_every_io_of_a_real_fio_is_counted_and_its_latency_said(storperf):
    if shutil.which("fio") is None:
        pytest.skip("no fio here")
    subprocess.run(
        [
            *("fio", "--name=x", "--ioengine=null", "--size=1g", "--bs=4k", "--rw=randrw"),
            *("--iodepth=4", "--number_ios=20000", "--write_lat_log=x", "--output=/dev/null"),
        ],
        cwd=storperf.folder,
        check=True,
        timeout=60,
    )
    names = ("x_lat.1.log", "x_clat.1.log", "x_slat.1.log")
    outcomes = read(storperf, *names)["logs"]
    for outcome, name, kind in zip(outcomes, names, ("lat", "clat", "slat"), strict=True):
        log = outcome["log"]
        assert (outcome["file"], log["kind"], log["kind_from"]) == (name, kind, "file")
        assert log["lines"] == sum(each["count"] for each in log["figures"]) == 20000
        assert log["averaged_ms"] == 0
        for each in log["figures"]:
            ranks = [value for _, value in each["percentiles"]]
            assert each["minimum"] <= ranks[0] <= ranks[-1] <= each["maximum"]
            assert each["bytes"] == 4096 * each["count"]


def test_slices_are_given_when_they_are_asked_for(storperf):
    path = write_log(storperf.folder)
    assert read(storperf, path)["logs"][0]["log"]["slices"] == []
    slices = read(storperf, "--interval", "1s", path)["logs"][0]["log"]["slices"]
    assert [(each["start_s"], each["op"], each["ios"]) for each in slices] == [
        (start_s, op, 500) for start_s in (0, 1, 2) for op in ("read", "write")
    ]
    assert sum(count for _, count in slices[0]["bins"]) == 500


def test_logs_of_one_kind_are_added_up_and_others_are_not(storperf):
    paths = [write_log(storperf.folder, f"x_{kind}.log") for kind in ("lat.1", "lat.2", "bw.1")]
    document = read(storperf, *paths, LOGS / "lg_lat.1.log")
    (together,) = document["together"]
    assert together["files"] == [str(path) for path in paths[:2]]
    assert together["lines"] == 6000
    one = figures(document["logs"][0]["log"])["read"]
    both = figures(together)["read"]
    assert both["count"] == 2 * one["count"]
    assert both["percentiles"] == one["percentiles"]


def test_histogram_logs_are_added_up(storperf):
    document = read(storperf, *sorted(MERGE.glob("*.log")))
    (together,) = document["together"]
    assert {op: each["count"] for op, each in figures(together).items()} == {
        "read": 80124,
        "write": 23090,
    }
    assert together["unit"] == "us"


def test_a_garbled_log_is_refused_with_its_line_and_the_others_are_read(storperf):
    good = write_log(storperf.folder)
    bad = write_log(storperf.folder, "y_lat.1.log", tail="3000, oops, 0, 4096, 0\n")
    ended = storperf("import", "--lat-log", "--json", bad, good, storperf.folder / "gone.log")
    assert ended.exit_code == 2
    refused, understood, gone = ended.json["logs"]
    assert (refused["log"], refused["line"]) == (None, 3001)
    assert f"{bad}, line 3001" in refused["reason"]
    assert understood["log"]["lines"] == 3000
    assert gone["reason"] == "No such file or directory"
    assert ended.stderr.count(" is refused: ") == 2


def test_people_are_told_what_was_assumed_averaged_or_left_out(storperf):
    torn = write_log(storperf.folder, tail="3000, 12")
    ended = storperf("import", "--lat-log", torn, LOGS / "lg_lat.1.log")
    assert ended.exit_code == 0
    shown = " ".join(ended.stdout.split())
    assert "lat in ns, 3000 lines, 0 s to 2.999 s" in shown
    assert "those of fio 2 need --unit us" in shown
    assert "ends inside of a line, which was left out: '3000, 12'" in shown
    assert "an average over 1000 ms" in shown
    assert not storperf.results.exists()


def test_the_unit_and_the_kind_may_be_said(storperf):
    path = write_log(storperf.folder, "old.txt")
    log = read(storperf, "--unit", "us", "--kind", "clat", path)["logs"][0]["log"]
    assert (log["unit"], log["unit_from"]) == ("us", "asked")
    assert (log["kind"], log["kind_from"], log["notes"]) == ("clat", "asked", [])
    assert figures(log)["read"]["minimum"] == 1_000_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--interval", "1s", "x.json"), "add --lat-log"),
        (("--unit", "us", "x.json"), "add --lat-log"),
        (("--kind", "lat", "x.json"), "add --lat-log"),
        (("--lat-log", "--job", "night", "x_lat.1.log"), "--lat-log stores nothing"),
        (("--lat-log", "--interval", "0", "x_lat.1.log"), "count whole ms"),
        (("--lat-log", "--interval", "1500us", "x_lat.1.log"), "count whole ms"),
        (("--lat-log", "--interval", "soon", "x_lat.1.log"), "not a duration"),
        (("--lat-log", "--unit", "ms", "x_lat.1.log"), "ms"),
    ],
)
def test_options_that_do_not_fit_are_refused(storperf, arguments, said):
    ended = storperf("import", *arguments)
    assert ended.exit_code == 2
    assert said in " ".join(ended.stderr.split())
