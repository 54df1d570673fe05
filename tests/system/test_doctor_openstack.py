"""`storperf doctor --cloud`: whose credentials are found, and what a real Keystone says to them."""

from __future__ import annotations

import json
import socket

import pytest
import yaml
from lab import keystone as lab

SERVICES = "orchestration, volumev3, compute, image, network"


def openstack_findings(ended):
    """The findings about the cloud by their check."""
    names = {"credentials", "Keystone", "cloud services"}
    return {each["check"]: each for each in ended.json["findings"] if each["check"] in names}


def variables(url, **changes):
    words = {"auth_url": url, **lab.USER, **changes}
    return {f"OS_{name.upper()}": value for name, value in words.items() if value is not None}


# --- without a cloud ---------------------------------------------------------------------------


def test_without_the_option_no_cloud_is_asked(storperf):
    ended = storperf("doctor", "--json", **variables("http://127.0.0.1:9/v3"))
    assert list(openstack_findings(ended)) == ["credentials"]
    assert openstack_findings(ended)["credentials"]["level"] == "ok"
    assert ended.json["facts"]["openstack"] is None


def test_no_credentials_are_a_problem(storperf):
    ended = storperf("doctor", "--cloud", "--json")
    assert ended.exit_code == 3
    [found] = openstack_findings(ended).values()
    assert found["level"] == "problem"
    assert "no OS_AUTH_URL, no OS_CLOUD, no clouds.yaml in" in found["found"]
    assert f"{storperf.environment['HOME']}/.config/openstack" in found["found"]


def test_what_is_missing_is_named_and_nothing_is_asked(storperf):
    said = variables("http://127.0.0.1:9/v3", password=None, project_domain_id=None)
    ended = storperf("doctor", "--cloud", "--json", **said)
    assert ended.exit_code == 3
    [found] = openstack_findings(ended).values()
    assert "OS_PASSWORD, OS_PROJECT_DOMAIN_NAME or OS_PROJECT_DOMAIN_ID" in found["found"]


def test_a_keystone_that_nobody_runs_is_unreachable(storperf):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v3"
        ended = storperf("doctor", "--cloud", "--json", **variables(url))
    assert ended.exit_code == 3
    found = openstack_findings(ended)
    assert found["credentials"]["level"] == "ok"
    assert found["Keystone"]["found"] == f"Keystone at {url}: nobody listens there"
    assert "cloud services" not in found


def test_a_keystone_that_never_answers_is_given_up(storperf):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/v3"
        ended = storperf("doctor", "--cloud", "--json", **variables(url), timeout_s=60)
    assert ended.exit_code == 3
    assert "does not answer in time" in openstack_findings(ended)["Keystone"]["found"]


def test_a_clouds_file_that_cannot_be_read_shows_no_word_of_it(storperf):
    (storperf.folder / "clouds.yaml").write_text("clouds: {a: {auth: {password: hunter2]}}}\n")
    ended = storperf("doctor", "--cloud", "--json")
    assert ended.exit_code == 3
    [found] = openstack_findings(ended).values()
    assert "clouds.yaml is not YAML (line 1)" in found["found"]
    assert "hunter2" not in ended.stdout + ended.stderr


# --- with a real Keystone ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keystone(tmp_path_factory):
    if not lab.is_installed():
        pytest.skip("there is no Keystone here; scripts/setup.sh all installs it")
    with lab.Keystone(tmp_path_factory.mktemp("keystone")) as keystone:
        yield keystone


@pytest.fixture
def asked(storperf, keystone):
    """What the doctor finds with these variables; the password must be nowhere in what it says."""

    def ask(secret=lab.PASSWORD, **said):
        ended = storperf("-vv", "doctor", "--cloud", "--json", **said)
        assert secret not in ended.stdout + ended.stderr
        assert "gAAAA" not in ended.stdout + ended.stderr  # how each of its tokens begins
        return ended

    return ask


@pytest.mark.all_only
def test_the_login_of_the_environment_gets_a_token(asked, keystone):
    ended = asked(**variables(keystone.url))
    found = openstack_findings(ended)
    assert found["credentials"]["found"] == "the environment (OS_*), by password"
    assert "gives a token to admin, project admin" in found["Keystone"]["found"]
    assert found["cloud services"]["found"] == f"{SERVICES}, in any region"
    assert {each["level"] for each in found.values()} == {"ok"}


@pytest.mark.all_only
def test_a_person_reads_of_the_cloud_too(storperf, keystone):
    ended = storperf("doctor", "--cloud", **variables(keystone.url))
    assert f"Keystone at {keystone.url} answers in" in ended.stdout
    assert lab.PASSWORD not in ended.stdout + ended.stderr


@pytest.mark.all_only
def test_a_cloud_of_clouds_yaml_gets_a_token(storperf, asked, keystone):
    folder = storperf.top / "home/.config/openstack"
    folder.mkdir(parents=True)
    auth = {**lab.USER, "auth_url": keystone.url}
    secret = {"password": auth.pop("password")}
    clouds = {
        "lab": {"auth": auth, "region_name": "RegionOne"},
        "other": {"auth": {"auth_url": "http://127.0.0.1:9"}},
    }
    (folder / "clouds.yaml").write_text(yaml.safe_dump({"clouds": clouds}))
    (folder / "secure.yaml").write_text(yaml.safe_dump({"clouds": {"lab": {"auth": secret}}}))
    found = openstack_findings(asked(OS_CLOUD="lab"))
    assert f"the cloud lab of {folder}/clouds.yaml" in found["credentials"]["found"]
    assert found["Keystone"]["level"] == "ok"
    assert found["cloud services"]["found"] == f"{SERVICES}, in the region RegionOne"


@pytest.mark.all_only
def test_an_application_credential_gets_a_token(asked, keystone):
    credential = keystone.application_credential("storperf")
    said = {
        "OS_AUTH_URL": keystone.url,
        "OS_AUTH_TYPE": "v3applicationcredential",
        "OS_APPLICATION_CREDENTIAL_ID": credential["id"],
        "OS_APPLICATION_CREDENTIAL_SECRET": credential["secret"],
    }
    found = openstack_findings(asked(secret=credential["secret"], **said))
    assert found["Keystone"]["level"] == "ok", found
    assert found["cloud services"]["level"] == "ok"


@pytest.mark.all_only
@pytest.mark.parametrize("wrong", [{"password": "wrong-word"}, {"project_name": "nobodys"}])
def test_a_wrong_login_is_refused(asked, keystone, wrong):
    ended = asked("wrong-word", **variables(keystone.url, **wrong))
    found = openstack_findings(ended)
    assert ended.exit_code == 3
    assert found["Keystone"]["level"] == "problem"
    assert "refuses the login (HTTP 401)" in found["Keystone"]["found"]
    assert "cloud services" not in found


@pytest.mark.all_only
def test_a_region_that_lacks_services_is_a_problem(asked, keystone):
    ended = asked(**variables(keystone.url, region_name="RegionTwo"))
    found = openstack_findings(ended)["cloud services"]
    assert ended.exit_code == 3
    assert found["level"] == "problem"
    assert "no orchestration, no volumev3, no network in the region RegionTwo" in found["found"]


@pytest.mark.all_only
def test_an_address_that_is_no_keystone_is_said(asked, keystone):
    ended = asked(**variables(keystone.url.replace("/v3", "/elsewhere")))
    assert "what answers there is no Keystone" in openstack_findings(ended)["Keystone"]["found"]
    assert json.loads(ended.stdout)["facts"]["openstack"]["answer"]["fault"] == "unusable"
