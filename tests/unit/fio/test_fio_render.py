"""Trials and fillings as fio's argument vector; fio itself agrees in tests/system."""

from __future__ import annotations

import dataclasses

import pytest

from storperf.errors import UsageError
from storperf.fio.options import PINNED
from storperf.fio.render import (
    render_filename,
    render_fill,
    render_parse_only,
    render_random_writes,
    render_trial,
)
from storperf.jobfile.parse import parse_job
from storperf.model.job import Precondition
from storperf.plan import plan_job

FIRST = {"fio": "/opt/fio", "filenames": ["storperf.0"]}


def job_of(extra="", target="{directory: d, size: 1G}", workloads="[rr]"):
    text = f"name: n\ntarget: {target}\nworkloads: {workloads}\n{extra}\n"
    return parse_job(text, source="x")


def trial(job, **more):
    step = plan_job(job).steps[0]
    return render_trial(job, step, job.sides[0].targets[0], **(FIRST | more))


def fill(job, **more):
    return render_fill(job, job.sides[0].targets[0], **(FIRST | more))


def test_a_trial_is_this_command():
    assert trial(job_of("duration: 90s")) == (
        "/opt/fio",
        "--name=rr-bs4k-qd16-nj1-a1",
        "--randrepeat=0",
        "--rw=randread",
        "--bs=4096",
        "--iodepth=16",
        "--numjobs=1",
        "--group_reporting=1",
        "--ioengine=libaio",
        "--direct=1",
        "--size=1073741824",
        "--filename=storperf.0",
        "--allow_file_create=0",
        "--time_based=1",
        "--runtime=90000ms",
        "--status-interval=1000ms",
        "--output-format=json+",
        "--eta=never",
    )


def test_a_filling_is_this_command():
    assert fill(job_of()) == (
        "/opt/fio",
        "--name=fill",
        "--rw=write",
        "--bs=1048576",
        "--iodepth=16",
        "--numjobs=1",
        "--group_reporting=1",
        "--ioengine=libaio",
        "--direct=1",
        "--size=1073741824",
        "--filename=storperf.0",
        "--refill_buffers=1",
        "--buffer_compress_percentage=0",
        "--end_fsync=1",
        "--status-interval=1000ms",
        "--output-format=json+",
        "--eta=never",
    )


def test_the_null_engine_has_no_file():
    job = job_of(target="{null_engine: true, size: 2G}", extra="duration: 1.5s")
    for argv in (trial(job), fill(job)):
        assert not any(argument.startswith("--filename") for argument in argv)
        assert "--ioengine=null" in argv
        assert "--size=2147483648" in argv
        assert "--status-interval=250ms" in argv
    assert "--runtime=1500ms" in trial(job)


def test_a_whole_device_has_its_whole_size():
    job = job_of(target="{device: /dev/vdb, serial: S, destroy: true}")
    for argv in (trial(job, filenames=["/dev/vdb"]), fill(job, filenames=["/dev/vdb"])):
        assert "--size=100%" in argv
        assert "--filename=/dev/vdb" in argv


@pytest.mark.parametrize(
    ("size", "block"), [("1G", 1048576), ("1028k", 4096), ("1536k", 524288), ("3M", 1048576)]
)
def test_a_filling_leaves_no_rest_at_the_end(size, block):
    job = job_of(target=f"{{directory: d, size: {size}}}")
    assert f"--bs={block}" in fill(job)
    assert job.sides[0].targets[0].size_bytes % block == 0


@pytest.mark.parametrize(
    ("keys", "size", "block"),
    [
        ("block_size: 16k", "16M", 16384),
        ("block_size: 12k", "16M", 8192),
        ("block_size: 64M", "96M", 33554432),
        ("block_size: 1M", "1028k", 4096),
    ],
)
def test_a_filling_has_the_blocks_and_the_depth_that_are_asked_for(keys, size, block):
    job = job_of(f"precondition: {{{keys}, queue_depth: 8}}", f"{{directory: d, size: {size}}}")
    assert {f"--bs={block}", "--iodepth=8"} <= set(fill(job))


def test_a_span_is_filled_as_often_as_asked():
    assert not any(each.startswith("--loops") for each in fill(job_of()))
    assert "--loops=2" in fill(job_of("precondition: {passes: 2}"))


