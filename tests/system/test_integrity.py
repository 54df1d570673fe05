"""Write and read back with checksums: one wrong block is the storage's fault, with its offset."""

from __future__ import annotations

import os
import re
import threading

import pytest

SPAN = 16 << 20


def on_device(device, image):
    return {"device": str(device), "serial": f"loop:{image}", "destroy": True}


def spoil(image, over):
    """Turn blocks of the storage over, again and again, behind fio's back."""
    with image.open("r+b") as file:
        number = 0
        while not over.wait(0.02):
            os.pwrite(file.fileno(), b"\xa5" * 4096, number * 40960 % SPAN)
            number += 1


def test_sound_storage_passes(storperf):
    ended = storperf.run_job(
        suite="integrity", workloads=None, matrix=None, duration="2s", limits=["iops >= 1"]
    )
    assert ended.exit_code == 0, ended
    assert [trial["end"] for trial in ended.trials] == ["completed"] * 2
    for trial in ended.trials:
        (target,) = trial["facts"]["ends"]["agent-01"]["targets"]
        assert target["ios"]["read"] > 1000
    storperf.assert_nothing_left()


def test_storage_that_gives_back_something_else_fails_with_the_offset(storperf, loop_device):
    device, image = loop_device(SPAN)
    job = storperf.job(
        target=on_device(device, image),
        suite="integrity",
        workloads=None,
        matrix=None,
        duration="20s",
        limits=["iops >= 1"],
    )
    running = storperf.start("run", job, "--json")
    running.until("verify-random-bs4k-qd16-nj1-a1: started")
    over = threading.Event()
    spoiler = threading.Thread(target=spoil, args=(image, over))
    spoiler.start()
    try:
        ended = running.end()
    finally:
        over.set()
        spoiler.join()
    assert ended.exit_code == 1, ended
    verdict = ended.json["verdict"]
    assert (verdict["outcome"], verdict["reason"]) == ("fail", "verify_error")
    offset = re.search(r"offset (\d+)", verdict["sentence"])
    assert offset is not None, verdict["sentence"]
    assert int(offset[1]) < SPAN
    assert not verdict["enters_baseline"]
    storperf.assert_nothing_left()


@pytest.mark.parametrize("rw", ["read", "randread"])
def test_a_verify_of_what_was_never_written_accuses_nobody(storperf, rw):
    ended = storperf.run_job(workloads=[{"rw": rw, "verify": "crc32c"}])
    assert ended.exit_code == 2, ended
    assert "verifies data that it never wrote" in ended.stderr
