"""The use case of putting a run's papers where a lab keeps its results.

Like `service`: CLI and web know only this function; what goes wrong is a StorperfError.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from storperf import service
from storperf.errors import Conflict, UsageError
from storperf.hooks.publication import Publication, publication_of
from storperf.hooks.publication_folder import publish_to_folder
from storperf.hooks.publication_s3 import parse_bucket, publish_to_bucket
from storperf.model.result import RunResult
from storperf.model.run import RunState
from storperf.reports.papers import PAPERS, write_papers
from storperf.run_results import load_result
from storperf.settings import Settings
from storperf.store.store import Store

_REPORT = "report.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Where a publication stands now, and whether it was new there."""

    publication: Publication
    where: str
    is_new: bool


def publish(settings: Settings, run_text: str, to: str, endpoint: str | None) -> Published:
    """Put a run's report, figures and checksums into a folder or a bucket, once.

    `to` is a folder or `s3://BUCKET/PREFIX`.  Conflict for a run that goes on.
    """
    is_bucket = "://" in to
    bucket = parse_bucket(to, endpoint) if is_bucket else None
    if endpoint is not None and bucket is None:
        raise UsageError("--endpoint belongs to s3://BUCKET/PREFIX")
    publication = _publication(settings, run_text)
    if bucket is not None:
        is_new = publish_to_bucket(publication, bucket)
        where = f"s3://{bucket.name}/{bucket.key(publication, '')}"
    else:
        top = settings.directory / Path(to).expanduser()
        is_new = publish_to_folder(publication, top)
        where = str(top / publication.place)
    return Published(publication=publication, where=where, is_new=is_new)


def _publication(settings: Settings, run_text: str) -> Publication:
    with service.open_store(settings) as store:
        result = load_result(store, store.resolve(run_text).id)
        if result.run.state is RunState.RUNNING:
            raise Conflict(f"run {result.run.id} has not ended; publish it when it has")
        papers = _papers(store, result)
    if not papers[-1].is_file():
        service.html_report(settings, result.run.id)
    return publication_of(result, papers)


def _papers(store: Store, result: RunResult) -> list[Path]:
    """The papers as the run left them, so that publishing again finds the same; made where missing.

    An imported run has none yet.
    """
    folder = store.artefacts(result.run.id)
    papers = [folder / name for name in PAPERS]
    if not all(path.is_file() for path in papers):
        write_papers(result, folder)
    return [*papers, folder / _REPORT]
