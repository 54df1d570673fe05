"""The store of one manager: rows in SQL, files beside them."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from storperf.store.access import AccessRows
from storperf.store.anchors import AnchorRows
from storperf.store.baselines import BaselineRows
from storperf.store.calibrations import CalibrationRows
from storperf.store.configurations import ConfigurationRows
from storperf.store.database import BUSY_TIMEOUT_S, Database
from storperf.store.events import EventRows
from storperf.store.history_rows import HistoryRows
from storperf.store.queue_rows import QueueRows
from storperf.store.retention import ArtefactFolders
from storperf.store.run_search import RunSearches
from storperf.store.runs import RunRows
from storperf.store.summary_times import SummaryTimes
from storperf.store.trials import TrialRows


class Store(
    RunRows,
    RunSearches,
    HistoryRows,
    TrialRows,
    EventRows,
    BaselineRows,
    AnchorRows,
    CalibrationRows,
    SummaryTimes,
    QueueRows,
    AccessRows,
    ConfigurationRows,
    ArtefactFolders,
):
    """Runs and everything known of them; each method is one transaction.

    StoreError: the store cannot be read or written.  UnknownName: no such run.
    Several threads and several processes may use one store; a forked child opens its own.
    """

    def __init__(self, root: Path, database: Database) -> None:
        self.root = root
        self._database = database

    @classmethod
    def open(
        cls, root: Path, url: str | None = None, *, busy_timeout_s: float = BUSY_TIMEOUT_S
    ) -> Store:
        """The store in a results folder, made if it is not there.

        Rows are in `root/storperf.sqlite3`, or in the PostgreSQL database at `url`;
        files are under `root/runs`.  Tables of an older storperf are brought up to date.
        """
        return cls(root, Database.open(root, url, busy_timeout_s))

    def close(self) -> None:
        """Let go of the database; a second call does nothing."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
