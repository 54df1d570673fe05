"""What a build on Jenkins calls, against a stand-in that jenkinsapi takes for one."""

from __future__ import annotations

import json
import signal
import subprocess
from xml.etree import ElementTree as ET

import pytest
from system.conftest import PROGRAM, TREE
from system.together import Facts
from tools.jenkins import TOKEN, USER, Jenkins
from tools.results_database import ResultsDatabase

fact = Facts()
NAME_OF_TOKEN = "STORPERF_JENKINS_TOKEN"
LOGIN = {"STORPERF_JENKINS_USER": USER, NAME_OF_TOKEN: TOKEN}
JOB = "lab/nightly"
FILE = "storperf-results/baseline.json"


def ask(storperf, jenkins, *arguments, **environment):
    """A command of a build whose variables Jenkins set."""
    given = {**LOGIN, "JENKINS_URL": f"{jenkins.url}/", "JOB_NAME": JOB, **environment}
    ended = storperf("jenkins", *arguments, **given)
    assert TOKEN not in ended.stdout + ended.stderr
    return ended


def job_of(storperf, **keys):
    return storperf.job(
        variables={"pod": "pod1", "workloads": ["ws"], "block_sizes": ["4k"]},
        lab="${pod}",
        provider=storperf.lying_fio(),
        workloads="${workloads}",
        matrix={"block_size": "${block_sizes}", "queue_depth": 1},
        **keys,
    )


@fact
def a_build_runs_with_its_parameters_and_leaves_its_files(storperf):
    left = storperf.folder / "storperf-results"
    left.mkdir()
    (left / "baseline.json").write_text("of an earlier build")
    parameters = {"POD": "pod9", "WORKLOADS": "rr, wr", "BLOCK_SIZES": "4k", "QUEUE_DEPTHS": " "}
    ended = storperf("jenkins", "run", job_of(storperf), BUILD_TAG="night-7", **parameters)
    assert ended.exit_code == 0, ended
    last = ended.stdout.splitlines()[-1]
    assert last.startswith("storperf-verdict: pass, within_limits: ")
    names = {path.name for path in left.iterdir()}
    assert names == {
        *("baseline.json", "figures.csv", "junit.xml"),
        *("report.html", "report.md", "result.json", "verdict.txt"),
    }
    assert last == f"storperf-verdict: {(left / 'verdict.txt').read_text()}".rstrip()
    result = json.loads((left / "result.json").read_bytes())
    assert (result["job"]["lab"], result["run"]["title"]) == ("pod9", "night-7")
    assert {step["workload"] for step in result["steps"]} == {"rr", "wr"}
    assert json.loads((left / "baseline.json").read_bytes())
    # Parameters that the job file has no variable for are no silence.
    refused = storperf("jenkins", "run", job_of(storperf), VOLUME_TYPE="fast")
    assert refused.exit_code == 2
    assert "volume_type" in refused.stderr
    assert not list(left.iterdir())


@fact
def a_baseline_goes_from_build_to_build(storperf):
    keys = {"limits": None, "name": "carried"}
    job = job_of(storperf, **keys)
    first = storperf("jenkins", "run", job)
    assert first.exit_code == 3, first
    assert "storperf-verdict: inconclusive, no_baseline: " in first.stdout
    kept = (storperf.folder / FILE).read_bytes()
    builds = {
        1: {"result": "UNSTABLE", "artefacts": {FILE: kept}},
        2: {"result": "FAILURE", "artefacts": {FILE: b"not this one"}},
    }
    fresh = {"STORPERF_RESULTS": str(storperf.top / "another")}
    with Jenkins(builds=builds) as jenkins:
        taken = ask(storperf, jenkins, "baseline", "--import", **fresh)
        assert taken.exit_code == 0, taken
        assert "baseline of build 1" in taken.stdout
        entries = storperf("baseline", "show", "carried", "--lab", "pod1", "--json", **fresh).json
        assert len(entries["entries"]) == 1
        assert (storperf.folder / "baseline.json").read_bytes() == kept
        # None of a stable build, none when the store's own counts: and no older file is left.
        for policy in ("last-green-build", "stored"):
            none = ask(storperf, jenkins, "baseline", BASELINE_POLICY=policy)
            assert (none.exit_code, "no baseline is fetched" in none.stdout) == (0, True), none
            assert not (storperf.folder / "baseline.json").exists()
        absent = ask(storperf, jenkins, "baseline", "--artefact", "elsewhere.json")
        assert absent.exit_code == 0, absent
        jenkins.builds[3] = {"result": "SUCCESS", "artefacts": {FILE: b"damaged"}}
        damaged = ask(storperf, jenkins, "baseline", "--import", **fresh)
        assert damaged.exit_code == 2, damaged


