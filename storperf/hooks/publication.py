"""What a lab keeps of a run: its papers, with checksums of all of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storperf.hooks.criteria import verdict_facts
from storperf.model.result import RunResult
from storperf.reports.document import plain
from storperf.store.faults import file_faults

SCHEMA = "storperf-publication/1"
MANIFEST = "publication.json"
SUMS = "SHA256SUMS"
_IMAGE = re.compile(r"image(_\d+)?")
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile:
    """A file by its name there; `content` is a path here, or the bytes themselves."""

    name: str
    content: Path | bytes
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """The files in the order in which they are put there: `SHA256SUMS` is the last.

    `place` is where they belong below the lab's own place: lab, job and run.
    """

    run: str
    place: str
    files: tuple[PublishedFile, ...]

    @property
    def sums(self) -> bytes:
        """What `SHA256SUMS` holds; two publications with the same are the same."""
        content = self.files[-1].content
        if not isinstance(content, bytes):
            raise AssertionError(f"{SUMS} is made here and is not the last file")
        return content


def publication_of(result: RunResult, papers: Sequence[Path]) -> Publication:
    """The papers of a run, with a manifest and the checksums of all.

    Made again from the same papers it is the same, byte by byte.  StoreError when one cannot be
    read.
    """
    run = result.run
    files = [_paper(path) for path in sorted(papers)]
    manifest = {
        "schema": SCHEMA,
        **verdict_facts(result),
        "files": [
            {"name": each.name, "size_bytes": each.size_bytes, "sha256": each.sha256}
            for each in files
        ],
        "images": _images(result),
    }
    text = json.dumps(plain(manifest), indent=2, ensure_ascii=False) + "\n"
    files.append(_made(MANIFEST, text.encode()))
    sums = "".join(f"{each.sha256}  {each.name}\n" for each in files)
    return Publication(
        run=run.id,
        place="/".join(_folder_name(each) for each in (run.lab, run.job_name, run.id)),
        files=(*files, _made(SUMS, sums.encode())),
    )


def _paper(path: Path) -> PublishedFile:
    digest, size = hashlib.sha256(), 0
    with file_faults("read the paper", path), path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return PublishedFile(name=path.name, content=path, size_bytes=size, sha256=digest.hexdigest())


def _made(name: str, content: bytes) -> PublishedFile:
    digest = hashlib.sha256(content).hexdigest()
    return PublishedFile(name=name, content=content, size_bytes=len(content), sha256=digest)


def _images(result: RunResult) -> list[object]:
    """The images that the agents booted from, with the cloud's own checksums."""
    stack = result.run.facts.get("stack")
    facts = stack if isinstance(stack, dict) else {}
    return [facts[key] for key in sorted(facts) if _IMAGE.fullmatch(key)]


def _folder_name(name: str) -> str:
    """A name that is one folder everywhere, and no hidden one."""
    clean = _UNFIT.sub("_", name)
    return f"_{clean}" if clean.startswith(".") or not clean else clean
