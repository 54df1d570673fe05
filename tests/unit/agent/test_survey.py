"""The devices of a host, as `storperf agent check` lists them."""

from __future__ import annotations

from storperf.agent.survey import block_devices, survey


def a_device(sys, name, size, dev="259:7777"):
    folder = sys / name
    (folder / "device").mkdir(parents=True)
    (folder / "queue").mkdir()
    (folder / "size").write_text(f"{size}\n")
    (folder / "dev").write_text(f"{dev}\n")
    (folder / "device/model").write_text("ACME 1\n")
    (folder / "queue/rotational").write_text("1\n")


def test_devices_with_a_medium_are_listed_with_what_stands_in_the_way(tmp_path):
    a_device(tmp_path, "vdb", 2048)
    a_device(tmp_path, "cciss!c0d0", 2048)
    a_device(tmp_path, "loop7", 0)
    a_device(tmp_path, "ram0", 2048)
    found = block_devices(str(tmp_path))
    assert [each["path"] for each in found] == ["/dev/cciss/c0d0", "/dev/vdb"]
    assert found[1]["size_bytes"] == 1 << 20
    assert (found[1]["model"], found[1]["rotational"]) == ("ACME 1", True)
    # Nobody can open it, so nobody knows that it is empty.
    assert "cannot be checked for data" in found[1]["holds"]


def test_a_host_without_sysfs_has_no_devices(tmp_path):
    assert block_devices(str(tmp_path / "nothing")) == []


def test_a_survey_of_this_host_is_whole(tmp_path):
    found = survey("/no/fio", str(tmp_path))
    assert found["fio"] == {"error": "/no/fio: No such file or directory"}
    assert found["folder"]["free_bytes"] > 0
    assert found["user"]
    assert all(device["holds"] is None or device["holds"] for device in found["devices"])
    assert found["targets"] == []


def test_targets_that_are_asked_for_are_looked_at(tmp_path):
    asked = [{"path": str(tmp_path)}, {"path": "/dev/nowhere", "serial": "x"}]
    good, bad = survey("/no/fio", str(tmp_path), asked)["targets"]
    assert (good["kind"], good.get("fault")) == ("directory", None)
    assert "neither it nor" in bad["fault"]
