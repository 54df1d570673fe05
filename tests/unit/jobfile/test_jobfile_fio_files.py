"""A whole fio job file as a workload: run as it is, held to the same rules."""

from __future__ import annotations

import pytest

from storperf.errors import JobFileError
from storperf.fio.job_text import include_text, read_sections, sections_last_s
from storperf.fio.render import render_trial
from storperf.jobfile.parse import parse_job
from storperf.model.job import Origin
from storperf.plan import plan_job

FILES = {
    "two.fio": """\
; a comment
[global]
bs=8k
runtime=3
time_based
include depth.inc

[reader]
rw=randread
# another
[global]
rw=randwrite

[writer one]
stonewall
numjobs=2
startdelay=1s
""",
    "depth.inc": "iodepth=4\nioengine=libaio\n",
    "loop.fio": "include loop.fio\n",
}


def open_file(name):
    if name not in FILES:
        raise ValueError(f"cannot read {name}: No such file")
    return FILES[name]


def parse(entry="{name: mine, fio_file: two.fio}", extra="", **more):
    text = f"name: x\ntarget: {{directory: d, size: 1G}}\nworkloads: [{entry}]\n{extra}\n"
    return parse_job(text, source="job.yaml", **{"open_file": open_file, **more})


def with_file(text, extra="", **more):
    return parse("{fio_file: f}", extra, open_file=lambda _name: text, **more)


def fault_of(text, extra="", **more):
    with pytest.raises(JobFileError) as refused:
        with_file(text, extra, **more)
    (fault,) = refused.value.faults
    return fault


def test_sections_take_what_the_globals_before_them_say():
    reader, writer = read_sections(include_text("two.fio", open_file))
    assert reader.options == {
        "bs": "8k",
        "runtime": "3",
        "time_based": "1",
        "iodepth": "4",
        "ioengine": "libaio",
        "rw": "randread",
    }
    assert (writer.name, writer.options["rw"], writer.has_barrier) == (
        "writer one",
        "randwrite",
        True,
    )


def test_it_is_one_step_with_the_directions_of_all_its_sections():
    job = parse()
    (step,) = plan_job(job).steps
    assert step.key == "mine-bsmix-qd4-nj2-a1"
    assert step.workload.ops == ("read", "write")
    assert step.workload.is_random


def test_the_command_holds_every_section_on_the_jobs_target():
    job = parse()
    (step,) = plan_job(job).steps
    target = job.sides[0].targets[0]
    argv = render_trial(job, step, target, fio="fio", filenames=["d/t"])
    names = [word for word in argv if word.startswith("--name")]
    assert names == ["--name=reader", "--name=writer one"]
    assert [word for word in argv if word.startswith("--filename")] == ["--filename=d/t"] * 2
    second = argv[argv.index("--name=writer one") :]
    assert {"--stonewall=1", "--numjobs=2", "--rw=randwrite", "--size=1073741824"} <= set(second)
    assert argv[-3:] == ("--status-interval=1000ms", "--output-format=json+", "--eta=never")


def test_what_the_run_keeps_needs_no_file():
    job = parse()
    assert parse_job(job.text, source="kept") == job


def test_barriers_add_up_and_the_others_run_together():
    text = "[a]\nruntime=3\n[b]\nruntime=5\nramp_time=1\n[c]\nstonewall\nruntime=2m\n"
    assert sections_last_s(read_sections(text)) == 6 + 120


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rw=read\n", "line 1: an option stands before the first section"),
        ("[global]\nrw=read\n", "it has no section besides [global]"),
        ("[a\nrw=read\n", "line 1: '[a' is no section"),
        ("[a]\nrw=read\n", "section [a] has no runtime"),
        ("[a]\nruntime=1\nrw=reed\n", "'reed' is not a pattern of fio"),
        ("[a]\nruntime=1\nfilename=/dev/sda\n", "'filename' names a place of its own"),
        ("[a]\nruntime=1\nexec_prerun=touch\n", "section [a]: fio option 'exec_prerun' is refused"),
        ("[a]\nruntime=1\nioengine=external:x\n", "may touch more than the target"),
        ("[a]\nruntime=1\nstatus-interval=1\n", "is not a workload's to set"),
        ("[a]\nruntime=1\nsize=2G\n", "has a size of more than the target"),
        ("[a]\nruntime=x\n", "'x' is not a duration"),
        ("[a]\nruntime=1\niodepth=x\n", "iodepth: 'x' is not a whole number"),
        ("[a]\nruntime=1\niodepth=4097\n", "section [a]: iodepth: 4097 is not between 1 and"),
        ("[a]\nruntime=1\n[b]\nruntime=1\nnumjobs=513\n", "section [b]: numjobs: 513 is not"),
        ("[a]\nruntime=1\nnumjobs=0\n", "section [a]: numjobs: 0 is not between 1 and"),
        ("[a]\nruntime=4d\n[b]\nstonewall\nruntime=4d\n", "its sections take longer than 7d"),
        ("include nowhere\n", "cannot read nowhere"),
    ],
)
def test_a_wrong_fio_job_file_is_refused(text, says):
    files = {"f": text}

    def read(name):
        return files[name] if name in files else open_file(name)

    with pytest.raises(JobFileError) as refused:
        parse("{fio_file: f}", open_file=read)
    (fault,) = refused.value.faults
    assert says in fault
    assert fault.startswith("line 3: workloads")


def test_places_of_its_own_need_the_permission():
    text = "[a]\nruntime=1\nfilename=/dev/sda\n"
    job = with_file(text, "allow_unsafe_fio_options: true")
    (step,) = plan_job(job).steps
    argv = render_trial(job, step, job.sides[0].targets[0], fio="fio", filenames=["d/t"])
    assert [word for word in argv if word.startswith("--filename")] == ["--filename=/dev/sda"]
    with pytest.raises(JobFileError):
        with_file(text, "allow_unsafe_fio_options: true", origin=Origin.UNTRUSTED)


def test_includes_without_end_are_refused():
    with pytest.raises(JobFileError, match="includes go more than 16 files deep"):
        parse("{fio_file: loop.fio}")


def test_nothing_stands_beside_it():
    with pytest.raises(JobFileError, match="has no place beside fio_file"):
        parse("{fio_file: two.fio, bs: 4k}")
