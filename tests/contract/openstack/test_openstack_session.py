"""What a login's services promise: asked again where it does no harm, one line for each fault."""

from __future__ import annotations

import io

import pytest
from tools.certificate import certify
from tools.cloud_server import BROKEN, PASSWORD, PROJECT, CloudServer, Fault

from storperf.deadline import Deadline
from storperf.errors import CloudError, UsageError
from storperf.providers.openstack_session import open_cloud
from storperf.settings import read_settings


@pytest.fixture
def server():
    with CloudServer() as server:
        server.route(r"GET /compute/v2\.1/servers", lambda *_: {"servers": []})
        server.route(r"DELETE /compute/v2\.1/servers/a", lambda *_: (204, None))
        yield server


@pytest.fixture
def cloud(server, tmp_path):
    return opened(server.environment, tmp_path)


def opened(environment, folder, **more):
    return open_cloud(read_settings({"HOME": str(folder), **environment}, folder), **more)


def test_nothing_is_asked_before_the_first_call(cloud, server):
    assert server.asked == {}
    assert cloud.calls == {}


def test_who_asks_is_told_by_keystone(cloud):
    who = cloud.who()
    assert (who.user, who.project, who.project_id) == ("nina", "storage", PROJECT)
    assert who.roles == ("member",)


def test_a_service_is_found_in_the_catalog_and_its_path_has_no_project(cloud, server):
    server.route(rf"GET /volume/v3/{PROJECT}/volumes", lambda *_: {"volumes": [1]})
    assert cloud.volume.get("/volumes") == {"volumes": [1]}
    assert cloud.volume.is_there()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, BROKEN])
def test_what_can_be_done_twice_is_asked_again(cloud, server, status):
    server.faults.append(Fault("GET /compute", status, times=2))
    assert cloud.compute.get("/servers") == {"servers": []}
    assert cloud.calls["compute"] == 3


@pytest.mark.parametrize("status", [500, 502, 504, BROKEN])
def test_a_post_that_may_have_been_taken_is_not_asked_again(cloud, server, status):
    server.faults.append(Fault("POST /compute", status))
    server.route(r"POST /compute/v2\.1/servers", lambda *_: {"server": {}})
    with pytest.raises(CloudError) as caught:
        cloud.compute.post("/servers", {})
    assert caught.value.may_have_happened
    assert cloud.calls["compute"] == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_post_that_was_not_taken_is_asked_again(cloud, server, status):
    server.faults.append(Fault("POST /compute", status))
    server.route(r"POST /compute/v2\.1/servers", lambda *_: {"server": {}})
    assert cloud.compute.post("/servers", {}) == {"server": {}}


def test_a_deadline_ends_the_asking(cloud, server):
    server.faults.append(Fault("GET /compute", 503, times=1000))
    with pytest.raises(CloudError, match="HTTP 503"):
        cloud.compute.get("/servers", Deadline.after(0.3))
    assert cloud.calls["compute"] < 10


def test_a_cloud_that_asks_for_time_gets_it(cloud, server):
    server.faults.append(Fault("GET /compute", 429, headers={"Retry-After": "30"}))
    with pytest.raises(CloudError) as caught:
        cloud.compute.get("/servers", Deadline.after(5))
    assert caught.value.wait_s == 30


def test_an_expired_token_is_replaced_by_another(cloud, server):
    cloud.compute.get("/servers")
    server.expire()
    assert cloud.compute.get("/servers") == {"servers": []}
    assert server.asked["POST /v3/auth/tokens"] == 2


def test_keystone_away_while_a_token_is_wanted_is_waited_for(cloud, server):
    server.faults.append(Fault("POST /v3/auth/tokens", 503, times=2))
    assert cloud.compute.get("/servers") == {"servers": []}


def test_a_refused_login_is_one_line_without_the_password(server, tmp_path):
    wrong = {**server.environment, "OS_PASSWORD": "wrong-but-secret"}
    with pytest.raises(CloudError) as caught:
        opened(wrong, tmp_path).who()
    assert caught.value.status == 401
    assert "\n" not in caught.value.message
    assert "secret" not in caught.value.message


def test_a_heat_that_may_make_no_trust_says_what_else_to_log_in_with(server, tmp_path):
    login = {
        "OS_AUTH_URL": server.environment["OS_AUTH_URL"],
        "OS_AUTH_TYPE": "v3applicationcredential",
        "OS_APPLICATION_CREDENTIAL_ID": "c1",
        "OS_APPLICATION_CREDENTIAL_SECRET": PASSWORD,
    }
    # What Heat 27 makes of Keystone's 403.
    remote = {"code": 500, "title": "Internal Server Error", "error": {"type": "RemoteError"}}
    server.faults.append(Fault("POST /orchestration", 500, body=remote))
    with pytest.raises(CloudError, match=r"RemoteError.*--unrestricted.*a password") as caught:
        opened(login, tmp_path).orchestration.post("/stacks", {})
    assert PASSWORD not in caught.value.message
    server.faults.append(Fault("POST /orchestration", 500, body=remote))
    with pytest.raises(CloudError) as caught:
        opened(server.environment, tmp_path).orchestration.post("/stacks", {})
    assert "trust" not in caught.value.message


