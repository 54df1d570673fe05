"""Odd names and bad job files: one clear message, exit 2, and no command is ever run."""

from __future__ import annotations

import pytest
from system.together import Facts

ODD = (
    "../../../etc/passwd",
    "; rm -rf marker; $(touch marker) `touch marker`",
    "\"quoted\" 'twice' %s{0}[red]\\",
    "größe 漢字 🚀",
    "--help",
    "a" * 200,
)
# fio cuts a file name at these, or cannot be told them.
NOT_FOR_FIO = ("semi;colon", "sharp#", " blank before")
COMMANDS = {
    "exec_prerun": "touch marker",
    "exec_postrun": "touch marker",
    "exec_preru": "touch marker",
    "trigger": "touch marker",
    "trigger-timeout": "1",
    "write_iolog": "marker",
    "write_bw_log": "marker",
    "read_iolog": "/etc/passwd",
    "filename": "marker",
    "directory": "/",
    "opendir": "/",
    "include": "/etc/passwd",
    "external_ioengine": "x.so",
    "ioengine": "external:x.so",
    "verify_state_load": "1",
    "cgroup": "marker",
    "uid": "0",
}
fact = Facts()


def assert_refused(program, ended, *words):
    """Exit 2, the words in one message, nothing made."""
    assert ended.exit_code == 2, ended
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    for word in words:
        assert word in ended.stderr
    assert not program.agents.exists()
    assert not program.results.exists()


@fact
def odd_names_of_job_lab_title_and_workload_are_only_names(storperf):
    for name in ODD:
        job = storperf.job(
            name=name,
            lab=name,
            workloads=[{"name": name[:100], "rw": "randwrite", "rate_iops": 500}],
            precondition={"fill": False},
        )
        ended = storperf("run", job, f"--title={name}", "--json")
        assert ended.exit_code == 0, ended
        assert ended.json["job"]["name"] == ended.json["run"]["title"] == name
        shown = storperf("baseline", "show", f"--lab={name}", "--json", "--", name)
        assert [entry["run"] for entry in shown.json["entries"]] == [ended.json["run"]["id"]]
    for form in ("csv", "yaml", "markdown", "junit"):
        assert storperf("export", "--format", form).exit_code == 0
    assert not list(storperf.top.rglob("marker"))
    storperf.assert_nothing_left()


@fact
def odd_directories_are_measured_where_they_say(storperf):
    for name in ("two $(touch marker) words", "größe 漢字", "a:b q'uo\"te", "-x%d"):
        # A job of its own each, so that no run is compared with the one before.
        ended = storperf.run_job(name=name, target={"directory": name, "size": "1M"})
        assert ended.exit_code == 0, ended
        [target] = ended.json["environment"]["agent-01"]["targets"]
        assert target["filename"].startswith(f"{storperf.folder}/{name}/storperf-")
        assert not (storperf.folder / name).exists()
    assert not list(storperf.top.rglob("marker"))
    storperf.assert_nothing_left()


@fact
def a_directory_that_fio_cannot_be_told_is_refused(storperf):
    for name in NOT_FOR_FIO:
        ended = storperf.run_job(target={"directory": f"x{name}y/{name}", "size": "1M"})
        assert ended.exit_code == 2, ended
    (storperf.folder / "semi;colon").mkdir()
    ended = storperf.run_job(target={"directory": "semi;colon", "size": "1M"})
    assert ended.exit_code == 2, ended
    assert "fio cannot be told the file name" in ended.stderr
    assert list((storperf.folder / "semi;colon").iterdir()) == []
    storperf.assert_nothing_left()


@fact
def a_directory_above_is_where_it_says(storperf):
    ended = storperf.run_job(target={"directory": "../beside", "size": "1M"})
    assert ended.exit_code == 0, ended
    assert not (storperf.top / "beside").exists()
    storperf.assert_nothing_left()


@fact
def a_directory_name_that_no_file_system_takes_is_refused(storperf):
    ended = storperf.run_job(target={"directory": "a" * 300, "size": "1M"})
    assert ended.exit_code == 2, ended
    assert "File name too long" in ended.stderr
    storperf.assert_nothing_left()


@fact
def names_that_are_too_long_are_refused(storperf):
    for key in ("name", "lab"):
        ended = storperf("run", storperf.job(**{key: "a" * 300}))
        assert_refused(storperf, ended, f"{key}: has 300 characters; at most 200 are possible")


@fact
def results_and_job_files_may_have_odd_names(storperf):
    job = storperf.folder / "größe $(touch marker) 'x'.yaml"
    (storperf.folder / storperf.job(provider=storperf.lying_fio())).rename(job)
    results = storperf.top / "results; rm -rf * ü"
    ended = storperf("--results", results, "run", job.name, "--json")
    assert ended.exit_code == 0, ended
    assert (results / "runs" / ended.json["run"]["id"] / "result.json").exists()
    assert not list(storperf.top.rglob("marker"))


