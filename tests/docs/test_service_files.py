"""The files of docs/how-to/files can be used: the systemd unit, and what makes the container."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import click
import pytest
import typer.main

from storperf.cli.app import app

TREE = Path(__file__).parents[2]
FILES = TREE / "docs/how-to/files"
DOCKERFILE = (FILES / "Dockerfile").read_text(encoding="utf-8")
UNIT = FILES / "storperf.service"
PROGRAM = "/opt/storperf/bin/storperf"
# What `pip wheel` makes, never kept in the tree.
BUILT = "dist/"


def steps():
    """The instructions of the Dockerfile, each with what follows it, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def said(instruction):
    return [rest for name, rest in steps() if name == instruction]


def assert_is_a_command(words):
    """The program knows the command and its options; nothing is carried out."""
    group = typer.main.get_command(app)
    with click.Context(group) as context:
        assert words[0] in group.list_commands(context)
        command = group.get_command(context, words[0])
        command.make_context(words[0], list(words[1:]), parent=context)


def test_the_image_begins_with_one_release_of_a_named_distribution():
    (base,) = said("FROM")
    assert re.fullmatch(r"python:3\.1[1-9]-slim-[a-z]+", base)
    wanted = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]["requires-python"]
    assert base.startswith(f"python:{wanted.removeprefix('>=')}-")


def test_what_the_image_copies_is_there_once_the_wheel_is_built():
    project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    wheel = f"{BUILT}{project['name']}-{project['version']}-py3-none-any.whl"
    for copied in said("COPY"):
        *sources, _ = copied.split()
        for source in sources:
            assert (TREE / source).is_file() or fnmatch(wheel, source), source
            assert f"!{source}" in (TREE / ".dockerignore").read_text().splitlines()


def test_everything_that_is_installed_was_locked():
    for command in said("RUN"):
        for part in command.split("&&"):
            words = shlex.split(part)
            if words[:2] == ["pip", "install"]:
                assert "--require-hashes" in words or "--no-deps" in words, part
    hashed = (TREE / "requirements.txt").read_text().count("--hash=sha256:")
    assert hashed > 0


def test_nothing_in_the_container_runs_as_root():
    (user,) = said("USER")
    assert user not in {"root", "0"}
    names = [name for name, _ in steps()]
    after = names[names.index("USER") :]
    assert "RUN" not in after
    assert {"ENTRYPOINT", "CMD", "VOLUME"} <= set(after)
    assert any("useradd --system --uid 10001" in run and run.endswith(user) for run in said("RUN"))


def test_the_container_starts_a_command_that_exists():
    (entry,), (command,) = said("ENTRYPOINT"), said("CMD")
    assert entry == '["storperf"]'
    assert_is_a_command(re.findall(r'"([^"]*)"', command))


def test_the_results_of_the_container_are_kept_on_its_volume():
    (volume,), (variable,) = said("VOLUME"), said("ENV")
    name, _, place = variable.partition("=")
    assert name == "STORPERF_RESULTS"
    assert place.startswith(f"{volume}/")


def test_each_command_of_the_unit_exists():
    commands = re.findall(r"^Exec\w+=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        program, *words = shlex.split(command)
        assert program == PROGRAM
        assert_is_a_command(words)


def test_systemd_finds_no_fault_with_the_unit(tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    # Only the program is elsewhere here.
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(PROGRAM, sys.executable))
    ended = subprocess.run(
        [analyze, "verify", unit], capture_output=True, text=True, timeout=60, check=False
    )
    ours = [line for line in ended.stderr.splitlines() if UNIT.name in line]
    assert (ended.returncode, ours) == (0, []), ended.stderr
