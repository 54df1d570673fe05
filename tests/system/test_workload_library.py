"""`storperf workload`: what can be named, a user's own, and nothing that ships is overwritten."""

from __future__ import annotations

import json
import shlex
import stat
from pathlib import Path

import pytest
import yaml


@pytest.fixture
def library(storperf):
    storperf.environment["STORPERF_WORKLOADS"] = str(storperf.top / "workloads")
    return storperf


def write(program, name, text):
    (program.folder / name).write_text(text, encoding="utf-8")
    return name


def test_everything_that_a_job_file_can_name_is_listed(library):
    ended = library("workload", "list", "--json")
    assert ended.exit_code == 0, ended
    kinds = {each["name"]: each["kind"] for each in ended.json["workloads"]}
    assert (kinds["rr"], kinds["_warm_up"], kinds["wally-ceph"]) == (
        "workload",
        "workload",
        "suite",
    )
    assert all(each["description"] for each in ended.json["workloads"])
    assert "snia-iops" in library("workload", "list").stdout


def test_what_is_shown_can_stand_in_a_job_file(library):
    shown = library("workload", "show", "wally-hdd").stdout
    job = {"name": "x", "target": {"directory": ".", "size": "1G"}, **yaml.safe_load(shown)}
    del job["description"]
    checked = library("workload", "check", write(library, "j.yaml", yaml.safe_dump(job)), "--json")
    named = library("workload", "check", "wally-hdd", "--json")
    assert [step["fingerprint"] for step in checked.json["steps"]] == [
        step["fingerprint"] for step in named.json["steps"]
    ]
    assert yaml.safe_load(library("workload", "show", "rr").stdout)["rw"] == "randread"


def test_a_rendered_command_is_one_that_fio_takes(library):
    ended = library("workload", "render", "random-mix", "--target", library.folder / "f")
    key, command = ended.stdout.splitlines()
    words = shlex.split(command)
    assert key == "# random-mix-bs4k-qd16-nj1-a1"
    assert {"--rw=randrw", "--rwmixread=70", f"--filename={library.folder / 'f'}"} <= set(words)
    assert not (library.folder / "f").exists()


def test_variables_are_given_on_the_command_line(library):
    ended = library("workload", "check", "fioloadgen-custom", "--set", "BLOCK_SIZE=64k", "--json")
    (step,) = ended.json["steps"]
    assert step["block_size_bytes"] == 65536
    wrong = library("workload", "check", "fioloadgen-custom", "--set", "BLOCKSIZE=64k")
    assert wrong.exit_code == 2
    assert "did you mean 'BLOCK_SIZE'?" in wrong.stderr
    assert "must be NAME=VALUE" in library("workload", "check", "rr", "--set", "x").stderr


