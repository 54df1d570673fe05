"""The glossary and the source use the same words."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from storperf.model.finding import Level
from storperf.model.run import Flag, Phase, Steadiness, TrialEnd
from storperf.model.verdict import Outcome, Reason

TREE = Path(__file__).parents[2]
GLOSSARY = (TREE / "docs" / "reference" / "glossary.md").read_text(encoding="utf-8")
IN_CODE = set(re.findall(r"`([^`]+)`", GLOSSARY))

# Identifiers that hold a word we do not use, because the word is somebody else's there.
OTHERS_WORDS = {
    "scenario": "how OPNFV deployed a cloud, in the results of its tools",
    "status": "what HTTP and OpenStack answer",
    "config_drive": "Nova",
    "exit_status": "POSIX",
    "http_status": "HTTP",
    "slave": "the kernel's folder name in sysfs",
    "pool": "Ceph",
    "ticks": "the kernel's clock ticks",
    "start_ticks": "the kernel's clock ticks",
    "ticks_per_s": "the kernel's clock ticks",
    "tick_s": "one turn of the agent's loop, which is no interval",
    "tick_idle_s": "one turn of the agent's loop",
    "tick_running_s": "one turn of the agent's loop",
    "task": "rich's name of a progress bar",
    "stage": "the verb: to lay a file ready on a host",
    "trend": "short for a Drift where the function drift is called",
}


def model_classes():
    return {
        node.name
        for path in (TREE / "storperf" / "model").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }


def unused_words():
    """The words under "not", from the tables of four columns."""
    rows = [line.split("|") for line in GLOSSARY.splitlines() if line.startswith("|")]
    return {
        word.strip()
        for row in rows
        if len(row) == 6 and row[4].strip() not in {"not", "---"}
        for word in row[4].split(",")
        if word.strip()
    }


def named_in(text):
    """Every identifier that a source gives to something."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def unused_words_in(text):
    found = set()
    for name in named_in(text):
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        parts = {part for word in spaced.split("_") for part in (word, word.removesuffix("s"))}
        if parts & unused_words() and name.lower().lstrip("_") not in OTHERS_WORDS:
            found.add(name)
    return found


def test_every_class_of_the_model_has_a_word():
    assert len(model_classes()) > 20
    assert model_classes() - IN_CODE == set()


def test_every_class_in_the_glossary_exists():
    assert {word for word in IN_CODE if re.fullmatch(r"[A-Z]\w+", word)} - model_classes() == set()


@pytest.mark.parametrize(
    "words",
    [Phase, TrialEnd, Steadiness, Flag, Level, Outcome, Reason],
    ids=lambda words: words.__name__,
)
def test_every_value_has_a_word(words):
    assert {member.value for member in words} - IN_CODE == set()


def test_the_source_does_not_use_the_unused_words():
    assert {"golden", "worker", "tick"} < unused_words()
    found = {
        f"{path.relative_to(TREE)}: {name}"
        for path in (TREE / "storperf").rglob("*.py")
        for name in unused_words_in(path.read_text(encoding="utf-8"))
    }
    assert found == set()


@pytest.mark.parametrize(
    "text",
    [
        "def start_worker(): ...",
        "class GoldenRun: ...",
        "def f(nodes): ...",
        "self.task_count = 1",
        "for iteration in range(3): ...",
    ],
)
def test_an_unused_word_is_found(text):
    assert len(unused_words_in(text)) == 1


def test_words_of_others_may_be_used():
    assert unused_words_in("exit_status = 1\nround_s = 2\ndef load(): ...") == set()