def test_several_files_are_one_span():
    job = job_of(target="{directory: d, size: 12M, nrfiles: 3}")
    for argv in (trial(job, filenames=["a:b.0", "c.1", "c.2"]), fill(job, filenames=["c.0"])):
        assert "--size=12582912" in argv
    assert r"--filename=a\:b.0:c.1:c.2" in trial(job, filenames=["a:b.0", "c.1", "c.2"])
    # Each file ends with a whole block.
    assert "--bs=1048576" in fill(job)
    assert "--bs=4096" in fill(job_of(target="{directory: d, size: 3084k, nrfiles: 3}"))


def test_random_writes_are_this_command():
    job = job_of("precondition: {random: {at_most: 10m, block_size: 8k, queue_depth: 32}}")
    random = job.precondition.random
    argv = render_random_writes(job, random, job.sides[0].targets[0], **FIRST)
    names = [each.split("=")[0] for each in argv[1:]]
    assert len(names) == len(set(names))
    assert {
        "--rw=randwrite", "--bs=8192", "--iodepth=32", "--size=1073741824", "--direct=1",
        "--time_based=1", "--runtime=600000ms", "--refill_buffers=1", "--allow_file_create=0",
        "--filename=storperf.0", "--ioengine=libaio", "--output-format=json+",
    } <= set(argv)  # fmt: skip


def test_a_file_that_nobody_filled_is_laid_out_by_fio():
    job = dataclasses.replace(job_of(), precondition=Precondition(fill=False))
    assert "--allow_file_create=1" in trial(job)


def test_the_page_cache_is_used_by_who_asks_for_it():
    job = job_of("direct: false\nioengine: psync")
    assert "--direct=0" in trial(job)
    assert "--ioengine=psync" in trial(job)
    assert "--iodepth=1" in trial(job)
    assert "--direct=0" in fill(job)


def test_a_workloads_own_offsets_are_left_to_it():
    argv = trial(job_of(workloads="[{rw: randread, randrepeat: 1}]"))
    assert [each for each in argv if "randrepeat" in each] == ["--randrepeat=1"]


def test_a_verifying_workload_leaves_no_state_file():
    argv = trial(job_of(workloads="[{rw: randwrite, verify: crc32c}]"))
    assert "--verify_state_save=0" in argv


def test_every_option_is_said_once():
    workloads = "[{rw: randrw, bs: 8k, iodepth: 4, numjobs: 2, rate_iops: 100}]"
    argv = trial(job_of(workloads=workloads))
    names = [argument.split("=")[0] for argument in argv[1:]]
    assert len(names) == len(set(names))
    assert {"--bs=8192", "--iodepth=4", "--numjobs=2", "--rate_iops=100"} <= set(argv)


@pytest.mark.parametrize("option", ["bssplit: 4k/50:8k/50", "bsrange: 4k-8k", "bs: '4k,8k'"])
def test_mixed_block_sizes_are_rendered_as_written(option):
    argv = trial(job_of(workloads=f"[{{rw: randrw, {option}}}]"))
    said = [each for each in argv if each.split("=")[0].removeprefix("--") in PINNED]
    assert said[0] == "--" + option.replace(": ", "=", 1).replace("'", "")
    assert len(said) == 3


def test_parse_only_is_the_same_command_checked():
    argv = trial(job_of())
    assert render_parse_only(argv) == ((*argv, "--parse-only"),)
    two = ("fio", "--name=a", "--rw=read", "--name=b", "--eta=never")
    assert render_parse_only(two) == (
        ("fio", "--name=a", "--rw=read", "--parse-only"),
        ("fio", "--name=b", "--eta=never", "--parse-only"),
    )


def test_a_colon_does_not_make_two_files():
    assert render_filename("/a:b/c") == r"/a\:b/c"


@pytest.mark.parametrize("path", ["/a b/c", "../x", "/a$(id)/'\"`|&>", "/ü", "-x", "/a,b"])
def test_other_characters_are_plain(path):
    assert render_filename(path) == path


@pytest.mark.parametrize(
    "path", ["", " ", "/a;b", "/a#b", " /a", "/a ", "/a\n", "a\nb", "/a\0", "; rm -rf /"]
)
def test_a_file_name_that_fio_would_cut_is_refused(path):
    for render in (trial, fill):
        with pytest.raises(UsageError, match="fio cannot be told the file name"):
            render(job_of(), filenames=[path])


def test_a_warm_up_does_its_span_once_and_knows_no_time():
    argv = trial(job_of(workloads="[_warm_up]"))
    assert {"--rw=write", "--bs=16384", "--iodepth=8", "--loops=1"} <= set(argv)
    assert not [word for word in argv if word.startswith(("--runtime", "--time_based"))]
