"""The last lines of the server's log, kept for those who may read them."""

from __future__ import annotations

import logging
from collections import deque
from types import TracebackType
from typing import Self

_KEPT = 1000


class LogTail(logging.Handler):
    """Keeps the newest lines of every logger while it is entered."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[logging.LogRecord] = deque(maxlen=_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line; called by logging, under its lock."""
        self._lines.append(record)

    def newest(self, limit: int) -> list[logging.LogRecord]:
        """The last `limit` lines, oldest first."""
        return list(self._lines)[-limit:]

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        logging.getLogger().removeHandler(self)
        self.close()