@fact
def a_run_that_fails_ends_the_shell_with_1_and_bears_no_mark(storperf):
    job = storperf.job(provider=storperf.lying_fio(), limits=["iops >= 100000"])
    ended = storperf("jenkins", "run", job)
    assert ended.exit_code == 1, ended
    assert ended.stdout.splitlines()[-1].startswith("storperf-verdict: fail, limit_broken: ")
    assert "storperf-mark" not in ended.stdout
    suite = ET.parse(storperf.folder / "storperf-results" / "junit.xml")  # noqa: S314 - our own
    assert suite.getroot().findall(".//failure")


@fact
def a_run_that_its_infrastructure_ended_bears_a_mark(storperf):
    job = storperf.job(provider=storperf.lying_fio("crashes"))
    ended = storperf("jenkins", "run", job)
    assert ended.exit_code == 4, ended
    verdict, mark = ended.stdout.splitlines()[-2:]
    assert verdict.startswith("storperf-verdict: inconclusive, invalid: ")
    assert mark == "storperf-mark: infrastructure"
    assert (storperf.folder / "storperf-results" / "junit.xml").is_file()


def shells_of_a_build(folder):
    """The shell steps of the freestyle job in their order, without the set-up."""
    program = PROGRAM.with_name("jenkins-jobs")
    if not program.exists():
        pytest.skip("jenkins-job-builder is not installed")
    argv = [program, "--conf", "/dev/null", "test", TREE / "jenkins" / "storperf.yaml"]
    subprocess.run([*argv, "-o", folder], capture_output=True, timeout=120, check=True)
    job = ET.parse(folder / "storperf-performance-pod1")  # noqa: S314 - it has just been made
    shells = [each.text for each in job.iter("command")]
    return [text for text in shells if "setup.sh" not in text]


