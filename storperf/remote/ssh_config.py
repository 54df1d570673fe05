"""`~/.ssh/config` as one text: paramiko reads no `Include`, so what they name is filled in."""

from __future__ import annotations

import glob
import shlex
from collections.abc import Iterator
from pathlib import Path

from storperf.errors import UsageError

# OpenSSH's own limit (readconf.c, READCONF_MAX_DEPTH).
_DEEPEST = 16
_EVERYBODY = "Host *"


def read_ssh_config(path: Path, folder: Path) -> str:
    """The file's text with its includes; empty when there is no such file.

    A relative include is sought in `folder`, the user's ~/.ssh, and may be a pattern; one that
    names nothing says nothing (ssh_config(5), Include).  UsageError for what cannot be read, and
    for blocks inside an include that is inside a block: those hold under two conditions at once.
    """
    return "\n".join(_lines(path, folder, depth=0)) + "\n"


def _lines(path: Path, folder: Path, depth: int) -> Iterator[str]:
    block = _EVERYBODY
    for line in _text(path).splitlines():
        key, _, rest = line.strip().replace("=", " ", 1).partition(" ")
        if key.lower() in ("host", "match"):
            block = line
        if key.lower() != "include":
            yield line
            continue
        if depth == _DEEPEST:
            raise UsageError(f"{path}: includes go more than {_DEEPEST} files deep")
        for included in _named(rest, folder):
            inner = [*_lines(included, folder, depth + 1)]
            has_blocks = any(_opens_block(each) for each in inner)
            if has_blocks and block != _EVERYBODY:
                raise UsageError(
                    f"{path} includes {included} inside `{block.strip()}`, and that has blocks of "
                    "its own; include it before the first Host, or name the host's address, user "
                    "and key in the inventory"
                )
            yield from inner
            if has_blocks:
                yield block


def _opens_block(line: str) -> bool:
    return line.strip().lower().startswith(("host ", "host=", "match "))


def _named(words: str, folder: Path) -> Iterator[Path]:
    for word in shlex.split(words):
        pattern = folder.parent / word[2:] if word.startswith("~/") else folder / word
        for name in sorted(glob.glob(str(pattern))):  # noqa: PTH207 - absolute patterns
            yield Path(name)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
