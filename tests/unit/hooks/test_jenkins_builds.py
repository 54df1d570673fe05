"""A build's parameters, its result and its description."""

from __future__ import annotations

import pytest
from unit.reports.result_values import a_check, a_result, a_run, a_verdict

from storperf.errors import UsageError
from storperf.hooks.jenkins_server import EndedBuild, JenkinsLogin, JenkinsServer
from storperf.jenkins_builds import LISTS, PARAMETERS, build_variables, description, exit_code_of
from storperf.model.verdict import Reason

SECRET = "secret"
RESULTS = {"SUCCESS": 0, "UNSTABLE": 3, "FAILURE": 1, "NOT_BUILT": 4, "ABORTED": 130, "": 1, "X": 1}


@pytest.mark.parametrize(("result", "code"), RESULTS.items())
def test_only_success_is_a_pass(result, code):
    assert exit_code_of(EndedBuild(number=1, url="u", result=result)) == code


def test_parameters_that_say_nothing_are_the_job_files_own():
    empty = dict.fromkeys((*PARAMETERS, *LISTS), " ")
    assert build_variables({**empty, "PATH": "/bin", "SCENARIO": "x"}) == {}


def test_parameters_are_variables_and_some_are_lists():
    given = {"POD": "pod9", "WORKLOADS": "rr, wr rs", "BLOCK_SIZES": "4096", "QUEUE_DEPTHS": ","}
    assert build_variables(given) == {
        "pod": "pod9",
        "workloads": "[rr,wr,rs]",
        "block_sizes": "[4096]",
    }


def test_a_description_is_one_short_line_without_markup():
    check = a_check(Reason.LIMIT_BROKEN, sentence="IOPS <script>\nare " + "low " * 300)
    result = a_result(run=a_run(exit_code=1), verdict=a_verdict(check))
    words = description(result)
    assert words.startswith("fail, limit_broken: IOPS ")
    assert len(words) == 500
    assert not set("<\n") & set(words)


@pytest.mark.parametrize(
    "login",
    [
        JenkinsLogin(url="jenkins.example.org"),
        JenkinsLogin(url="http://me:secret@jenkins.example.org"),
        JenkinsLogin(url="http://jenkins.example.org", user="me"),
        JenkinsLogin(url="http://jenkins.example.org", token=SECRET),
    ],
)
def test_half_a_login_or_one_in_the_address_is_refused(login):
    with pytest.raises(UsageError) as caught:
        JenkinsServer(login)
    assert "secret" not in caught.value.message


def test_a_token_is_not_shown():
    assert "secret" not in repr(JenkinsLogin(url="http://j", user="me", token=SECRET))
