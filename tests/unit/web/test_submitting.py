"""What reaches the queue of what requests ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from storperf.errors import Conflict, JobFileError, UsageError
from storperf.histories import Histories
from storperf.jobfile.places import Places
from storperf.model.access import Caller, Scope
from storperf.service import open_store
from storperf.settings import read_settings
from storperf.web.configuration import Configuration, Limits
from storperf.web.live_streams import LiveStreams
from storperf.web.log_tail import LogTail
from storperf.web.served import Served
from storperf.web.submitting import submit_vetted, vetted

CALLER = Caller(name="jenkins", scope=Scope.RUN, address="192.0.2.1")


@pytest.fixture
def served(tmp_path):
    bench = tmp_path / "bench"
    bench.mkdir()
    (tmp_path / "elsewhere").mkdir()
    settings = read_settings({"HOME": str(tmp_path)}, Path(tmp_path))
    places = Places(
        targets={"scratch": {"directory": str(bench), "size": "1M"}},
        directories={"local": (str(bench),)},
    )
    configuration = Configuration(places=places, limits=Limits(queued_runs=2))
    with LogTail() as log, open_store(settings) as store:
        yield Served(
            settings=settings,
            store=store,
            configuration=configuration,
            log=log,
            histories=Histories(store),
            streams=LiveStreams(lambda _run: True, settings.results),
        )


def job(target):
    return f"name: n\nworkloads: [rr]\ntarget: {target}\n"


def test_what_is_queued_stands_for_itself(served):
    entry = submit_vetted(served, CALLER, job("scratch"), title="nightly", priority=3)
    assert "bench" in entry.job_text
    assert (entry.submitted_by, entry.title, entry.priority) == ("jenkins", "nightly", 3)
    assert served.store.queue_entry(entry.run_id) == entry


def test_what_is_refused_is_not_queued(served):
    with pytest.raises(JobFileError):
        submit_vetted(served, CALLER, job("{directory: /etc}"))
    assert served.store.queue_entries() == ()


def test_a_full_queue_takes_no_more(served):
    for _ in range(2):
        submit_vetted(served, CALLER, job("scratch"))
    with pytest.raises(Conflict, match="2 runs are waiting"):
        submit_vetted(served, CALLER, job("scratch"))


def test_a_link_leads_out_of_no_allowed_directory(served, tmp_path):
    (tmp_path / "bench/inside").mkdir()
    assert vetted(served, job(f"{{directory: {tmp_path}/bench/inside}}"))
    (tmp_path / "bench/out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="by a link"):
        vetted(served, job(f"{{directory: {tmp_path}/bench/out}}"))
