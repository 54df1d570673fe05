"""What is kept of a run outside SQL, and until when."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from storperf.errors import Conflict, UnknownName, UsageError
from storperf.model.run import Event, PrunedRun, PruneReport, RunState
from storperf.store import schema
from storperf.store.database import Database
from storperf.store.events import insert_event
from storperf.store.faults import file_faults
from storperf.store.runs import merge_facts, require_run

# The folders inside a run's artefacts that pruning empties; anything beside them stays.
INTERVALS = "intervals"
RAW = "raw"
JOURNALS = "journals"
PRUNED = (INTERVALS, RAW, JOURNALS)
# What those who looked on read; the intervals in it are in the store.
LIVE = "live.jsonl"

_RUNS = schema.runs
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ArtefactFolders:
    """The part of Store that knows files."""

    _database: Database
    root: Path

    def artefacts(self, run_id: str) -> Path:
        """The run's own folder, made for this user alone if it is not there."""
        folder = self._folder(run_id)
        with file_faults("make the run's folder", folder):
            folder.parent.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def intervals_path(self, run_id: str, trial: str, attempt: int) -> Path:
        """Where the interval file of that attempt is or will be; its folder is made."""
        return self._kept(run_id, INTERVALS) / f"{quote(trial, safe='')}.{attempt}.zip"

    def raw_folder(self, run_id: str) -> Path:
        """Where raw fio output is kept (see `store.raw`); made if it is not there."""
        return self._kept(run_id, RAW)

    def journals_folder(self, run_id: str) -> Path:
        """Where the agents' journals are kept; made if it is not there."""
        return self._kept(run_id, JOURNALS)

    def delete_run(self, run_id: str) -> None:
        """Remove a run for ever: files, rows, its places in baselines; Conflict while it runs."""
        with self._database.read() as connection:
            require_run(connection, run_id)
            state = connection.scalar(sa.select(_RUNS.c.state).where(_RUNS.c.id == run_id))
        if state == RunState.RUNNING:
            raise Conflict(f"run {run_id} has not ended; cancel it first", run=run_id)
        # Files first: killed in between, the run is still there to be deleted again.
        _remove(self._folder(run_id))
        with self._database.write() as connection:
            connection.execute(sa.delete(_RUNS).where(_RUNS.c.id == run_id))

    def prune(
        self,
        *,
        older_than_s: float | None = None,
        max_bytes: int | None = None,
        now_s: float,
        dry_run: bool = False,
    ) -> PruneReport:
        """Remove intervals, raw output, journals and the live feed of ended runs, oldest first.

        Those that ended more than `older_than_s` before `now_s`, then more until all runs
        together hold at most `max_bytes`.  Rows and summaries stay; a running run is not
        touched, though its bytes count.
        """
        if older_than_s is None and max_bytes is None:
            raise UsageError("say what may be pruned: an age, a size, or both")
        sizes = {folder.name: _size(folder) for folder in self._folders()}
        held = sum(sizes.values())
        taken: list[PrunedRun] = []
        for run_id, ended_s in self._ended():
            if not sizes.get(run_id):
                continue
            too_old = older_than_s is not None and ended_s < now_s - older_than_s
            too_much = max_bytes is not None and held > max_bytes
            if not (too_old or too_much):
                continue
            held -= sizes[run_id]
            taken.append(PrunedRun(run=run_id, ended_s=ended_s, size_bytes=sizes[run_id]))
            if not dry_run:
                self._prune_run(taken[-1], now_s)
        return PruneReport(runs=tuple(taken), kept_bytes=held, dry_run=dry_run)

    def _prune_run(self, taken: PrunedRun, now_s: float) -> None:
        # Said first, done next: a reader that finds a file missing finds the reason too.
        with self._database.write() as connection:
            merge_facts(connection, taken.run, {"pruned_at_s": now_s})
            insert_event(
                connection,
                taken.run,
                Event(
                    at_s=now_s,
                    kind="pruned",
                    text="intervals, raw output and journals removed; summaries stay",
                    facts={"size_bytes": taken.size_bytes},
                ),
            )
        for name in PRUNED:
            _remove(self._folder(taken.run) / name)
        live = self._folder(taken.run) / LIVE
        with file_faults("remove the file", live):
            live.unlink(missing_ok=True)

    def _ended(self) -> list[tuple[str, float]]:
        ended = sa.func.coalesce(_RUNS.c.ended_s, _RUNS.c.created_s)
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(_RUNS.c.id, ended)
                .where(_RUNS.c.state != RunState.RUNNING)
                .order_by(ended, _RUNS.c.id)
            )
            return [(run_id, ended_s) for run_id, ended_s in rows]

    def _folder(self, run_id: str) -> Path:
        if _RUN_ID.fullmatch(run_id) is None:
            raise UnknownName(f"{run_id!r} is not the id of a run", name=run_id)
        return self.root / "runs" / run_id

    def _folders(self) -> list[Path]:
        runs = self.root / "runs"
        with file_faults("list the runs' folders", runs):
            return sorted(runs.iterdir()) if runs.exists() else []

    def _kept(self, run_id: str, name: str) -> Path:
        folder = self.artefacts(run_id) / name
        with file_faults("make the run's folder", folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder


def _size(folder: Path) -> int:
    """Bytes in those parts of a run's folder that pruning removes."""
    with file_faults("measure the run's folder", folder):
        below = (path for name in PRUNED for path in (folder / name).rglob("*"))
        return sum(
            path.lstat().st_size
            for path in (*below, folder / LIVE)
            if path.is_file() or path.is_symlink()
        )


def _remove(folder: Path) -> None:
    with file_faults("remove the folder", folder):
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
