"""Targets that fio reaches over a network: how they are written, refused and rendered."""

from __future__ import annotations

import re

import pytest

from storperf.errors import JobFileError
from storperf.fio.render import render_fill, render_reach, render_trial
from storperf.jobfile.parse import parse_job
from storperf.jobfile.remote_places import read_nbd_uri
from storperf.model.job import Origin
from storperf.model.target import RbdImage, Target, TargetKind
from storperf.plan import plan_job

SOCKET = "nbd+unix:///?socket=/run/x.sock"
NBD = f"{{nbd: '{SOCKET}', size: 1G, destroy: true}}"
RBD = "{rbd: {pool: rbd, image: test, client: ci, cluster: lab}, size: 1G, destroy: true}"
OPEN_NBD = (f"--uri={SOCKET}",)
OPEN_RBD = ("--pool=rbd", "--rbdname=test", "--clientname=ci", "--clustername=lab")
BOTH = [(NBD, "nbd", OPEN_NBD), (RBD, "rbd", OPEN_RBD)]


def parse(target=NBD, workloads="[rr]", extra="", **more):
    text = f"name: n\ntarget: {target}\nworkloads: {workloads}\n{extra}\n"
    return parse_job(text, source="x", **more)


def fault_of(*arguments, **more):
    with pytest.raises(JobFileError) as refused:
        parse(*arguments, **more)
    (fault,) = refused.value.faults
    return fault


def test_an_nbd_export_is_a_target():
    job = parse()
    (target,) = job.sides[0].targets
    assert target == Target(
        kind=TargetKind.NBD, path=SOCKET, size_bytes=1 << 30, serial=None, destroy=True
    )
    assert (job.ioengine, job.matrix.queue_depths) == ("nbd", (16,))


def test_an_rbd_image_is_a_target():
    job = parse(RBD)
    (target,) = job.sides[0].targets
    assert target.path == "lab:rbd/test"
    assert target.rbd == RbdImage(pool="rbd", image="test", client="ci", cluster="lab")
    assert job.ioengine == "rbd"
    shortest = "{rbd: {pool: p, image: i}, size: 1G, destroy: true}"
    assert parse(shortest).sides[0].targets[0].rbd == RbdImage(
        pool="p", image="i", client="admin", cluster="ceph"
    )


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("nbd://host/export", "nbd://host/export"),
        ("nbd://HOST", "nbd://host/"),
        ("NBDS://host:10809/a/b", "nbds://host/a/b"),
        ("nbd://10.0.0.1:10810/", "nbd://10.0.0.1:10810/"),
        ("nbd://[::1]:10810/x", "nbd://[::1]:10810/x"),
        ("nbd://h/a b", "nbd://h/a%20b"),
        ("nbd+unix:///?socket=/run/x.sock", "nbd+unix:///?socket=/run/x.sock"),
        ("nbd+unix:///x?socket=/run/my sock", "nbd+unix:///x?socket=/run/my%20sock"),
        ("nbd+unix:///x?socket=/run/my%20sock", "nbd+unix:///x?socket=/run/my%20sock"),
        ("nbds+unix:///?socket=/a;b$c", "nbds+unix:///?socket=/a%3Bb%24c"),
        ("nbd+unix:///?socket=/50%", "nbd+unix:///?socket=/50%25"),
    ],
)
def test_an_nbd_address_has_one_spelling(written, means):
    assert read_nbd_uri(written) == means
    assert read_nbd_uri(means) == means


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "is empty"),
        ("/run/x.sock", "is not an NBD address such as nbd://HOST/EXPORT"),
        ("http://host/", "is not an NBD address"),
        ("nbd+ssh://host/", "is not an NBD address"),
        ("nbd:///export", "needs a host"),
        ("nbd://ho st/", "needs a host"),
        ("nbd://host:70000/", "Port out of range"),
        ("nbd://host:x/", "Port could not be cast"),
        ("nbd://me:secret@host/", "names a user"),
        ("nbds://host/?tls-psk-file=/etc/x", "what stands behind ? has no place here"),
        ("nbd://host/a#b", "a # has no place"),
        ("nbd+unix://host/?socket=/x", "has three slashes"),
        ("nbd+unix:///", "needs the absolute path of its socket"),
        ("nbd+unix:///?socket=x", "needs the absolute path of its socket"),
        ("nbd+unix:///?socket=/x&tls-certificates=/y", "and nothing else"),
        ("nbd://host/\u0007", "printable"),
    ],
)
def test_an_address_that_fio_could_not_use_is_refused(address, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        read_nbd_uri(address)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("{nbd: 'nbd://h/', size: 1G}", "target.destroy: nbd needs `destroy: true`"),
        ("{nbd: 'nbd://h/', destroy: true}", "target: nbd needs a `size`"),
        ("{nbd: 'nbd://h/', size: 1G, destroy: true, serial: x}", "belongs to a device only"),
        ("{nbd: 'nbd://h/', device: /dev/x, size: 1G}", "not device and nbd"),
        ("{nbd: 'nbd://h/', size: 8M, destroy: true, nrfiles: 2}", "belongs to a directory only"),
        ("{nbd: h, size: 1G, destroy: true}", "target.nbd: 'h' is not an NBD address"),
        ("{rbd: {pool: p, image: i}, size: 1G}", "target.destroy: rbd needs `destroy: true`"),
        ("{rbd: {pool: p, image: i}, destroy: true}", "target: rbd needs a `size`"),
        ("{rbd: {pool: p}, size: 1G, destroy: true}", "target.rbd"),
        ("{rbd: {pool: p, image: a/b}, size: 1G, destroy: true}", "'a/b' holds more than"),
        ("{rbd: {pool: p, image: i, user: u}, size: 1G, destroy: true}", "target.rbd.user"),
        ("{rbd: p/i, size: 1G, destroy: true}", "target.rbd: must be a mapping"),
    ],
)
def test_a_remote_target_that_lacks_something_is_refused(target, says):
    assert says in fault_of(target)


