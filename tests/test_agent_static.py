"""The agent's sources suit Python 3.9 and the newest, as far as reading them can tell."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

AGENT = sorted((Path(__file__).parents[1] / "storperf" / "agent").rglob("*.py"))

# Modules of Python 3.9 that 3.12 or 3.13 no longer have, or that 3.14 and later dropped.
REMOVED_SINCE_3_9 = {
    *("aifc", "asynchat", "asyncore", "audioop", "binhex", "cgi", "cgitb", "chunk", "crypt"),
    *("distutils", "formatter", "imghdr", "imp", "lib2to3", "mailcap", "msilib", "nis"),
    *("nntplib", "ossaudiodev", "parser", "pipes", "smtpd", "sndhdr", "spwd", "sunau"),
    *("symbol", "telnetlib", "uu", "xdrlib"),
}


def newer_than_3_9(*paths):
    """What vermin says against running these files under Python 3.9; nothing is good."""
    vermin = subprocess.run(
        [
            *(Path(sys.executable).with_name("vermin"), "-t=3.9-", "--violations", "-vvv"),
            *("--eval-annotations", "--no-tips", "--no-config-file", *map(str, paths)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert vermin.stderr == ""
    return vermin.stdout if vermin.returncode else ""


def removed_modules(text):
    """Imported modules that a newer Python has no longer."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found & REMOVED_SINCE_3_9


def evaluated_unions(text):
    """Lines with a union of types that Python 3.9 would evaluate and stumble over.

    In an annotation it stays text, thanks to `from __future__ import annotations`.
    """
    tree = ast.parse(text)
    stays_text = set()
    if "from __future__ import annotations" in text:
        for node in ast.walk(tree):
            for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None)):
                stays_text |= set(ast.walk(annotation)) if annotation else set()
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)
        if node not in stays_text and (is_type(node.left) or is_type(node.right))
    ]


def is_type(node):
    """Whether an expression can only be a type or None."""
    types = {"int", "str", "bytes", "float", "bool", "dict", "list", "tuple", "set", "type"}
    return getattr(node, "value", 0) is None or getattr(node, "id", None) in types


def test_there_is_an_agent_to_look_at():
    assert len(AGENT) > 5


@pytest.mark.parametrize("path", AGENT, ids=lambda path: path.name)
def test_agent_parses_as_python_3_9(path):
    ast.parse(path.read_text(encoding="utf-8"), filename=str(path), feature_version=(3, 9))


@pytest.mark.parametrize("path", AGENT, ids=lambda path: path.name)
def test_agent_imports_nothing_that_newer_pythons_dropped(path):
    assert removed_modules(path.read_text(encoding="utf-8")) == set()


def test_agent_uses_nothing_newer_than_python_3_9():
    assert newer_than_3_9(*AGENT) == ""


@pytest.mark.parametrize("path", AGENT, ids=lambda path: path.name)
def test_agent_evaluates_no_union_of_types(path):
    assert evaluated_unions(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "import tomllib",
        "from itertools import pairwise",
        "zip([1], [2], strict=True)",
        "match 1:\n    case _: ...",
        "from dataclasses import dataclass\n@dataclass(slots=True)\nclass A: ...",
        "from enum import StrEnum",
        "(5).bit_count()",
    ],
)
def test_something_newer_is_found(text, tmp_path):
    path = tmp_path / "newer.py"
    path.write_text(text)
    assert "3.1" in newer_than_3_9(path)


def test_an_evaluated_union_is_found():
    later = "from __future__ import annotations\n"
    assert evaluated_unions("def f(x: int | None): ...") == [1]
    assert evaluated_unions(later + "isinstance(x, A | str)") == [2]
    assert evaluated_unions(later + "def f(x: int | None) -> str | None: ...") == []
    assert evaluated_unions("flags = A | B") == []


def test_a_dropped_module_is_found():
    assert removed_modules("def f():\n    from distutils.version import LooseVersion") == {
        "distutils"
    }
