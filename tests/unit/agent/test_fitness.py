"""The facts of a host's fitness: what /proc and /sys say, and a block that is really written."""

from __future__ import annotations

import os

import pytest

from storperf.agent import activity, fitness, places

DEVICE = "100 0 800 50 10 0 16 5 0 {busy} 60 0 0 0 0"


def test_a_devices_counters_are_operations_bytes_and_busy_seconds():
    assert activity.parse_device_stat(DEVICE.format(busy=250)) == {
        "reads_per_s": 100.0,
        "read_bytes_per_s": 800 * 512.0,
        "writes_per_s": 10.0,
        "write_bytes_per_s": 16 * 512.0,
        "busy_share": 0.25,
    }


def test_watching_tells_what_a_device_did_meanwhile(tmp_path):
    (tmp_path / "stat").write_text(DEVICE.format(busy=0))
    times = iter((10.0, 12.0))

    def clock():
        now_s = next(times)
        if now_s == 12.0:
            (tmp_path / "stat").write_text("300 0 800 50 10 0 16 5 0 1000 60")
        return now_s

    found = activity.watch({"vda": str(tmp_path)}, 0.0, clock)
    assert found["interval_s"] == 2.0
    # The clock is asked before the counters are read.
    assert found["devices"]["vda"]["reads_per_s"] == 100.0
    assert found["devices"]["vda"]["busy_share"] == 0.5
    assert found["devices"]["vda"]["writes_per_s"] == 0.0


def test_watching_this_host_gives_shares_between_nothing_and_all():
    found = activity.watch({"gone": "/no/such/folder"}, 0.05)
    assert found["devices"] == {}
    shares = [*found["cpu"].values(), *found["pressure"].values()]
    assert shares
    assert all(0 <= share <= 1.5 for share in shares)
    assert os.getpid() not in [each["pid"] for each in found["processes"]]


def test_governors_are_counted(tmp_path):
    for number, name in enumerate(("powersave", "performance", "performance", "")):
        folder = tmp_path / f"cpu{number}" / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{name}\n")
    assert fitness.governors(str(tmp_path)) == {"powersave": 1, "performance": 2}
    assert fitness.governors(str(tmp_path / "none")) == {}


@pytest.mark.parametrize(
    ("files", "is_virtual", "container"),
    [
        ({}, False, ""),
        ({"proc/cpuinfo": "processor: 0\nflags\t: fpu hypervisor sse\n"}, True, ""),
        ({"proc/cpuinfo": "flags\t: fpu sse\nbugs: hypervisor\n"}, False, ""),
        ({"sys/class/dmi/id/sys_vendor": "QEMU"}, True, ""),
        ({"sys/class/dmi/id/product_name": "VMware20,1"}, True, ""),
        ({"sys/class/dmi/id/sys_vendor": "Dell Inc."}, False, ""),
        ({"sys/hypervisor/type": "xen"}, True, ""),
        ({"run/systemd/container": "lxc"}, False, "lxc"),
        ({".dockerenv": ""}, False, "docker"),
        ({"run/.containerenv": ""}, False, "podman"),
    ],
)
def test_a_hypervisor_and_a_container_are_known_by_their_marks(
    tmp_path, files, is_virtual, container
):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = fitness.virtual_facts(str(tmp_path))
    assert (found["is_virtual"], found["container"]) == (is_virtual, container)


def test_memory_is_in_bytes(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 4 kB\nMemFree: 1 kB\nSwapTotal: 2 kB\nSwapFree: 1 kB\n")
    assert fitness.memory_facts(str(meminfo)) == {
        "total_bytes": 4096,
        "swap_bytes": 2048,
        "swap_free_bytes": 1024,
    }
    assert fitness.memory_facts(str(tmp_path / "none")) == {}


def test_the_clock_is_synchronised_or_not_or_nobody_knows():
    assert fitness.clock_facts()["is_synchronised"] in {True, False, None}


def test_a_directory_is_tried_and_left_as_it_was(tmp_path):
    found = places.target_facts({"path": str(tmp_path)})
    assert found["kind"] == "directory"
    assert found["direct"] in {True, False}
    assert found["free_bytes"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_named_file_is_removed_again_where_there_are_no_nameless_ones(tmp_path):
    def refuse():
        raise OSError(22, "Invalid argument")

    assert places._direct_words(refuse) == {"direct": False, "direct_error": "Invalid argument"}
    assert places._direct_words(lambda: None) == {"direct": True}
    places._write_and_read(str(tmp_path), lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_directory_is_examined_in_its_parent(tmp_path):
    found = places.target_facts({"path": str(tmp_path / "new")})
    assert (found["is_missing"], found["examined"]) == (True, str(tmp_path))
    assert found["path"] == str(tmp_path / "new")
    assert "fault" not in found
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a/b", "neither it nor the directory above it"),
        ("file", "neither a directory nor a device"),
    ],
)
def test_what_cannot_be_a_target_has_a_fault(tmp_path, name, words):
    (tmp_path / "file").write_text("")
    assert words in places.target_facts({"path": str(tmp_path / name)})["fault"]


def test_a_dangling_link_is_a_fault(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert "fault" in places.target_facts({"path": str(tmp_path / "link")})


def test_a_missing_device_is_a_fault():
    assert "fault" in places.target_facts({"path": "/dev/no-such-device"})


def test_room_and_rights_are_of_the_nearest_folder(tmp_path):
    found = places.folder_facts(str(tmp_path / "a" / "b"))
    assert found["examined"] == str(tmp_path)
    assert found["is_writable"]


@pytest.mark.parametrize("interval_s", [0.0, -1.0, 10.1, float("nan")])
def test_an_interval_of_another_length_is_refused(interval_s):
    with pytest.raises(ValueError, match="interval_s"):
        fitness.examine("fio", [], interval_s)


def test_an_examination_tells_everything_that_is_judged(tmp_path):
    found = fitness.examine("/no/fio", [{"path": str(tmp_path)}], 0.01)
    assert found["fio"]["error"] == "/no/fio: No such file or directory"
    assert found["host"]["usable_cpus"] >= 1
    assert [target["path"] for target in found["targets"]] == [str(tmp_path)]
    assert found["limits"]["open_files"]
    assert found["memory"]["total_bytes"] > 0
