"""Which cloud and whose credentials are taken, and what is missing, by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from storperf.errors import UsageError
from storperf.providers.openstack_login import find_login
from storperf.settings import read_settings

WHOLE = {
    "OS_AUTH_URL": "https://cloud/v3",
    "OS_USERNAME": "nina",
    "OS_PASSWORD": "hunter2",
    "OS_PROJECT_NAME": "storage",
    "OS_USER_DOMAIN_NAME": "Default",
    "OS_PROJECT_DOMAIN_NAME": "Default",
}
CLOUD = """
clouds:
  lab:
    auth: {auth_url: "https://lab/v3", username: nina, password: hunter2, project_id: p1,
           user_domain_id: default}
    region_name: north
    verify: false
"""
SECOND = "  other: {auth: {auth_url: 'https://other/v3'}}\n"


@pytest.fixture
def find(tmp_path):
    """The login found with some variables, and clouds.yaml in a working directory."""

    def find(clouds=None, /, **variables):
        if clouds is not None:
            (tmp_path / "clouds.yaml").write_text(clouds)
        settings = read_settings({"HOME": str(tmp_path / "home"), **variables}, tmp_path)
        return find_login(settings)

    return find


def test_nothing_said_is_no_login(find):
    assert find() is None


def test_variables_are_a_login(find):
    login = find(**WHOLE, OS_REGION_NAME="north", OS_CACERT="/ca.pem", OS_INTERFACE="internal")
    assert login.missing == ()
    assert login.auth["username"] == "nina"
    assert (login.region, login.interface, login.verify) == ("north", "internal", "/ca.pem")
    assert not {"region_name", "cacert", "interface"} & set(login.auth)


def test_variables_win_over_a_file_and_os_cloud_over_variables(find):
    assert find(CLOUD, **WHOLE).auth["auth_url"] == "https://cloud/v3"
    assert find(CLOUD, **WHOLE, OS_CLOUD="lab").auth["auth_url"] == "https://lab/v3"


def test_the_only_cloud_of_a_file_needs_no_name(find):
    login = find(CLOUD)
    assert login.missing == ()
    assert (login.region, login.verify) == ("north", False)


def test_several_clouds_need_a_name(find):
    with pytest.raises(UsageError, match="holds 2 clouds"):
        find(CLOUD + SECOND)
    assert find(CLOUD + SECOND, OS_CLOUD="other").auth == {"auth_url": "https://other/v3"}


def test_a_cloud_that_is_not_there_is_refused_with_those_that_are(find):
    with pytest.raises(UsageError, match=r"OS_CLOUD is 'laab'.*knows: lab"):
        find(CLOUD, OS_CLOUD="laab")


def test_os_cloud_without_a_file_is_refused_with_where_it_was_looked_for(find, tmp_path):
    with pytest.raises(UsageError, match=f"no clouds.yaml in {tmp_path}, "):
        find(OS_CLOUD="lab")


@pytest.mark.parametrize("text", ["clouds: [", "- a", "clouds: [1]", "clouds: {a: 1}", ""])
def test_a_file_that_holds_no_clouds_is_refused(find, text):
    with pytest.raises(UsageError):
        find(text)


def test_a_named_file_is_taken_and_must_be_there(find, tmp_path):
    (tmp_path / "mine.yaml").write_text(CLOUD)
    assert "mine.yaml" in find(OS_CLIENT_CONFIG_FILE="mine.yaml").source
    with pytest.raises(UsageError, match="cannot read"):
        find(OS_CLIENT_CONFIG_FILE="none.yaml")


def test_secrets_of_secure_yaml_are_laid_over_the_cloud(find, tmp_path):
    (tmp_path / "secure.yaml").write_text("clouds: {lab: {auth: {password: other}}}")
    login = find(CLOUD)
    assert (login.auth["password"], login.auth["username"]) == ("other", "nina")


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        ("OS_AUTH_URL", "OS_AUTH_URL (http://... or https://...)"),
        ("OS_USERNAME", "OS_USERNAME or OS_USER_ID"),
        ("OS_PASSWORD", "OS_PASSWORD"),
        ("OS_PROJECT_NAME", "OS_PROJECT_NAME or OS_PROJECT_ID"),
        ("OS_USER_DOMAIN_NAME", "OS_USER_DOMAIN_NAME or OS_USER_DOMAIN_ID"),
        ("OS_PROJECT_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME or OS_PROJECT_DOMAIN_ID"),
    ],
)
def test_what_is_missing_has_the_name_that_one_would_write(find, gone, named):
    assert find(**{**WHOLE, gone: ""}).missing == (named,)


def test_in_a_file_the_names_are_those_of_the_file(find):
    login = find(CLOUD.replace("password: hunter2, ", ""))
    assert login.missing == ("auth.password",)


def test_an_application_credential_needs_its_id_or_its_name_and_a_user(find):
    base = {"OS_AUTH_URL": "https://c/v3", "OS_AUTH_TYPE": "v3applicationcredential"}
    secret = {"OS_APPLICATION_CREDENTIAL_SECRET": "s"}
    assert find(**base, **secret, OS_APPLICATION_CREDENTIAL_ID="i").missing == ()
    assert find(**base, OS_APPLICATION_CREDENTIAL_ID="i").missing == (
        "OS_APPLICATION_CREDENTIAL_SECRET",
    )
    by_name = find(**base, **secret, OS_APPLICATION_CREDENTIAL_NAME="n")
    assert by_name.missing == ("OS_USERNAME or OS_USER_ID",)


def test_an_application_credential_without_its_type_is_told_so(find):
    said = {"OS_AUTH_URL": "https://c/v3", "OS_APPLICATION_CREDENTIAL_SECRET": "s"}
    assert find(**said).missing == ("OS_AUTH_TYPE (v3applicationcredential)",)


def test_names_of_older_files_are_understood(find):
    old = {**WHOLE, "OS_PROJECT_NAME": "", "OS_TENANT_NAME": "storage"}
    assert find(**old).auth["project_name"] == "storage"


def test_a_password_in_the_address_is_taken_out(find):
    login = find(**{**WHOLE, "OS_AUTH_URL": "https://nina:hunter2@cloud:5000/v3"})
    assert login.auth["auth_url"] == "https://cloud:5000/v3"


def test_no_secret_is_in_its_picture(find):
    assert "hunter2" not in repr(find(**WHOLE))
    assert "hunter2" not in repr(read_settings(WHOLE, Path("/")))