@fact
def the_shells_of_the_job_definition_carry_a_build_from_baseline_to_cleanup(storperf):
    job = job_of(storperf)
    programs = storperf.folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "storperf").symlink_to(PROGRAM)
    shells = shells_of_a_build(storperf.top / "jobs")
    assert len(shells) == 5
    told = []
    with Jenkins(builds={1: {"result": "SUCCESS"}}) as jenkins, ResultsDatabase() as database:
        build = {"JENKINS_URL": jenkins.url, "JOB_NAME": JOB, "BUILD_TAG": "night 9"}
        given = {
            **dict.fromkeys(("CLOUD", "AGENT_COUNT", "VOLUME_SIZE", "VOLUME_TYPE"), ""),
            **dict.fromkeys(("BLOCK_SIZES", "QUEUE_DEPTHS", "DISK_TYPE"), ""),
            "PROVIDER": "local",
            "JOB_FILE": job,
            "POD": "pod9",
            "WORKLOADS": "rr",
            "BASELINE_POLICY": "last-good-build",
            "SCENARIO": "os-nosdn",
            "PUBLISH_TO": "a shelf",
            "TEST_DB_URL": database.url,
        }
        for text in shells:
            # As Jenkins calls a shell step.
            ended = subprocess.run(
                ["/bin/sh", "-xe", "-c", text],
                cwd=storperf.folder,
                env={**storperf.environment, **LOGIN, **build, **given},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert ended.returncode == 0, (text, ended)
            assert TOKEN not in ended.stdout + ended.stderr
            told.append(ended.stdout)
    assert told[0].startswith("no baseline is fetched")
    assert "storperf-verdict: pass, within_limits: " in told[1]
    assert list((storperf.folder / "a shelf" / "pod9").glob("*/*/SHA256SUMS"))
    [taken] = database.taken
    assert (taken["criteria"], taken["pod_name"], taken["scenario"]) == ("PASS", "pod9", "os-nosdn")
    assert told[4] == "nothing is left\n"


@fact
def cleanup_ends_the_runs_of_its_own_build_alone(storperf):
    job = storperf.job(provider=storperf.lying_fio(), duration="60s")
    running = storperf.start("jenkins", "run", job, BUILD_TAG="night-8")
    running.until("rr-bs4k-qd1-nj1-a1: started")
    # As Jenkins does with what an aborted build leaves behind.
    running.process.send_signal(signal.SIGKILL)
    running.process.wait()
    other = storperf("jenkins", "cleanup", BUILD_TAG="night-7")
    assert (other.exit_code, other.stdout) == (0, "nothing is left\n"), other
    ended = storperf("jenkins", "cleanup", BUILD_TAG="night-8")
    assert (ended.exit_code, ended.stdout.endswith(": ended\n")) == (0, True), ended
    [run] = storperf("list", "--json").json["runs"]
    assert run["state"] == "cancelled"
    storperf.assert_nothing_left()


RESULTS = {"UNSTABLE": 3, "FAILURE": 1, "NOT_BUILT": 4}


@fact
def a_triggered_build_is_waited_for_and_its_result_is_the_exit_code(storperf):
    for result, code in RESULTS.items():
        with Jenkins(ends=result, looks=0) as jenkins:
            ended = ask(storperf, jenkins, "trigger", JOB, "--set", "POD=a b&c=d", "--wait")
            assert ended.exit_code == code, ended
            assert ended.stdout == f"{jenkins.url}/job/lab/job/nightly/1/ {result}\n"
            assert jenkins.triggered == [{"POD": "a b&c=d"}]


@fact
def a_build_is_waited_for_through_the_queue_and_a_restart(storperf):
    with Jenkins(looks=2) as jenkins:
        queued = ask(storperf, jenkins, "trigger", JOB)
        item = queued.stdout.strip()
        assert (queued.exit_code, item) == (0, f"{jenkins.url}/queue/item/1"), queued
        late = ask(storperf, jenkins, "wait", JOB, item, "--patience", "0s")
        assert (late.exit_code, "next available executor" in late.stderr) == (4, True), late
        jenkins.answers = [None, 503]
        ended = ask(storperf, jenkins, "wait", JOB, item, "--json")
        assert (ended.exit_code, ended.json["build"]["result"]) == (0, "SUCCESS"), ended
        again = ask(storperf, jenkins, "wait", JOB, "1")
        assert again.exit_code == 0, again


@fact
def a_build_that_is_cancelled_in_the_queue_is_told(storperf):
    with Jenkins() as jenkins:
        item = ask(storperf, jenkins, "trigger", JOB).stdout.strip()
        jenkins.cancelled = True
        ended = ask(storperf, jenkins, "wait", JOB, item)
        assert (ended.exit_code, "was cancelled" in ended.stderr) == (4, True), ended


@fact
def the_description_of_a_build_is_the_verdict(storperf):
    assert storperf.run_job(provider=storperf.lying_fio()).exit_code == 0
    with Jenkins(builds={7: {"result": None}}) as jenkins:
        ended = ask(storperf, jenkins, "annotate", BUILD_NUMBER="7")
        assert ended.exit_code == 0, ended
        assert jenkins.descriptions[7].startswith("pass, within_limits: ")
        assert jenkins.descriptions[7] == ended.stdout.strip()


@fact
def what_keeps_jenkins_away_is_told_without_the_token(storperf):
    with Jenkins() as jenkins:
        wrong = ask(storperf, jenkins, "trigger", JOB, **{**LOGIN, NAME_OF_TOKEN: "wrong-token"})
        assert (wrong.exit_code, "lets gate not in (401)" in wrong.stderr) == (4, True), wrong
        assert "wrong-token" not in wrong.stdout + wrong.stderr
        unknown = ask(storperf, jenkins, "trigger", "lab/nothing")
        assert (unknown.exit_code, "has no job lab/nothing" in unknown.stderr) == (2, True), unknown
        odd = ask(storperf, jenkins, "trigger", JOB, "--set", "EVIL=1")
        assert (odd.exit_code, "no parameter EVIL" in odd.stderr) == (2, True), odd
        elsewhere = ask(storperf, jenkins, "wait", JOB, "http://127.0.0.1:9/queue/item/1")
        assert (elsewhere.exit_code, "no address of the Jenkins" in elsewhere.stderr) == (2, True)
        jenkins.answers = [500]
        broken = ask(storperf, jenkins, "baseline")
        assert (broken.exit_code, "answers 500" in broken.stderr) == (4, True), broken
        assert broken.stdout == "storperf-mark: infrastructure\n"
        assert "secret page" not in broken.stderr
        assert jenkins.triggered == []
        token = storperf.top / "token"
        token.write_text(f"{TOKEN}\n")
        from_file = {"STORPERF_JENKINS_TOKEN_FILE": str(token), "STORPERF_JENKINS_TOKEN": ""}
        assert ask(storperf, jenkins, "trigger", JOB, **from_file).exit_code == 0
    down = ask(storperf, jenkins, "trigger", JOB)
    assert (down.exit_code, "does not answer" in down.stderr) == (4, True), down


@fact
def nothing_that_is_logged_holds_the_token(storperf):
    with Jenkins(looks=0) as jenkins:
        environment = {**LOGIN, "JENKINS_URL": jenkins.url}
        ended = storperf("-vvv", "jenkins", "trigger", JOB, "--wait", **environment)
        assert ended.exit_code == 0, ended
        assert TOKEN not in ended.stdout + ended.stderr
        assert "a-crumb" not in ended.stdout + ended.stderr
        assert all(TOKEN not in path for _, path, _ in jenkins.requests)


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