def test_an_authority_of_one_s_own_is_trusted_when_it_is_named_and_not_otherwise(tmp_path):
    certificate, key = certify(tmp_path)
    with CloudServer(tls=(certificate, key)) as server:
        named = {**server.environment, "OS_CACERT": str(certificate)}
        assert opened(named, tmp_path).who().user == "nina"
        with pytest.raises(CloudError, match="name the certificates to trust: OS_CACERT"):
            opened(server.environment, tmp_path, patience_s=0.1).who()
        absent = {**server.environment, "OS_CACERT": str(tmp_path / "absent.pem")}
        with pytest.raises(CloudError, match=r"absent\.pem"):
            opened(absent, tmp_path, patience_s=0.1).who()


def test_a_token_that_cannot_be_renewed_says_so(cloud, server, tmp_path):
    token = cloud.session.get_token()
    own = {"OS_AUTH_URL": f"{server.url}/v3", "OS_AUTH_TYPE": "v3token", "OS_TOKEN": token}
    held = opened({**own, "OS_PROJECT_ID": PROJECT}, tmp_path)
    assert held.compute.get("/servers") == {"servers": []}
    server.expire()
    with pytest.raises(CloudError, match="log in again") as caught:
        held.compute.get("/servers")
    assert token not in caught.value.message


@pytest.mark.parametrize(
    "body",
    [
        {"forbidden": {"code": 403, "message": "Quota exceeded for cores"}},
        {"title": "Forbidden", "error": {"type": "X", "message": "Quota exceeded for cores"}},
        {"NeutronError": {"type": "OverQuota", "message": "Quota exceeded\nfor cores"}},
    ],
)
def test_a_refusal_has_the_service_s_own_words_and_a_remedy(cloud, server, body):
    server.faults.append(Fault("GET /compute", 403, body=body))
    with pytest.raises(CloudError) as caught:
        cloud.compute.get("/servers")
    assert caught.value.facts["said"] == "Quota exceeded for cores"
    assert "ask for the role" in caught.value.message
    assert "\n" not in caught.value.message


def test_a_secret_that_a_service_repeats_is_not_told(cloud, server):
    server.faults.append(Fault("GET /compute", 400, body={"error": {"message": f"no {PASSWORD}"}}))
    with pytest.raises(CloudError, match="no \\*\\*\\*"):
        cloud.compute.get("/servers")


def test_what_is_not_there_is_none_or_false(cloud):
    assert cloud.compute.find("/servers/b") is None
    assert cloud.compute.delete("/servers/b") is False
    assert cloud.compute.delete("/servers/a") is True
    with pytest.raises(CloudError, match="HTTP 404"):
        cloud.compute.get("/servers/b")


def test_a_list_is_read_page_by_page(cloud, server):
    def page(_match, _body, query):
        first = 500 if "marker=id-499" in query else 0
        ids = [f"id-{number}" for number in range(first, min(first + 500, 600))]
        return {"volumes": [{"id": each} for each in ids]}

    server.route(rf"GET /volume/v3/{PROJECT}/volumes", page)
    found = list(cloud.volume.pages("/volumes", "volumes"))
    assert len({each["id"] for each in found}) == len(found) == 600


def test_a_file_is_sent_as_it_is(cloud, server):
    came = []
    server.route(r"PUT /image/v2/images/i/file", lambda _m, body, _q: came.append(body) or {})
    cloud.image.upload("/images/i/file", io.BytesIO(b"bytes" * 1000), Deadline.after(10))
    assert came == [b"bytes" * 1000]


def test_a_service_that_the_catalog_lacks_is_named(server, tmp_path):
    cloud = opened({**server.environment, "OS_REGION_NAME": "Nowhere"}, tmp_path)
    assert not cloud.compute.is_there()
    with pytest.raises(CloudError, match=r"no such service in region Nowhere"):
        cloud.compute.get("/servers")


def test_nobody_there_is_told_with_the_service(tmp_path, server):
    cloud = opened({**server.environment, "OS_AUTH_URL": "http://127.0.0.1:1/v3"}, tmp_path)
    with pytest.raises(CloudError, match="nobody listens there") as caught:
        cloud.compute.get("/servers", Deadline.after(0.2))
    assert not caught.value.may_have_happened


def test_no_login_and_a_login_that_lacks_something_are_usage_errors(tmp_path):
    with pytest.raises(UsageError, match=r"no credentials.*clouds\.yaml"):
        opened({}, tmp_path)
    with pytest.raises(UsageError, match="lacks OS_PASSWORD"):
        opened(
            {
                "OS_AUTH_URL": "http://127.0.0.1:1/v3",
                "OS_USERNAME": "nina",
                "OS_PROJECT_ID": PROJECT,
                "OS_USER_DOMAIN_ID": "default",
            },
            tmp_path,
        )
