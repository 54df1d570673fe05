"""Targets that fio reaches over a network: a real NBD server, and a Ceph that is not there."""

from __future__ import annotations

from contextlib import closing

import pytest
from system.together import Facts
from tools.nbd_server import NbdServer, can_reach, find_nbdkit

SIZE = 16 << 20
GENTLE = {"name": "rr", "rw": "randread", "rate_iops": 500}
fact = Facts()


def assert_invalid(program, ended, *words):
    """Exit 4, an inconclusive verdict, the words, nothing left."""
    assert ended.exit_code == 4, ended
    for word in words:
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.json["verdict"]["outcome"] == "inconclusive"
    assert_no_lock(program)


def assert_no_lock(program):
    assert list((program.agents / "locks").glob("*")) == []
    program.assert_nothing_left()


def reason_of(ended):
    """The end of the only trial."""
    [trial] = ended.trials
    assert trial["end"] == "failed", ended
    return trial["end_reason"]


@fact
def a_run_on_an_export_ends_with_figures_and_has_filled_it(storperf):
    image = storperf.top / "image"
    image.write_bytes(bytes(2 * SIZE))
    with closing(NbdServer("file", str(image), name="my export.sock")) as server:
        ended = storperf.run_job(
            target=server.target(),
            workloads=[GENTLE, {"name": "mix", "rw": "randrw", "rate_iops": 200}],
            matrix={"queue_depth": 1, "numjobs": 2},
            limits=["iops >= 1"],
        )
    assert ended.exit_code == 0, ended
    figures = [figure for trial in ended.trials for figure in trial["figures"]]
    iops = [each["value"] for each in figures if each["metric"] == "iops"]
    assert len(iops) >= 3
    assert min(iops) > 100
    content = image.read_bytes()
    assert content[:SIZE].count(0) < SIZE // 100
    assert content[SIZE:] == bytes(SIZE)
    [target] = ended.json["environment"]["agent-01"]["targets"]
    assert (target["filename"], target["size_bytes"]) == ("", SIZE)
    assert f"while {target['lock']} is locked no other run" in ended.stderr
    assert "my%20export.sock" in ended.stderr
    [held] = ended.json["run"]["facts"]["precondition.agent-01"]["holds"]
    assert held["map"] == "unknown"
    assert ended.json["steps"][0]["measuring"]["target_kind"] == "nbd"
    assert ended.json["steps"][0]["measuring"]["ioengine"] == "nbd"
    assert_no_lock(storperf)


@fact
def an_export_is_reached_by_tcp_as_well(storperf):
    with closing(NbdServer("memory", "32M", tcp=True)) as server:
        ended = storperf.run_job(target=server.target())
    assert ended.exit_code == 0, ended
    assert_no_lock(storperf)


@fact
def two_runs_on_one_export_exclude_each_other(storperf):
    with closing(NbdServer("memory", "32M")) as server:
        first = storperf.start("run", storperf.job(target=server.target(), duration="60s"))
        first.until("rr-bs4k-qd1-nj1-a1: started")
        # The same socket by another path.
        (storperf.folder / "alias.sock").symlink_to(server.socket)
        alias = f"nbd+unix:///?socket={storperf.folder}/alias.sock"
        second = storperf.run_job(target={**server.target(), "nbd": alias})
        run = storperf("list", "--json").json["runs"][-1]["id"]
        assert second.exit_code == 4, second
        assert f"is in use by another run ({run})" in second.stderr
        first.process.terminate()
        assert first.end().exit_code == 130
        again = storperf.run_job(target=server.target())
    assert again.exit_code == 0, again
    assert_no_lock(storperf)


@fact
def a_server_that_is_absent_is_said_before_anything_is_written(storperf):
    provider, calls = storperf.noting_fio()
    target = {"nbd": "nbd+unix:///?socket=/nowhere/x.sock", "size": "16M", "destroy": True}
    ended = storperf.run_job(target=target, provider=provider)
    where = "nbd nbd+unix:///?socket=/nowhere/x.sock cannot be read: fio: nbd_connect_uri: "
    assert_invalid(storperf, ended, where, "No such file or directory")
    assert "--name=fill" not in calls.read_text()
    assert [trial["end"] for trial in ended.trials] == [None]


