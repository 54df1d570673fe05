"""The job definitions under jenkins/: they render, call commands that exist, and mark no run green
that is no pass.  Whether a real Jenkins with its plugins takes them is not proven here."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest
import typer.main
import yaml

from storperf.cli.app import app
from storperf.jenkins_builds import LISTS, PARAMETERS, BaselinePolicy, build_variables
from storperf.jobfile.parse import parse_job

FOLDER = Path(__file__).parents[2] / "jenkins"
PIPELINE = (FOLDER / "Jenkinsfile").read_text()
ASKED_FOR = {
    *("PROVIDER", "CLOUD", "JOB_FILE", "AGENT_COUNT", "VOLUME_SIZE", "VOLUME_TYPE", "WORKLOADS"),
    *("BLOCK_SIZES", "QUEUE_DEPTHS", "BASELINE_POLICY", "DISK_TYPE", "POD", "SCENARIO"),
    *("PUBLISH_TO", "TEST_DB_URL"),
}
SHELL = re.compile(r"script: '''(.*?)'''|sh '''(.*?)'''|sh '((?:[^'\\]|\\.)*)'", re.DOTALL)
PARAMETER = re.compile(r"(?:string|choice)\(name: '(\w+)'")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """The XML of each job, by name."""
    program = Path(sys.executable).with_name("jenkins-jobs")
    if not program.exists():
        pytest.skip("jenkins-job-builder is not installed")
    folder = tmp_path_factory.mktemp("jobs")
    argv = [program, "--conf", "/dev/null", "test", FOLDER / "storperf.yaml", "-o", folder]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    return {path.name: ET.parse(path).getroot() for path in folder.iterdir()}  # noqa: S314


@pytest.fixture(scope="module")
def performance(rendered):
    return rendered["storperf-performance-pod1"]


def shells_of(job):
    return [each.text for each in job.iter("command")]


def test_both_levels_are_rendered(rendered):
    assert set(rendered) == {"storperf-verify", "storperf-performance-pod1"}


def test_no_shell_is_longer_than_five_lines(rendered):
    shells = [text for job in rendered.values() for text in shells_of(job)]
    shells += ["".join(found) for found in SHELL.findall(PIPELINE)]
    assert len(shells) >= 16
    for text in shells:
        assert len(text.strip().splitlines()) <= 5, text


def commands_in(text):
    """Each call of storperf in a shell text, as arguments."""
    joined = text.replace("||\n", "|| ").replace("\\\n", " ")
    for line in joined.splitlines():
        words = shlex.split(line)
        if ".venv/bin/storperf" in words:
            yield words[words.index(".venv/bin/storperf") + 1 :]


def test_every_call_is_a_command_with_options_that_exist(rendered):
    texts = [text for job in rendered.values() for text in shells_of(job)]
    texts += ["".join(found) for found in SHELL.findall(PIPELINE)]
    calls = [call for text in texts for call in commands_in(text)]
    assert {tuple(call[:2]) for call in calls} >= {
        ("jenkins", "run"),
        ("jenkins", "baseline"),
        ("jenkins", "cleanup"),
        ("hook", "testapi"),
    }
    for call in calls:
        command = typer.main.get_command(app)
        words = list(call)
        while isinstance(command, click.Group) or hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        options = {name for each in command.params for name in each.opts}
        assert {word for word in words if word.startswith("--")} <= options, call


def test_the_parameters_are_the_same_in_both(performance):
    definitions = performance.find(".//parameterDefinitions")
    names = [each.findtext("name") for each in definitions]
    assert set(names) == ASKED_FOR
    assert set(PARAMETER.findall(PIPELINE)) == ASKED_FOR | {"LEVEL"}
    assert {*PARAMETERS, *LISTS} < ASKED_FOR
    policies = [
        [choice.text for choice in each.iter("string")]
        for each in definitions
        if each.findtext("name") == "BASELINE_POLICY"
    ]
    assert policies == [[policy.value for policy in BaselinePolicy]]
    assert all(f"'{policy.value}'" in PIPELINE for policy in BaselinePolicy)


def test_only_a_pass_is_green(performance):
    """Exit code 3 is UNSTABLE, the mark of infrastructure NOT_BUILT; other codes fail a shell."""
    unstable = {
        each.findtext("command").split()[2]: each.findtext("unstableReturn")
        for each in performance.iter("hudson.tasks.Shell")
        if each.findtext("unstableReturn") not in (None, "0")
    }
    assert unstable == {"run": "3"}
    finder = performance.find(".//hudson.plugins.textfinder.TextFinderPublisher")
    assert re.search(finder.findtext("regexp"), "12:00 storperf-mark: infrastructure")
    words = ("alsoCheckConsoleOutput", "notBuiltIfFound", "succeedIfFound", "unstableIfFound")
    assert [finder.findtext(word) for word in words] == ["true", "true", "false", "false"]
    [marks] = re.findall(r"def marks = \[(.*?)\]", PIPELINE)
    assert marks == "0: 'SUCCESS', 3: 'UNSTABLE', 4: 'NOT_BUILT', 130: 'ABORTED'"
    assert "currentBuild.result = marks.get(code, 'FAILURE')" in PIPELINE


def test_a_lab_is_locked_timed_and_cleaned_up(performance):
    assert performance.findtext(".//resourceNames") == "storperf-lab-pod1"
    assert performance.find(".//hudson.plugins.build__timeout.BuildTimeoutWrapper") is not None
    scripts = performance.find(".//org.jenkinsci.plugins.postbuildscript.PostBuildScript")
    steps = scripts.findall(".//org.jenkinsci.plugins.postbuildscript.model.PostBuildStep")
    assert len(steps) == 3
    for step in steps:
        results = {each.text for each in step.find("results")}
        assert results == {"SUCCESS", "UNSTABLE", "FAILURE", "NOT_BUILT", "ABORTED"}
    assert shells_of(scripts)[-1] == ".venv/bin/storperf jenkins cleanup"


def test_results_report_files_and_description_are_kept(performance):
    assert performance.findtext(".//testResults") == "storperf-results/junit.xml"
    assert performance.findtext(".//reportFiles") == "report.html"
    assert performance.findtext(".//artifacts") == "storperf-results/*"
    setter = performance.find(".//hudson.plugins.descriptionsetter.DescriptionSetterPublisher")
    for key in ("regexp", "regexpForFailed"):
        found = re.search(setter.findtext(key), "storperf-verdict: fail, regression: slow")
        assert found[1] == "fail, regression: slow"


def without_texts(groovy):
    """Groovy without comments and quoted text, so that brackets can be counted."""
    quoted = r"'''.*?'''|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|//[^\n]*"
    return re.sub(quoted, "", groovy, flags=re.DOTALL)


def blocks_of(groovy):
    """The names of the blocks, each with those that it stands in."""
    path, found = [], []
    for word in re.findall(r"(\w+)?(?:\([^()]*\))?\s*([{}])", without_texts(groovy)):
        if word[1] == "{":
            path.append(word[0])
            found.append("/".join(path))
        else:
            path.pop()
    assert path == []
    return found


def test_the_pipeline_is_a_declarative_one_with_all_its_sections():
    bare = without_texts(PIPELINE)
    for pair in ("{}", "()", "[]"):
        assert bare.count(pair[0]) == bare.count(pair[1])
    blocks = blocks_of(PIPELINE)
    assert blocks[0] == "pipeline"
    stages = [each for each in blocks if each == "pipeline/stages/stage"]
    assert len(stages) == 2
    for part in ("agent", "options", "parameters", "stages"):
        assert f"pipeline/{part}" in blocks
    for part in ("when", "options", "environment", "steps", "post", "post/always", "post/cleanup"):
        assert f"pipeline/stages/stage/{part}" in blocks
    for word in ("lock(", "timeout(", "junit ", "publishHTML ", "archiveArtifacts "):
        assert word in bare
    assert "currentBuild.description" in bare


@pytest.mark.parametrize("name", ["local", "heat"])
def test_the_job_files_take_every_parameter(name):
    text = (FOLDER / "jobs" / f"{name}.yaml").read_text()
    own = set(yaml.safe_load(text)["variables"])
    assert own | {"agent_count", "volume_type"} == {each.lower() for each in (*PARAMETERS, *LISTS)}
    given = {
        "POD": "pod9",
        "DISK_TYPE": "hdd",
        "VOLUME_SIZE": "20G",
        "WORKLOADS": "rr",
        "BLOCK_SIZES": "4k,16k",
        "QUEUE_DEPTHS": "1, 8",
    }
    more = {"AGENT_COUNT": "3", "VOLUME_TYPE": "fast"} if name == "heat" else {}
    job = parse_job(text, source=name, variables=build_variables({**given, **more}))
    assert (job.lab, "hdd" in job.name) == ("pod9", True)
    assert [each.name for each in job.workloads] == ["rr"]
    assert job.matrix.block_sizes_bytes == (4096, 16384)
    assert job.matrix.queue_depths == (1, 8)
    assert job.matrix.agents == ((3,) if more else (1,))
    assert parse_job(text, source=name).lab
