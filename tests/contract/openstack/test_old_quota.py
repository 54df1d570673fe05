"""The quota that clients of the earlier StorPerf ask for, where configurations are a cloud's."""

from __future__ import annotations

import pytest
from tools.cloud_server import PASSWORD, PROJECT, CloudServer
from unit.web.old_clients import serving


@pytest.fixture
def cloud():
    with CloudServer() as cloud:
        yield cloud


@pytest.mark.parametrize("limit", [40, -1])
def test_it_is_cinders_limit_for_the_project(cloud, tmp_path, limit):
    limits = {"limits": {"absolute": {"maxTotalVolumes": limit, "totalVolumesUsed": 3}}}
    cloud.route(rf"GET /volume/v3/{PROJECT}/limits", lambda *_: limits)
    with serving(tmp_path, **cloud.environment) as server:
        server.allow(configurations="heat")
        answer = server.ask("GET", "v1.0/quotas")
    assert (answer.status_code, answer.json()) == (200, {"quota": limit})
    assert answer.headers["Sunset"]


def test_a_cloud_that_says_none_is_told_in_the_old_form_without_the_password(cloud, tmp_path):
    with serving(tmp_path, **cloud.environment) as server:
        server.allow(configurations="heat")
        answer = server.ask("GET", "v1.0/quotas")
    assert 400 <= answer.status_code < 600
    assert answer.json()["message"] == answer.json()["error"]
    assert answer.json()["exit_code"] == 4
    assert PASSWORD not in answer.text


def test_a_server_that_makes_no_stacks_has_room_for_none(tmp_path):
    with serving(tmp_path) as server:
        assert server.ask("GET", "v1.0/quotas").json() == {"quota": 0}
