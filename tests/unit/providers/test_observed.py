"""Hosts that are observed have places of their own, apart from any agent's, and reach nobody."""

from __future__ import annotations

from storperf.jobfile.parse import parse_job
from storperf.providers.local import LocalProvider
from storperf.providers.observed import ObservedHosts
from storperf.settings import read_settings

RUN = "20260101-000000-abcd"
TEXT = (
    "name: n\ntarget: {directory: /data}\nworkloads: [rr]\n"
    "observe: [local, {address: osd, name: osd-2, folder: /var/agents}]\n"
)


def test_names_and_ledger_are_known_before_anything_is_reached(tmp_path):
    settings = read_settings({"HOME": str(tmp_path)}, tmp_path)
    job = parse_job(TEXT, source="x")
    observed = ObservedHosts(settings)
    assert [place.name for place in observed.acquire(job, None)] == ["observed-01", "observed-02"]
    ledger = observed.ledger(RUN, job)
    assert ledger == ObservedHosts(settings).ledger(RUN, job)
    assert [(entry.name, entry.kind) for entry in ledger] == [
        (f"{RUN}/observed-01", "observer"),
        (f"{RUN}/observed-02", "observer"),
    ]
    assert ledger[1].where == f"osd-2:/var/agents/observed-02/runs/{RUN}"
    assert list(tmp_path.iterdir()) == []


def test_this_machine_has_another_folder_as_an_observed_host_than_as_an_agent(tmp_path):
    settings = read_settings({"HOME": str(tmp_path)}, tmp_path)
    job = parse_job(TEXT, source="x")
    (agent,) = LocalProvider(settings).acquire(job, None)
    first, _ = ObservedHosts(settings).acquire(job, None)
    assert first.remote.root != agent.remote.root


def test_a_job_that_observes_nobody_has_no_entry(tmp_path):
    settings = read_settings({"HOME": str(tmp_path)}, tmp_path)
    job = parse_job(TEXT.partition("observe")[0], source="x")
    assert ObservedHosts(settings).ledger(RUN, job) == ()
    assert ObservedHosts(settings).acquire(job, None) == ()
