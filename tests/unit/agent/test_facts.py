"""Facts of a device that stand in /sys."""

from __future__ import annotations

import pytest

from storperf.agent.facts import device_facts, max_queue_depth


def device(folder, *, requests="64", queues=1, own=None):
    for name, text in {"queue/nr_requests": requests, "device/queue_depth": own}.items():
        if text is not None:
            path = folder / name
            path.parent.mkdir()
            path.write_text(f"{text}\n")
    for number in range(queues):
        (folder / "mq" / str(number)).mkdir(parents=True)
    return str(folder)


@pytest.mark.parametrize(
    ("shape", "depth"),
    [
        ({}, 64),
        ({"queues": 0}, 64),
        ({"queues": 4}, 256),
        ({"own": "32"}, 32),
        ({"queues": 4, "own": "254"}, 254),
        ({"own": "0"}, 64),
        ({"requests": "none"}, None),
        ({"requests": None}, None),
    ],
)
def test_a_device_takes_what_its_queues_hold(tmp_path, shape, depth):
    assert max_queue_depth(device(tmp_path, **shape)) == depth


def put(folder, **texts):
    for name, text in texts.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


def test_a_device_tells_its_model_its_firmware_and_how_its_queue_is_set(tmp_path):
    folder = tmp_path / "nvme0n1"
    put(folder, device__model="Fast 3000", device__firmware_rev="2B2Q", queue__scheduler="[none]")
    put(folder, queue__nomerges="2", queue__max_sectors_kb="1280", queue__write_cache="write back")
    found = device_facts(str(folder))
    assert found["device_name"] == "nvme0n1"
    assert (found["device_model"], found["device_firmware"]) == ("Fast 3000", "2B2Q")
    assert (found["scheduler"], found["nomerges"]) == ("[none]", "2")
    assert (found["max_sectors_kb"], found["write_cache"]) == ("1280", "write back")
    assert (found["wbt_lat_usec"], found["device_vendor"], found["stacked_on"]) == ("", "", [])


def test_a_scsi_device_calls_its_firmware_otherwise_and_a_volume_says_what_it_lies_on(tmp_path):
    put(tmp_path / "sda", device__rev="0001", device__vendor="ACME")
    found = device_facts(str(tmp_path / "sda"))
    assert (found["device_firmware"], found["device_vendor"]) == ("0001", "ACME")
    (tmp_path / "dm-0/slaves/sdb").mkdir(parents=True)
    (tmp_path / "dm-0/slaves/sda").mkdir()
    assert device_facts(str(tmp_path / "dm-0"))["stacked_on"] == ["sda", "sdb"]
