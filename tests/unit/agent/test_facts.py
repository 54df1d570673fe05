"""Facts of a device that stand in /sys."""

from __future__ import annotations

import pytest

from storperf.agent.facts import max_queue_depth


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
