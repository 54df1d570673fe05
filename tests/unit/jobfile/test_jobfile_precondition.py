"""The keys of `precondition` and the files of `target`: what they mean and what is refused."""

from __future__ import annotations

import pytest

from storperf.errors import JobFileError
from storperf.jobfile.parse import parse_job
from storperf.model.ending import SteadyRule
from storperf.model.job import Origin, Precondition, RandomWrites
from storperf.model.target import FileSystem

DIRECTORY = "{directory: d, size: 16M}"
DEVICE = "{device: /dev/vdb, serial: S, destroy: true}"
ALL_OF_RANDOM = (
    "{random: {at_most: 1m, block_size: 8k, queue_depth: 32, window: 3, round: 20s, "
    "range: 10%, slope: 5%}}"
)
NULL = "{null_engine: true}"


def parse(precondition="", target=DIRECTORY, extra="", **more):
    text = f"name: n\ntarget: {target}\nworkloads: [wr]\n{extra}\n"
    if precondition:
        text += f"precondition: {precondition}\n"
    return parse_job(text, source="x", **more)


def faults_of(*arguments, **more):
    with pytest.raises(JobFileError) as caught:
        parse(*arguments, **more)
    return caught.value.faults


def test_the_default_is_one_plain_fill():
    assert parse().precondition == Precondition() == parse("{}").precondition
    assert parse("{fill: true}").precondition == Precondition()


@pytest.mark.parametrize(
    ("asked", "means"),
    [
        ("{fill: false}", Precondition(fill=False)),
        ("{fill: always}", Precondition(refill=True)),
        ("{passes: 2, block_size: 16k, queue_depth: 8}",
         Precondition(passes=2, block_size_bytes=16384, queue_depth=8)),
        ("{settle: 30s}", Precondition(settle_s=30.0)),
        ("{settle: 0s}", Precondition()),
        ("{drop_caches: true}", Precondition(drop_caches=True)),
        ("{random: {at_most: 10m}}", Precondition(
            random=RandomWrites(at_most_s=600.0, rule=SteadyRule(round_s=24.0)))),
        (ALL_OF_RANDOM, Precondition(
            random=RandomWrites(
                at_most_s=60.0,
                rule=SteadyRule(round_s=20.0, rounds=3, range_limit=0.1, slope_limit=0.05),
                block_size_bytes=8192,
                queue_depth=32,
            ))),
    ],
)  # fmt: skip
def test_each_key_is_read(asked, means):
    assert parse(asked).precondition == means


def test_a_device_can_be_purged():
    assert parse("{purge: true}", DEVICE).precondition.purge


def test_a_span_may_lie_in_several_files():
    assert parse(target="{directory: d, size: 16M, nrfiles: 4}").sides[0].targets[0].nrfiles == 4


FORMATTED = "{device: /dev/vdb, serial: S, destroy: true, mkfs: {type: ext4}}"


def test_a_file_system_can_be_made_on_a_device():
    target = (
        "{device: /dev/vdb, serial: S, destroy: true, nrfiles: 2, "
        "mkfs: {type: xfs, options: [-b, size=4096]}, mount: {options: noatime}}"
    )
    (found,) = parse(target=target).sides[0].targets
    assert (found.kind, found.size_bytes, found.nrfiles) == ("device", 1 << 30, 2)
    assert found.file_system == FileSystem(
        type="xfs", mkfs_options=("-b", "size=4096"), mount_options=("noatime",)
    )


def on(device_keys):
    return f"{{device: /dev/vdb, serial: S, destroy: true, {device_keys}}}"


