"""Staging, attaching, following: what every remote and its agent must keep."""

from __future__ import annotations

import os
import signal

import pytest
from tools.fake_fio import calls_of, make_fio

from storperf.agent import frames
from storperf.errors import AgentLost, AgentRefused
from storperf.remote.journal_copy import JournalCopy
from storperf.remote.pack import build_agent

from .conftest import is_alive, trial_command, wait_until


def numbers(channel):
    return [record["n"] for record in channel.records]


def test_the_agent_is_packed_byte_for_byte_the_same_each_time():
    assert build_agent() == build_agent()


def test_staging_again_transfers_nothing(host):
    package = build_agent()
    path = host.root / package.file_name
    before = path.stat()
    host.stage()
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_changed_agent_is_replaced(host):
    package = build_agent()
    path = host.root / package.file_name
    path.write_bytes(package.content + b"#")
    host.stage()
    assert path.read_bytes() == package.content


def test_hello_again_finds_the_same_supervisor(host):
    first = host.open(follow=False)
    again = first.call("hello", lease_s=60)
    assert again["pid"] == host.supervisors[0]
    assert again["protocol"] == 1
    host.open(copy="other.journal")
    assert len(set(host.supervisors)) == 1


@pytest.mark.parametrize("run", ["../run", "..", ".hidden", "a/b", ""])
def test_a_run_whose_name_leads_elsewhere_is_refused(host, run):
    with pytest.raises(AgentLost, match="no name of a run"):
        host.open(run)
    assert not (host.root / "runs").exists()


def test_a_folder_that_others_can_enter_is_refused(host):
    host.root.chmod(0o755)
    with pytest.raises(AgentLost, match="can be entered by others"):
        host.open()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(host):
    folder = host.run_folder()
    folder.mkdir(parents=True, mode=0o700)
    for path in (folder, folder.parent):
        path.chmod(0o700)
    os.chown(folder, 65534, 65534)
    with pytest.raises(AgentLost, match="is not a folder of this user"):
        host.open()


