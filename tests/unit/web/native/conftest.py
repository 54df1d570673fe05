"""A server's application over a store with some imported runs, and callers of each scope."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from unit.web.native.callers import as_caller

from storperf import service
from storperf.model.access import Scope
from storperf.settings import read_settings
from storperf.web.app import create_app

FIO = Path(__file__).parents[3] / "fixtures/fio"
# Results with intervals, of several fio jobs, of one.
RESULTS = (
    "single-job_randrw70_status-interval1_concat.json",
    "numjobs4_no-group-reporting.json",
    "numjobs4_group-reporting.json",
)


@pytest.fixture
def settings(tmp_path):
    return read_settings({"HOME": str(tmp_path)}, tmp_path)


@pytest.fixture
def runs(settings):
    """The ids of imported runs of the job `imported`, newest first."""
    paths = [FIO / name for name in RESULTS]
    service.import_results(settings, paths, job="imported", lab="local", dry_run=False)
    return [run.id for run in service.list_runs(settings)]


@pytest.fixture
def client(settings):
    with TestClient(create_app(settings)) as client:
        yield as_caller(client, settings, Scope.ADMIN)


@pytest.fixture
def get(client):
    """Ask for a path below /api/v3; its document, once the status is the one expected."""

    def asked(path, status=200, **parameters):
        answer = client.get(f"/api/v3/{path}", params=parameters)
        assert answer.status_code == status, answer.text
        return answer.json()

    return asked