@pytest.mark.parametrize(
    ("target", "precondition", "says"),
    [
        (on("mkfs: {type: vfat}"), "", "target.mkfs.type: 'vfat' is no file system"),
        (on("mkfs: {}"), "", "target.mkfs.type: is missing"),
        (on("mkfs: {type: ext4, options: [/dev/sda]}"), "", "mkfs.options: '/dev/sda' is no"),
        (on("mkfs: {type: ext4, options: ['-b 4096']}"), "", "mkfs.options: '-b 4096' is no"),
        (on("mkfs: {type: ext4}, mount: {options: [exec]}"), "", "mount.options: 'exec'"),
        (on("mount: {options: [noatime]}"), "", "target.mount: belongs to `mkfs` only"),
        ("{directory: d, mkfs: {type: ext4}}", "", "target.mkfs: belongs to a device only"),
        (FORMATTED, "{purge: true}", "precondition.purge: mkfs discards the device itself"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_or_mounted_is_refused(target, precondition, says):
    assert any(says in fault for fault in faults_of(precondition, target))


def test_files_cannot_be_trimmed_wherever_they_lie():
    text = f"name: n\ntarget: {FORMATTED}\nworkloads: [{{rw: trim}}]\n"
    with pytest.raises(JobFileError, match="only a device can be trimmed"):
        parse_job(text, source="x")


@pytest.mark.parametrize("name", ["mkfs", "mount"])
def test_an_untrusted_job_file_makes_no_file_system(name):
    target = on("mkfs: {type: ext4}, mount: {options: [noatime]}")
    faults = faults_of("", target, origin=Origin.UNTRUSTED)
    assert any(f"target.{name}: is not possible in an untrusted" in each for each in faults)


@pytest.mark.parametrize(
    ("asked", "target", "extra", "says"),
    [
        ("{fill: false, passes: 2}", DIRECTORY, "", "precondition.passes: belongs to a fill"),
        ("{fill: false, random: {}}", DIRECTORY, "", "precondition.random: belongs to a fill"),
        ("{purge: true}", DIRECTORY, "", "precondition.purge: only a device can be purged"),
        ("{purge: true}", NULL, "", "precondition.purge: only a device can be purged"),
        ("{random: {}}", NULL, "", "precondition.random: the null engine has no storage"),
        ("{drop_caches: true}", NULL, "", "precondition.drop_caches: the null engine has no"),
        ("{passes: 0}", DIRECTORY, "", "precondition.passes: 0 is not between 1 and 10"),
        ("{passes: 11}", DIRECTORY, "", "11 is not between 1 and 10"),
        ("{settle: 8d}", DIRECTORY, "", "precondition.settle: 8d is not between 0s and 7d"),
        ("{random: {at_most: 40s}}", DIRECTORY, "",
         "precondition.random: 5 rounds of 10s do not fit into at_most, 40s"),
        ("{random: {block_size: 32M}}", DIRECTORY, "", "random.block_size: is more than"),
        ("{random: {block_size: 8M}}", "{directory: d, size: 16M, nrfiles: 4}", "",
         "random.block_size: is more than"),
        ("{purge: yes}", DEVICE, "", "precondition.purge: must be true or false"),
        ("{purgee: true}", DEVICE, "", "purge"),
        ("", "{directory: d, size: 16M, nrfiles: 3}", "",
         "target.nrfiles: 16M cannot be cut into 3 equal files of whole 4k"),
        ("", "{directory: d, nrfiles: 0}", "", "target.nrfiles: 0 is not between 1 and 100"),
        ("", "{directory: d, nrfiles: 101}", "", "101 is not between 1 and 100"),
        ("", "{device: /dev/vdb, serial: S, destroy: true, nrfiles: 2}", "",
         "target.nrfiles: belongs to a directory only"),
        ("", "{null_engine: true, nrfiles: 2}", "", "target.nrfiles: belongs to a directory only"),
        ("", "{directory: d, size: 4M, nrfiles: 4}", "matrix: {block_size: 2M}",
         "block_size[0]: is more than one file of the target"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(asked, target, extra, says):
    assert any(says in fault for fault in faults_of(asked, target, extra))


@pytest.mark.parametrize("name", ["purge", "drop_caches"])
def test_an_untrusted_job_file_touches_nothing_but_its_span(name):
    faults = faults_of(f"{{{name}: true}}", DEVICE, origin=Origin.UNTRUSTED)
    assert any(
        f"precondition.{name}: is not possible in an untrusted job file" in each for each in faults
    )
