"""Links in the manual lead somewhere, and no file tells where it was written."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)

# Folders of a workplace, and hosts of package registries; in pieces, so that not even this
# file names one.
REGISTRIES = ("pypi", "pythonhosted", "registry.npmjs", "proxy.golang", "deb.debian")
PRIVATE = re.compile(
    rf"(?<![\w.~}}-])/(work|root|opt/pypi|opt/wheels)/|({'|'.join(REGISTRIES)})\.org"
)


def tracked(*patterns):
    """The files that git knows, as far as they are there."""
    git = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--", *patterns],
        cwd=TREE,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [path for name in git.stdout.split("\0") if name and (path := TREE / name).is_file()]


def anchors(text):
    """The anchors that a page's headings make."""
    headings = re.findall(r"^#+ +(.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page, text):
    """Relative links of a page that lead to no file or no heading."""
    broken = []
    for link in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists():
            broken.append(link)
        elif anchor and target.is_file():
            there = text if target == page else target.read_text(encoding="utf-8")
            if anchor not in anchors(there):
                broken.append(link)
    return broken


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda path: str(path.relative_to(TREE)))
def test_links_of_a_page_resolve(page):
    assert broken_links(page, page.read_text(encoding="utf-8")) == []


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "there.md").write_text("# Two words\n")
    text = "[a](there.md) [b](there.md#two-words) [c](https://example.org)\n```\n[x](y)\n```"
    assert broken_links(tmp_path / "page.md", text) == []
    assert broken_links(tmp_path / "page.md", "[a](gone.md)") == ["gone.md"]
    assert broken_links(tmp_path / "page.md", "[a](there.md#gone)") == ["there.md#gone"]


def test_no_file_names_a_private_place():
    found = [
        f"{path.relative_to(TREE)}: {match[0]}"
        for path in tracked()
        for match in PRIVATE.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "place", ["/{}/x".format("work"), "see /{}/y".format("root"), "{}.org/simple".format("pypi")]
)
def test_a_private_place_is_found(place):
    assert PRIVATE.search(place)


@pytest.mark.parametrize("text", ["tmp_path/work/x", "network/x", "{root}/work/x"])
def test_an_ordinary_path_is_left_alone(text):
    assert not PRIVATE.search(text)
