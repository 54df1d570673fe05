"""The lock files pin everything that pyproject.toml asks for; red means: call make lock."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

TREE = Path(__file__).parents[1]
PROJECT = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))
WANTED = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["build"]]
EXTRAS = [
    requirement
    for extra in PROJECT["project"]["optional-dependencies"].values()
    for requirement in extra
]


def pins(name):
    """Pinned versions by name; several when Pythons need different ones."""
    found = {}
    for line in (TREE / name).read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([\w.-]+)(?:\[.*\])?==([^ ;]+)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [("requirements.txt", WANTED), ("requirements-test.txt", WANTED + EXTRAS)],
    ids=["run", "test"],
)
def test_every_dependency_is_pinned_as_it_is_asked_for(lock, wanted):
    pinned = pins(lock)
    assert len(pinned) > 10
    for text in wanted:
        requirement = Requirement(text)
        versions = pinned.get(requirement.name, [])
        assert versions, f"{text} is not in {lock}"
        assert all(version in requirement.specifier for version in versions), text


def test_both_locks_pin_the_same_versions():
    tests = pins("requirements-test.txt")
    for name, versions in pins("requirements.txt").items():
        assert tests[name] == versions


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-test.txt"])
def test_every_pin_has_hashes(lock):
    text = re.sub(r"#.*", "", (TREE / lock).read_text(encoding="utf-8"))
    for block in re.split(r"\n(?=\w)", text.strip()):
        assert "--hash=sha256:" in block, block.split()[0]
