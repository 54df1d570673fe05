"""Agents of a stack made ready, on a real sshd whose host keys are files of the test's own."""

from __future__ import annotations

import os
import time

import pytest
from tools.sshd import Sshd, public_key, require_sshd

from storperf.deadline import Deadline
from storperf.errors import AgentLost, HostKeyRefused
from storperf.model.keys import KeyPair
from storperf.providers.heat_ready import Access, Wanted, make_ready, target_of
from storperf.providers.heat_state import find_state, make_key_pair, make_state

VOLUME = "9a22e952-b9de-4c33-9ca0-c19120e866c6"
GIB = 1 << 30


class Guest(Sshd):
    """A server whose host key cloud-init has put there: `first`, which user data holds."""

    def __init__(self, folder):
        super().__init__(folder)
        self.stop()
        (folder / "host_key").rename(folder / "ssh_host_ed25519_key")
        (folder / "host_key.pub").rename(folder / "ssh_host_ed25519_key.pub")
        (folder / "host_key").symlink_to("ssh_host_ed25519_key")
        self.start()

    @property
    def first(self):
        return KeyPair(public=public_key(self.folder / "ssh_host_ed25519_key"), private="unused")


@pytest.fixture
def guest(tmp_path):
    require_sshd()
    if os.geteuid() != 0:
        pytest.skip("needs to be root, as the login of an agent is")
    guest = Guest(tmp_path / "guest")
    yield guest
    guest.stop()


@pytest.fixture
def state(tmp_path, guest):
    """What the run knows of its stack, with one agent whose host key is the guest's."""
    state = make_state(tmp_path / "run", "run-1", "stack", 0.0)
    state.keys_of("agent-01").first = guest.first
    state.save()
    return state


def ready(guest, state, *, within_s=20.0, volumes=(("", 0),), ephemeral_at=""):
    access = Access(
        user=guest.user,
        key_file=guest.client_key,
        save=state.save,
        needs_fio=False,
        ephemeral_at=ephemeral_at,
        port=guest.port,
        sshd=(str(guest.folder), str(guest.folder / "sshd.pid")),
    )
    wanted = Wanted(
        name="agent-01", address=guest.address, keys=state.keys_of("agent-01"), volumes=volumes
    )
    told = []
    found = make_ready(
        [wanted], access, Deadline.after(within_s), tell=told.append, wait=time.sleep
    )
    return found["agent-01"], told


def test_the_first_host_key_is_replaced_by_one_that_user_data_never_held(guest, state, tmp_path):
    first = guest.first.public
    made, told = ready(guest, state)
    assert made.fault is None
    assert told == ["1/1 agents ready"]
    keys = state.keys_of("agent-01")
    assert keys.is_replaced
    assert keys.second == guest.first.public != first
    # It is known after the manager has died, too.
    assert find_state(tmp_path / "run").agents["agent-01"] == keys


def test_who_shows_the_first_key_after_that_is_refused(guest, state):
    private = (guest.folder / "ssh_host_ed25519_key").read_bytes()
    ready(guest, state)
    guest.stop()
    (guest.folder / "ssh_host_ed25519_key").write_bytes(private)
    guest.start()
    again, _ = ready(guest, state, within_s=3.0)
    assert isinstance(again.fault, HostKeyRefused)


@pytest.mark.parametrize("is_shown", [False, True])
def test_a_manager_that_dies_while_the_key_is_replaced_is_no_loss(guest, state, is_shown):
    first = guest.folder / "ssh_host_ed25519_key"
    kept = first.read_bytes()
    ready(guest, state)
    keys = state.keys_of("agent-01")
    second, keys.is_replaced = keys.second, False
    if not is_shown:
        guest.stop()
        first.write_bytes(kept)
        guest.start()
    again, _ = ready(guest, state)
    assert again.fault is None
    assert keys.second == second
    assert keys.is_replaced


def test_a_host_that_shows_another_key_gets_nothing(guest, state):
    state.keys_of("agent-01").first = make_key_pair()
    found, told = ready(guest, state, within_s=3.0)
    assert isinstance(found.fault, HostKeyRefused)
    assert told == ["0/1 agents ready"]
    assert "Accepted" not in guest.log.read_text()


def test_a_volume_that_is_not_seen_is_told_by_its_id(guest, state):
    found, _ = ready(guest, state, within_s=3.0, volumes=((VOLUME, GIB),))
    assert VOLUME in found.fault.message


def test_a_disk_of_its_own_that_is_not_mounted_is_no_other_disk(guest, state, tmp_path):
    found, _ = ready(guest, state, within_s=3.0, ephemeral_at=str(tmp_path))
    assert "another one would be measured" in found.fault.message
    found, _ = ready(guest, state, ephemeral_at="/proc")
    assert found.fault is None


def test_nothing_is_waited_for_once_the_end_is_wanted(state, guest):
    guest.stop()
    access = Access(
        user="u", key_file=state.key_file, save=state.save, needs_fio=False, port=guest.port
    )
    keys = state.keys_of("agent-01")
    wanted = Wanted(name="agent-01", address="127.0.0.1", keys=keys, volumes=())
    started = time.monotonic()
    make_ready([wanted], access, Deadline.after(600), tell=print, wait=lambda _: True)
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("serial", [VOLUME[:20], VOLUME])
def test_a_volume_is_found_by_its_serial_whatever_the_bus_calls_it(serial):
    disks = [
        {"path": "/dev/vdb", "serials": ["another"], "size_bytes": GIB},
        {"path": "/dev/sdx", "serials": [serial], "size_bytes": GIB},
    ]
    found = target_of(disks, VOLUME, GIB)
    assert (found.path, found.serial) == ("/dev/sdx", serial)
    linked = [{**disks[1], "link": f"/dev/disk/by-id/virtio-{serial}"}]
    assert target_of(linked, VOLUME, GIB).path == f"/dev/disk/by-id/virtio-{serial}"


def test_a_volume_of_another_size_is_not_taken():
    disks = [{"path": "/dev/vdb", "serials": [VOLUME[:20]], "size_bytes": GIB - 512}]
    with pytest.raises(AgentLost, match="bytes there"):
        target_of(disks, VOLUME, GIB)


def test_keys_are_for_nobody_else_and_go(state, tmp_path):
    folder = tmp_path / "run" / "stack"
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert "OPENSSH PRIVATE" not in repr(state)
    state.forget()
    assert not folder.exists()
