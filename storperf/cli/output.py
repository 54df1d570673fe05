"""What goes to stdout (the result) and to stderr (everything else)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console


def stderr_console() -> Console:
    """Where notes and progress go."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def stdout_console() -> Console:
    """Where tables go; as wide as the terminal, 100 columns when there is none."""
    is_terminal = sys.stdout.isatty()
    return Console(highlight=False, width=None if is_terminal else 100)


@contextmanager
def tolerating_closed_stdout() -> Iterator[None]:
    """A reader that has enough (`| head`) changes no exit code."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def plain(value: Any) -> Any:
    """A model value as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def print_json(value: Any, stream: TextIO | None = None) -> None:
    """One JSON document on stdout."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    print(text, file=stream or sys.stdout)