@pytest.mark.parametrize(("target", "engine", "_"), BOTH, ids=["nbd", "rbd"])
def test_the_target_says_the_engine(target, engine, _):
    why = f"target.{engine} already says which engine; leave it out"
    assert why in fault_of(target, extra="ioengine: libaio")
    assert why in fault_of(target, extra="ioengine: rados\nallow_unsafe_fio_options: true")
    own = {"open_file": lambda _name: "[a]\nruntime=1\nioengine=libaio\n"}
    fault = fault_of(target, "[{fio_file: f}]", **own)
    assert "section [a] has ioengine libaio, but " + why in fault
    said = f"the {engine} engine is a target: write target: {{{engine}: "
    assert said in fault_of("{directory: d}", extra=f"ioengine: {engine}")


def test_a_section_may_not_leave_the_null_engine_either():
    own = {"open_file": lambda _name: "[a]\nruntime=1\nioengine=psync\n"}
    fault = fault_of("{null_engine: true}", "[{fio_file: f}]", **own)
    assert "section [a] has ioengine psync, but target.null_engine already says" in fault


@pytest.mark.parametrize("target", [NBD, RBD])
def test_an_untrusted_job_file_names_no_server(target):
    assert "may name no server" in fault_of(target, origin=Origin.UNTRUSTED)


@pytest.mark.parametrize("option", ["uri: 'nbd://h/'", "pool: p", "rbdname: x", "clientname: x"])
def test_a_workload_names_no_other_server(option):
    fault = fault_of(NBD, f"[{{rw: read, {option}}}]", "allow_unsafe_fio_options: true")
    assert "is not a workload's to set: write the job's key `target`" in fault


@pytest.mark.parametrize(("target", "engine", "opens"), BOTH, ids=["nbd", "rbd"])
def test_fio_is_told_the_address_after_the_engine_and_no_file(target, engine, opens):
    job = parse(
        target, "[{name: own, fio_file: f}, rr]", open_file=lambda _name: "[a]\nruntime=1\n"
    )
    (where,) = job.sides[0].targets
    commands = [
        render_trial(job, step, where, fio="fio", filenames=()) for step in plan_job(job).steps
    ]
    commands += [
        render_fill(job, where, fio="fio", filenames=()),
        render_reach(where, fio="fio"),
    ]
    for argv in commands:
        place = argv.index(f"--ioengine={engine}")
        later = [word for word in argv[place:] if word in opens]
        assert later == list(opens)
        assert not any(word.startswith("--filename") for word in argv)


def test_a_remote_target_is_asked_for_its_last_block_alone():
    (target,) = parse().sides[0].targets
    argv = render_reach(target, fio="fio")
    assert {"--rw=read", "--bs=4096", "--size=4096", f"--offset={(1 << 30) - 4096}"} <= set(argv)
    assert "--thread=1" in argv


def test_runs_on_different_kinds_of_targets_are_not_compared():
    jobs = [parse(NBD), parse(RBD), parse("{directory: d, size: 1G}")]
    assert len({plan_job(job).steps[0].fingerprint for job in jobs}) == 3
    elsewhere = parse(NBD.replace("x.sock", "y.sock"))
    assert plan_job(elsewhere).steps[0].fingerprint == plan_job(jobs[0]).steps[0].fingerprint