def test_ones_own_is_kept_used_changed_and_removed(library):
    text = "description: my log\nrw: write\nbs: 16k\niodepth: 1\n"
    assert library("workload", "add", "log", write(library, "log.yaml", text)).exit_code == 0
    assert library("workload", "show", "log").stdout == text
    listed = library("workload", "list", "--json").json["workloads"]
    assert listed[-1] == {
        "name": "log",
        "kind": "workload",
        "is_shipped": False,
        "description": "my log",
    }
    ended = library.run_job(workloads=["log"], matrix=None)
    assert ended.json["steps"][0]["key"] == "log-bs16k-qd1-nj1-a1"
    # The run stands for itself: the profile may change afterwards.
    assert yaml.safe_load(ended.json["job"]["text"])["workloads"][0]["bs"] == "16k"

    editor = library.top / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/16k/8k/ "$1"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    assert library("workload", "edit", "log", EDITOR=str(editor)).exit_code == 0
    assert "bs: 8k" in library("workload", "show", "log").stdout
    assert library("workload", "remove", "log").exit_code == 0
    gone = library("workload", "show", "log")
    assert (gone.exit_code, "nothing is called 'log'" in gone.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("rr", "rw: read\n", "'rr' comes with storperf and stays as it is"),
        ("wally-ceph", "workloads: [rr]\n", "comes with storperf and stays as it is"),
        ("../x", "rw: read\n", "'../x' cannot be a name"),
        ("a b", "rw: read\n", "'a b' cannot be a name"),
        ("x", "rw: reed\n", "did you mean 'read'?"),
        ("x", "rw: read\nexec_prerun: touch\n", "it runs a command"),
        ("x", "[", "'x' cannot be read: line 2: not YAML"),
        ("x", "workloads: [zz]\n", "no workload is called 'zz'"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_left(library, name, text, says):
    ended = library("workload", "add", name, write(library, "w.yaml", text))
    assert ended.exit_code == 2, ended
    assert says in ended.stderr
    assert not list((library.top / "workloads").glob("*"))


def test_ones_own_is_overwritten_only_when_asked(library):
    file = write(library, "w.yaml", "rw: read\n")
    library("workload", "add", "w", file)
    write(library, "w.yaml", "rw: write\n")
    assert "say --replace" in library("workload", "add", "w", file).stderr
    assert "read" in library("workload", "show", "w").stdout
    assert library("workload", "add", "w", file, "--replace").exit_code == 0
    assert "write" in library("workload", "show", "w").stdout


def test_an_edit_that_breaks_it_is_refused_and_the_text_kept(library):
    library("workload", "add", "w", write(library, "w.yaml", "rw: read\n"))
    ended = library("workload", "edit", "w", EDITOR="sed -i s/read/reed/")
    assert ended.exit_code == 2
    assert "your text is in" in ended.stderr
    assert library("workload", "show", "w").stdout == "rw: read\n"
    kept = ended.stderr.rsplit("your text is in ", 1)[1].strip()
    assert Path(kept).read_text() == "rw: reed\n"
    failed = library("workload", "edit", "w", EDITOR="false")
    assert (failed.exit_code, "set EDITOR to another" in failed.stderr) == (2, True)
    assert "comes with storperf" in library("workload", "edit", "rr", EDITOR="true").stderr


def test_what_is_neither_a_file_nor_a_name_names_the_nearest(library):
    ended = library("workload", "check", "wally-cef", "--json")
    assert ended.exit_code == 2
    assert "did you mean 'wally-ceph'?" in json.loads(ended.stdout)["error"]


def test_a_thousand_steps_are_listed(library):
    numbers = ", ".join(map(str, range(1, 11)))
    text = (
        "name: big\ntarget: {directory: ., size: 1G}\nworkloads: [rr]\nmatrix: {block_size: "
        "[4k, 8k, 16k, 32k, 64k, 128k, 256k, 512k, 1M, 2M], "
        f"queue_depth: [{numbers}], numjobs: [{numbers}]}}\n"
    )
    ended = library("workload", "check", write(library, "big.yaml", text))
    assert "1000 steps, 1000 trials, at least 16h40m of measuring" in ended.stdout
    assert ended.stdout.count("rr-bs") == 1000


def test_a_fio_job_file_of_several_sections_is_run_as_it_is(library):
    (library.folder / "own").mkdir()
    write(
        library,
        "own/two.fio",
        "[global]\nbs=4k\ninclude time.inc\n[reader]\nrw=randread\nrate_iops=200\n"
        "[writer]\nstonewall\nrw=randwrite\nrate_iops=100\n",
    )
    write(library, "own/time.inc", "time_based\nruntime=1\n")
    ended = library.run_job(
        workloads=[{"name": "mine", "fio_file": "own/two.fio"}], matrix=None, interval="250ms"
    )
    assert ended.exit_code == 0, ended
    (trial,) = ended.trials
    assert trial["end"] == "completed"
    means = {
        figure["op"]: figure["value"]
        for figure in trial["figures"]
        if figure["metric"] == "iops" and figure["agent"] == "all"
    }
    # One after the other: while the writer writes, the reader's own time stands still.
    assert means["read"] == pytest.approx(200, rel=0.25)
    assert means["write"] == pytest.approx(100, rel=0.25)
    library.assert_nothing_left()