@fact
def a_server_that_does_not_answer_is_not_waited_for(storperf):
    delayed = {"filters": ("delay",)}
    with closing(NbdServer("memory", "32M", "delay-read=3600", **delayed)) as server:
        ended = storperf.run_job(target=server.target())
        assert_invalid(storperf, ended, "cannot be reached: fio did not answer within 10 s")
        server.kill()


@fact
def an_export_that_is_too_small_is_refused_before_anything_is_written(storperf):
    image = storperf.top / "image"
    image.write_bytes(bytes(8 << 20))
    with closing(NbdServer("file", str(image))) as server:
        ended = storperf.run_job(target=server.target(), precondition={"fill": False})
    assert ended.exit_code == 2, ended
    assert "holds less than the 16M that the job asks for; lower target.size" in ended.stderr
    assert image.read_bytes() == bytes(8 << 20)
    assert_no_lock(storperf)


@fact
def a_server_that_dies_in_the_middle_is_a_failed_trial(storperf):
    with closing(NbdServer("memory", "32M")) as server:
        running = storperf.start(
            "run", storperf.job(target=server.target(), duration="60s"), "--json"
        )
        running.until("rr-bs4k-qd1-nj1-a1: started")
        server.until_read(10)
        server.kill()
        ended = running.end()
    assert "the ioengine gave no reason (error 4294967295)" in reason_of(ended)
    assert "fio: nbd_poll" in reason_of(ended)
    assert_invalid(storperf, ended)


@fact
def an_error_of_the_server_is_an_io_error(storperf):
    trigger = storperf.top / "fail now"
    fails = ("error=EIO", "error-rate=100%", f"error-file={trigger}")
    with closing(NbdServer("memory", "32M", *fails, filters=("error",))) as server:
        running = storperf.start(
            "run", storperf.job(target=server.target(), duration="60s"), "--json"
        )
        running.until("rr-bs4k-qd1-nj1-a1: started")
        trigger.touch()
        ended = running.end()
    assert "Input/output error (error 5)" in reason_of(ended)
    assert "read offset=" in reason_of(ended)
    assert_invalid(storperf, ended)


@fact
def a_fill_that_the_server_does_not_flush_is_none(storperf):
    refuses = "case $1 in get_size) echo 32M;; can_write) exit 0;; can_flush) exit 3;; "
    refuses += "pread) head -c $3 /dev/zero;; pwrite) cat >/dev/null;; *) exit 2;; esac"
    script = storperf.top / "no-flush"
    script.write_text(f"#!/bin/sh\n{refuses}\n")
    script.chmod(0o755)
    with closing(NbdServer("sh", str(script))) as server:
        ended = storperf.run_job(target=server.target("2M"))
    assert_invalid(storperf, ended, "filling the target failed", "end_fsync failed")


@fact
def reads_of_what_only_the_server_knows_are_never_a_pass(storperf):
    with closing(NbdServer("memory", "32M")) as server:
        ended = storperf.run_job(target=server.target(), precondition={"fill": False})
    assert ended.exit_code == 3, ended
    assert ended.json["verdict"]["reason"] == "not_storage"
    assert "reads_unknown" in ended.trials[0]["flags"]
    assert not ended.json["verdict"]["enters_baseline"]
    assert_no_lock(storperf)


@fact
def a_ceph_cluster_that_is_not_configured_is_said_before_anything_is_written(storperf):
    image = {"pool": "rbd", "image": "test", "cluster": "storperf-has-no-such-cluster"}
    ended = storperf.run_job(target={"rbd": image, "size": "16M", "destroy": True})
    where = "rbd storperf-has-no-such-cluster:rbd/test cannot be read"
    assert_invalid(storperf, ended, where, "rados_conf_read_file failed")
    assert [trial["end"] for trial in ended.trials] == [None]


@fact
def doctor_says_that_a_server_is_asked_by_the_run_alone(storperf):
    target = {"nbd": "nbd://127.0.0.1/x", "size": "16M", "destroy": True}
    ended = storperf("doctor", storperf.job(target=target), "--json")
    found = [each for each in ended.json["findings"] if each["check"] == "target"]
    assert [each["level"] for each in found] == ["not_known"]
    assert found[0]["found"] == "nbd nbd://127.0.0.1/x: it is asked when a run begins"


@pytest.fixture(scope="module", autouse=True)
def _tools():
    if find_nbdkit() is None:
        pytest.skip("there is no nbdkit here")
    for engine in ("nbd", "rbd"):
        if not can_reach(engine):
            pytest.skip(f"this fio has no engine {engine}")


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