def test_a_link_in_the_place_of_the_folder_is_refused(host, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (host.root / "runs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AgentLost, match="is not a folder of this user"):
        host.open()


def test_each_record_comes_once_and_in_order_from_any_number_on(host, tmp_path):
    fio = make_fio(tmp_path / "fio")
    channel = host.open()
    channel.call("start", **trial_command(fio))
    last = channel.wait_for("trial_ended")["n"]
    assert numbers(channel) == list(range(1, last + 1))
    for after in (0, 1, last - 1, last):
        copy = JournalCopy(tmp_path / f"from-{after}.journal")
        for record in channel.records[:after]:
            copy.take(record)
        copy.close()
        late = host.open(copy=f"from-{after}.journal")
        wait_until(lambda late=late: late.listen() or late.copy.last == last)
        late.listen(0.1)
        assert late.records == channel.records[after:]


def test_two_channels_at_once_see_the_same(host, tmp_path):
    fio = make_fio(tmp_path / "fio")
    first, second = host.open(), host.open(copy="other.journal")
    first.call("start", **trial_command(fio))
    first.wait_for("trial_ended")
    second.wait_for("trial_ended")
    assert first.records == second.records


def test_a_channel_that_breaks_loses_nothing_and_doubles_nothing(host, tmp_path):
    fio = make_fio(tmp_path / "fio")
    channel = host.open()
    channel.call("start", **trial_command(fio, runtime_s=2.0))
    channel.wait_for("interval", index=2)
    channel.close()
    channel = host.open()
    channel.wait_for("trial_ended")
    records = list(channel.copy.records())
    assert [record["n"] for record in records] == list(range(1, len(records) + 1))
    ended = records[-1]
    ios = sum(record["ios"] for record in records if record["kind"] == "interval")
    assert ios == ended["targets"][0]["ios"]["read"] > 0


def test_records_that_came_before_the_loss_are_given_before_it_is_told(host, tmp_path):
    fio = make_fio(tmp_path / "fio")
    channel = host.open()
    channel.call("start", **trial_command(fio, runtime_s=20))
    channel.wait_for("interval", index=2)
    os.kill(host.supervisors[0], signal.SIGKILL)

    def is_lost():
        try:
            channel.listen()
        except AgentLost:
            return True
        return False

    wait_until(is_lost)
    assert numbers(channel) == list(range(1, channel.copy.last + 1))


def test_a_killed_supervisor_is_followed_by_one_that_tells_the_end(host, tmp_path):
    fio = make_fio(tmp_path / "fio", "hangs", child=True)
    channel = host.open()
    channel.call("start", **trial_command(fio, runtime_s=0.5))
    started = channel.wait_for("trial_started")
    pids = [started["pids"][0][0], *(call["child"] for call in calls_of(fio))]
    wait_until(lambda: all(map(is_alive, pids)))
    os.kill(host.supervisors[0], signal.SIGKILL)
    channel.close()

    channel = host.open()
    ended = channel.wait_for("trial_ended")
    assert (ended["why"], ended["targets"]) == ("agent_died", [])
    assert len(set(host.supervisors)) == 2
    wait_until(lambda: not any(map(is_alive, pids)))
    assert channel.call("start", **trial_command(fio))["is_new"] is False


def test_a_fio_whose_main_process_died_with_the_supervisor_leaves_no_child(host, tmp_path):
    fio = make_fio(tmp_path / "fio", "hangs", child=True)
    channel = host.open()
    channel.call("start", **trial_command(fio))
    main = channel.wait_for("trial_started")["pids"][0][0]
    child = wait_until(lambda: [call["child"] for call in calls_of(fio)])[0]
    for pid in (host.supervisors[0], main):
        os.kill(pid, signal.SIGKILL)
    channel.close()
    assert is_alive(child)
    host.open().wait_for("trial_ended", why="agent_died")
    wait_until(lambda: not is_alive(child))


def test_a_held_trial_of_a_killed_supervisor_ends_too(host, tmp_path):
    fio = make_fio(tmp_path / "fio")
    channel = host.open()
    release_at = channel.call("clock")["epoch_s"] + 60
    channel.call("start", **trial_command(fio, release_at=release_at))
    channel.wait_for("trial_held")
    os.kill(host.supervisors[0], signal.SIGKILL)
    channel.close()
    host.open().wait_for("trial_ended", why="agent_died")


def test_a_journal_that_lost_what_the_manager_has_is_told(host, tmp_path):
    copy = JournalCopy(tmp_path / "ahead.journal")
    for number in range(1, 50):
        copy.take({"n": number, "kind": "interval", "t": 1000.0 + number})
    started = {"trial": "t1", "attempt": 1, "what": "measure", "t": 1050.0}
    copy.take({"n": 50, "kind": "trial_started", **started})
    copy.close()
    channel = host.open(copy="ahead.journal")
    lost = channel.wait_for("journal_lost")
    ended = channel.wait_for("trial_ended")
    assert (lost["n"], lost["after"], ended["n"]) == (51, 50, 52)
    assert (ended["trial"], ended["why"], ended["targets"]) == ("t1", "agent_died", [])
    assert channel.call("start", **trial_command("no-such-fio"))["is_new"] is False
    # Who knows of no such records is told that there are none.
    with pytest.raises(AgentRefused, match="this host lost its newest"):
        channel.call("follow", after=99)


def test_numbers_that_a_crash_gave_to_other_records_are_told(host, tmp_path):
    fio = make_fio(tmp_path / "fio", "hangs")
    channel = host.open()
    channel.call("start", **trial_command(fio, runtime_s=30))
    seen = channel.wait_for("interval")
    channel.close()
    os.kill(host.supervisors[0], signal.SIGKILL)
    wait_until(lambda: not is_alive(host.supervisors[0]))
    journal = host.run_folder() / "journal"
    # What the kernel had not written yet is gone: the start is there, the intervals are not.
    kept = b""
    for record in JournalCopy(journal).records():
        if record["kind"] == "interval":
            break
        kept += frames.encode(frames.RECORD, record)
    journal.write_bytes(kept)
    second = host.open()
    numbers_seen = [record["n"] for record in JournalCopy(tmp_path / "copy.journal").records()]
    ended = second.wait_for("trial_ended")
    assert ended["why"] == "agent_died"
    assert ended["n"] > seen["n"]
    assert numbers_seen == sorted(set(numbers_seen))


def test_who_attaches_while_a_supervisor_ends_gets_the_next_one(host, tmp_path):
    fio = make_fio(tmp_path / "fio", "hangs", deaf_to=["SIGINT"])
    channel = host.open()
    channel.call("start", **trial_command(fio, runtime_s=0.3))
    channel.wait_for("interval")
    channel.call("shutdown")
    second = host.open()
    assert host.supervisors[1] != host.supervisors[0]
    ended = second.wait_for("trial_ended")
    assert ended["why"] == "agent_ended"
    assert ended["targets"][0]["stopped"] is True


def test_shutdown_that_forgets_removes_the_run(host):
    channel = host.open()
    channel.call("shutdown", forget=True)
    wait_until(lambda: not is_alive(host.supervisors[0]))
    assert not host.run_folder().exists()


def test_without_a_manager_fio_is_stopped_and_scratch_removed_but_the_journal_kept(
    host, tmp_path, scratch, directory_target
):
    fio = make_fio(tmp_path / "fio")
    channel = host.open(lease_s=1)
    channel.call("prepare", targets=[directory_target])
    channel.call("start", **trial_command(fio, runtime_s=30))
    pid = channel.wait_for("trial_started")["pids"][0][0]
    channel.close()
    wait_until(lambda: not is_alive(host.supervisors[0]))
    assert not is_alive(pid)
    assert list(scratch.iterdir()) == []
    records = list(JournalCopy(host.run_folder() / "journal").records())
    kinds = [record["kind"] for record in records if record["kind"] not in ("interval", "sensors")]
    assert kinds[-3:] == ["lease_expired", "trial_ended", "agent_ended"]
    assert records[-2]["why"] == "agent_ended"


def test_a_manager_that_pings_keeps_its_lease(host):
    channel = host.open(lease_s=0.6)
    for _ in range(5):
        channel.listen(0.3)
        channel.call("ping")
    assert is_alive(host.supervisors[0])


@pytest.mark.parametrize("lease_s", [0, -1, "soon"])
def test_a_lease_that_is_no_time_is_refused(host, lease_s):
    channel = host.open()
    with pytest.raises(AgentRefused, match="hello is malformed"):
        channel.call("hello", lease_s=lease_s)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("dance", {}),
        ("start", {}),
        ("start", {"trial": "t", "attempt": 1, "what": "measure", "targets": [], "deadline_s": 1}),
        ("start", {**trial_command("fio"), "release_at": "soon"}),
        ("start", {**trial_command("fio"), "deadline_s": None}),
        ("start", {**trial_command("fio"), "trial": "../t"}),
        ("start", {**trial_command("fio"), "trial": "t" * 300}),
        ("start", {**trial_command("fio"), "targets": ["x"]}),
        ("prepare", {"targets": ["x"]}),
        ("prepare", {"targets": [{"kind": "directory"}]}),
        ("follow", {"after": "x"}),
        ("fetch", {"trial": "../t", "attempt": 1, "target": 0, "which": "json", "offset": 0}),
        ("fetch", {"trial": "t", "attempt": 1, "target": 0, "which": "../x", "offset": 0}),
        ("drop_raw", {"trial": "../..", "attempt": 1}),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_and_the_agent_lives(host, command, arguments):
    channel = host.open()
    with pytest.raises(AgentRefused):
        channel.call(command, **arguments)
    assert channel.call("hello")["pid"] == host.supervisors[0]


def test_an_error_of_the_system_is_an_answer_and_the_agent_lives(host):
    channel = host.open()
    (host.run_folder() / "journal").unlink()
    with pytest.raises(AgentRefused, match=r"follow failed: .*No such file"):
        channel.client.follow()
    assert channel.call("hello")["pid"] == host.supervisors[0]


def test_a_closed_channel_is_a_lost_agent(host):
    channel = host.open()
    channel.client.close()
    with pytest.raises(AgentLost, match="closed"):
        channel.call("ping")


def test_bytes_that_are_no_frame_end_the_channel_and_not_the_agent(host):
    stream = host.stream()
    stream.write(b"GET / HTTP/1.1\r\n\r\n")
    assert stream.read() == b""
    stream.close()
    host.open()