# --- job files ---------------------------------------------------------------------------------


@fact
def options_that_run_commands_are_refused_and_run_none(storperf):
    for option, value in COMMANDS.items():
        job = storperf.job(workloads=[{"name": "x", "rw": "randread", option: value}])
        assert_refused(storperf, storperf("run", job), f"workloads[0].{option}: ")
    assert not list(storperf.top.rglob("marker*"))
    ended = storperf("run", storperf.job(ioengine="external:x.so"))
    assert_refused(storperf, ended, "not among the engines that touch nothing but the target")


TEXTS = {
    "empty": (b"", "line 1: the file is empty"),
    "blank": (b"\n\n  \n", "the file is empty"),
    "comment": (b"# nothing\n", "the file is empty"),
    "10 MB": (b"name: x\n" + b"# x\n" * 2_600_000, "larger than 1 MiB; that is no job file"),
    "prose": (b"Dear storperf, please measure.\n", "the file must be a mapping of keys"),
    "list": (b"- name: x\n", "the file must be a mapping of keys"),
    "not YAML": (b"name: [1, 2\ntarget: }\n", "not YAML"),
    "tabs": (b"name: x\ntarget:\n\tdirectory: x\n", "line 3: not YAML"),
    "binary": (bytes(range(256)) * 4, "is not UTF-8 text"),
    "zeros": (bytes(1000), "control character"),
    "latin-1": ("name: größe\n".encode("latin-1"), "is not UTF-8 text"),
    "two documents": (b"name: x\n---\nname: y\n", "line 2: a second document begins"),
    "tag": (b"name: !!python/object/apply:os.system ['touch marker']\n", "tags"),
    "alias": (b"name: &a x\nlab: *a\n", "line 2: aliases (*a) are not read"),
    "alias bomb": (
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(
            f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n".encode()
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "aliases (*a) are not read",
    ),
    "deep": (b"name: " + b"[" * 5000 + b"]" * 5000, "levels deep"),
    "twice": (b"name: x\nname: y\n", "line 2: key 'name' stands twice, first on line 1"),
}


@fact
def what_is_no_job_file_is_refused_quickly(storperf):
    job = storperf.folder / "job.yaml"
    for name, (content, words) in TEXTS.items():
        job.write_bytes(content)
        ended = storperf("run", job, timeout_s=20)
        assert_refused(storperf, ended, words)
        assert len(ended.stderr) < 10_000, name
    assert not list(storperf.top.rglob("marker"))


@fact
def a_job_file_that_is_not_there_or_a_directory_is_refused(storperf):
    assert_refused(storperf, storperf("run", "none.yaml"), "none.yaml: No such file or directory")
    assert_refused(storperf, storperf("run", storperf.folder), "Is a directory")
    assert_refused(storperf, storperf("run", "/dev/null"), "the file is empty")


@fact
def all_faults_are_listed_at_once_with_their_lines(storperf):
    (storperf.folder / "job.yaml").write_text(
        "nmae: x\n"
        "target:\n"
        "  directory: [a]\n"
        "  size: lots\n"
        "workloads: [rrr, {rw: nonsense}, 7]\n"
        "duration: yes\n"
        "repeats: 1.5\n"
        "matrix:\n"
        "  queue_depth: [1, 0]\n"
        "  block_size: 4097\n"
        "limits: ['iops > 5', 'speed >= 1']\n"
        "direct: maybe\n"
        "provider: local\n"
    )
    ended = storperf("run", "job.yaml", "--json")
    assert ended.exit_code == 2, ended
    lines = [line.strip() for line in ended.json["error"].splitlines()]
    for start in (
        "line 1: nmae: unknown key; did you mean 'name'?",
        "line 1: name: is missing",
        "line 3: target.directory: must be a single value, not a list",
        "line 4: target.size: ",
        "line 5: workloads[0]: no workload is called 'rrr'",
        "line 5: workloads[1].rw: 'nonsense' is not a pattern of fio",
        "line 5: workloads[2]: no workload is called '7'",
        "line 6: duration: ",
        "line 7: repeats: '1.5' is not a whole number",
        "line 9: matrix.queue_depth[1]: 0 is not between 1 and 4096",
        "line 10: matrix.block_size[0]: 4097 bytes is not a multiple of 512",
        "line 11: limits[0]: ",
        "line 11: limits[1]: ",
        "line 12: direct: must be true or false, not 'maybe'",
        "line 13: provider: must be a mapping of",
    ):
        assert any(line.startswith(start) for line in lines), (start, lines)
    assert ended.stderr.count("storperf: ") == 1


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
