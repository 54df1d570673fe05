"""What seam.py promises of a remote, and client.py of a stream: the same for every kind of host."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from storperf.agent import frames
from storperf.deadline import Deadline
from storperf.errors import AgentLost, InfrastructureError
from storperf.remote.pack import AgentPackage, build_agent

from .conftest import REMOTES, is_alive, wait_until

PACKAGE = build_agent()


@pytest.fixture(params=REMOTES)
def make_remote(request):
    """Makes remotes of one kind whose agents live in a folder; nothing is staged yet."""
    remotes = []

    def make(folder):
        remotes.append(REMOTES[request.param](folder, request))
        return remotes[-1]

    yield make
    for remote in remotes:
        remote.close()


def soon():
    return Deadline.after(30)


# --- stage ---------------------------------------------------------------------------------------


def test_without_a_fio_of_the_job_none_is_staged(host):
    assert host.remote.fio is None


def test_the_agent_lies_under_its_hash_in_a_folder_of_the_user_alone(host):
    assert [path.name for path in host.root.iterdir()] == [PACKAGE.file_name]
    assert (host.root / PACKAGE.file_name).read_bytes() == PACKAGE.content
    assert host.root.stat().st_mode & 0o777 == 0o700


def test_a_link_in_the_place_of_the_agent_is_replaced_and_not_followed(make_remote, tmp_path):
    (tmp_path / "agent").mkdir(mode=0o700)
    (tmp_path / "victim").write_bytes(PACKAGE.content)
    (tmp_path / "agent" / PACKAGE.file_name).symlink_to(tmp_path / "victim")
    make_remote(tmp_path / "agent").stage(PACKAGE, soon())
    assert not (tmp_path / "agent" / PACKAGE.file_name).is_symlink()
    assert (tmp_path / "victim").read_bytes() == PACKAGE.content
    assert (tmp_path / "victim").stat().st_nlink == 1


def test_half_an_agent_is_replaced(make_remote, tmp_path):
    (tmp_path / "agent").mkdir(mode=0o700)
    (tmp_path / "agent" / PACKAGE.file_name).write_bytes(PACKAGE.content[:1000])
    make_remote(tmp_path / "agent").stage(PACKAGE, soon())
    assert (tmp_path / "agent" / PACKAGE.file_name).read_bytes() == PACKAGE.content


def test_where_no_folder_can_be_made_no_second_try_is_asked_for(make_remote, tmp_path):
    (tmp_path / "agent").write_text("a file")
    with pytest.raises(InfrastructureError, match="cannot be put") as caught:
        make_remote(tmp_path / "agent").stage(PACKAGE, soon())
    assert not isinstance(caught.value, AgentLost)


def test_managers_that_stage_at_once_do_no_harm(make_remote, tmp_path):
    remotes = [make_remote(tmp_path / "agent") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda remote: remote.stage(PACKAGE, soon()), remotes))
    assert [path.name for path in (tmp_path / "agent").iterdir()] == [PACKAGE.file_name]
    assert (tmp_path / "agent" / PACKAGE.file_name).read_bytes() == PACKAGE.content


# --- what is wanted no more -----------------------------------------------------------------------

OTHER = AgentPackage(content=b"another version", sha256="0" * 64)
OLD_AGENT, OLD_FIO = f"agent-{'1' * 16}.pyz", f"fio-{'2' * 16}"
HALF = f".agent-{'3' * 16}.pyz.{'4' * 16}"
WEEK_S = 7 * 24 * 3600


def not_wanted_for(path, seconds):
    then_s = time.time() - seconds
    os.utime(path, (then_s, then_s))


def stage_another(make, folder):
    """What a newer storperf does; it finds another version than it sent, and says so."""
    with contextlib.suppress(InfrastructureError):
        make(folder).stage(OTHER, soon())


def test_what_nobody_wanted_for_a_week_goes_at_the_next_staging(make_remote, tmp_path):
    folder = tmp_path / "agent"
    folder.mkdir(mode=0o700)
    kept = {"notes.txt": 2 * WEEK_S, f"agent-{'5' * 16}.pyz": WEEK_S - 3600}
    for name, age_s in {
        OLD_AGENT: WEEK_S + 60,
        OLD_FIO: WEEK_S + 60,
        HALF: WEEK_S + 60,
        **kept,
    }.items():
        (folder / name).write_bytes(b"x")
        not_wanted_for(folder / name, age_s)
    make_remote(folder).stage(PACKAGE, soon())
    assert {path.name for path in folder.iterdir()} == {PACKAGE.file_name, *kept}


def test_an_agent_that_is_staged_again_is_wanted_again(make_remote, tmp_path):
    folder = tmp_path / "agent"
    for _ in range(2):
        make_remote(folder).stage(PACKAGE, soon())
        not_wanted_for(folder / PACKAGE.file_name, 2 * WEEK_S)
    make_remote(folder).stage(PACKAGE, soon())
    stage_another(make_remote, folder)
    assert (folder / PACKAGE.file_name).exists()


def test_an_agent_that_runs_stays_however_old_it_is(host, make_remote):
    channel = host.open()
    (host.root / OLD_FIO).write_bytes(b"x")
    for name in (PACKAGE.file_name, OLD_FIO):
        not_wanted_for(host.root / name, 2 * WEEK_S)
    stage_another(make_remote, host.root)
    assert {PACKAGE.file_name, OLD_FIO} <= {path.name for path in host.root.iterdir()}
    channel.call("shutdown")
    channel.close()
    wait_until(lambda: not is_alive(host.supervisors[0]))
    stage_another(make_remote, host.root)
    assert {PACKAGE.file_name, OLD_FIO}.isdisjoint(path.name for path in host.root.iterdir())


def test_the_last_agent_that_was_asked_to_leave_takes_everything_along(host):
    (host.root / OLD_FIO).write_bytes(b"x")
    first, second = host.open("run-1"), host.open("run-2", copy="second.journal")
    first.call("shutdown", forget=True, leave=True)
    wait_until(lambda: not is_alive(host.supervisors[0]))
    assert (host.root / PACKAGE.file_name).exists()
    second.call("shutdown", forget=True, leave=True)
    wait_until(lambda: not host.root.exists())


def test_an_agent_that_leaves_takes_nothing_of_others_along(host):
    (host.root / "notes.txt").write_bytes(b"x")
    (host.root / OLD_AGENT).write_bytes(b"x")
    host.open().call("shutdown", forget=True, leave=True)
    wait_until(lambda: not is_alive(host.supervisors[0]))
    assert {path.name for path in host.root.iterdir()} == {"notes.txt", OLD_AGENT}


# --- open ----------------------------------------------------------------------------------------


def test_to_open_before_staging_is_a_mistake_of_ours(make_remote, tmp_path):
    remote = make_remote(tmp_path / "agent")
    for call in (remote.open, remote.remains):
        with pytest.raises(RuntimeError, match="stage the agent before"):
            call("run-1", soon())


def test_runs_have_supervisors_and_folders_of_their_own(host):
    first, second = host.open("run-1"), host.open("run-2", copy="second.journal")
    assert len(set(host.supervisors)) == 2
    first.call("shutdown", forget=True)
    wait_until(lambda: not host.run_folder("run-1").exists())
    assert second.call("hello")["run"] == "run-2"


def test_who_closes_a_stream_ends_neither_the_supervisor_nor_other_streams(host):
    first, second = host.open(), host.open(copy="second.journal")
    first.close()
    assert second.call("hello")["pid"] == host.supervisors[0]
    assert is_alive(host.supervisors[0])


# --- remains and close ---------------------------------------------------------------------------


def test_a_run_remains_until_it_is_forgotten(host):
    channel = host.open()
    where = host.remote.remains("run-1", Deadline.after(0.3))
    assert where == str(host.run_folder())
    channel.call("shutdown", forget=True)
    channel.close()
    assert host.remote.remains("run-1", soon()) is None
    assert host.remote.remains("run-1", soon()) is None
    assert host.remote.remains("run-that-never-was", soon()) is None


def test_a_closed_remote_may_be_closed_and_used_again(host):
    for _ in range(2):
        host.remote.close()
    assert host.remote.remains("run-1", soon()) is None
    host.remote.close()
    channel = host.open()
    host.remote.close()
    host.stage()
    assert channel.call("hello")["pid"] == host.supervisors[0]


# --- streams -------------------------------------------------------------------------------------


def test_a_stream_whose_attach_ended_says_why(host):
    stream = host.stream("../elsewhere")
    assert stream.read() == b""
    assert "no name of a run" in stream.last_words()
    stream.close()


def test_a_stream_whose_supervisor_died_ends_and_takes_no_more(host):
    host.open()
    stream = host.stream()
    stream.write(frames.encode(frames.COMMAND, {"id": 1, "command": "ping"}))
    assert stream.read()  # now it is joined to that supervisor, and to no other
    os.kill(host.supervisors[0], signal.SIGKILL)
    assert stream.read() == b""
    with pytest.raises(AgentLost, match="closed"):
        write_on(stream)
    stream.close()


def write_on(stream):
    """Write until it is noticed that nobody reads."""
    for _ in range(1000):
        stream.write(b"x" * 65536)


def test_a_stream_may_be_closed_twice_and_takes_no_more(host):
    host.open()
    stream = host.stream()
    stream.close()
    stream.close()
    with pytest.raises(AgentLost, match="closed"):
        stream.write(b"x")
