"""The use cases of a Graphite: its rules, what a job takes in it, what it holds, and how it shows.

Like `service`: CLI and web know only these functions; what goes wrong is a StorperfError.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from storperf import service
from storperf.agent.processes import FIGURES
from storperf.agent.sensors import HostSensors
from storperf.errors import GraphiteError, UsageError
from storperf.graphite.dashboards import boards
from storperf.graphite.grafana import grafana_dashboard
from storperf.graphite.planned import plan_lab
from storperf.graphite.retention import (
    OUR_AGGREGATION,
    OURS,
    render_aggregation,
    render_schemas,
)
from storperf.graphite.web_dashboards import web_dashboard
from storperf.jobfile.parse import NO_VARIABLES
from storperf.model.graphite import LabPlan
from storperf.model.job import Job, Origin
from storperf.model.run import Run
from storperf.plan import plan_job
from storperf.providers.local import LocalProvider
from storperf.run_results import job_of
from storperf.settings import Settings
from storperf.sinks.graphite_series import Series, read_series
from storperf.sinks.graphite_web import GraphiteWeb
from storperf.sinks.paths import LIVE, PREFIX, SUMMARY, render_part
from storperf.store.store import Store

if TYPE_CHECKING:
    from storperf.backfill import BackfillOutcome
    from storperf.imports.earlier import ExtractOutcome

CARBON_PORT = 2003
_SERIES_AT_ONCE = 200
_LOOK_S = 0.1
SCHEMAS_FILE = "storage-schemas.conf"
AGGREGATION_FILE = "storage-aggregation.conf"


class Viewer(StrEnum):
    """Who draws a dashboard."""

    GRAFANA = "grafana"
    GRAPHITE_WEB = "graphite-web"


def graphite_web(settings: Settings, address: str | None) -> GraphiteWeb:
    """The Graphite at an address, else the embedded one; UsageError when there is neither."""
    if address is not None:
        return GraphiteWeb(address)
    embedded = service.embedded_graphite(settings).address()
    if embedded is None or embedded.web is None:
        raise UsageError(
            "no Graphite is named and the embedded one is not up: "
            "give --graphite https://HOST, or call `storperf graphite up`"
        )
    return GraphiteWeb(embedded.web)


def rules() -> dict[str, str]:
    """The rules of our series for a Carbon that has some of its own: file to text."""
    return {
        SCHEMAS_FILE: render_schemas(OURS),
        AGGREGATION_FILE: render_aggregation(OUR_AGGREGATION),
    }


def lab_plan(
    settings: Settings,
    job_file: Path,
    *,
    sensors: int | None = None,
    variables: Mapping[str, str] = NO_VARIABLES,
) -> LabPlan:
    """What a job's series take in Graphite; without `sensors` hosts have those of this machine."""
    if sensors is not None and sensors < 0:
        raise UsageError(f"--sensors {sensors}: a host has none or some")
    job = service.load_job(job_file, settings, Origin.TRUSTED, variables)
    return plan_lab(job, plan_job(job), _sensor_names(sensors, job.sensors.processes))


def extract_baseline(  # noqa: PLR0913 - which runs of what, by keyword
    settings: Settings,
    *,
    graphite: str | None,
    job: str,
    lab: str | None,
    run: str | None,
    from_s: float | None,
    until_s: float | None,
    who: str,
) -> tuple[ExtractOutcome, ...]:
    """Earlier runs of a job out of a Graphite alone, into the store and into their baseline.

    `job` is a job file, or the name of a job that the store has a run of: a fingerprint is no
    number, so what was measured must be told.
    """
    if (run is None) == (from_s is None):
        raise UsageError("name the run with --run, or a stretch of time with --from")
    if until_s is not None and from_s is None:
        raise UsageError("--until needs --from")
    if from_s is not None and until_s is not None and until_s < from_s:
        raise UsageError("--until is before --from")
    web = graphite_web(settings, graphite)
    # numpy and scipy are heavy: most commands do without.
    from storperf.extraction import Extractor

    with service.open_store(settings) as store:
        extractor = Extractor(
            store=store,
            provider=LocalProvider(settings),
            web=web,
            job=_job_of(settings, store, job, lab),
            epoch=time.time,
            manager=service.this_manager,
            who=who,
        )
        return extractor.extract(run, from_s, until_s)


def export(  # noqa: PLR0913 - what is written, by keyword
    settings: Settings,
    run: str | None,
    *,
    job: str | None,
    lab: str,
    from_s: float | None,
    until_s: float | None,
    graphite: str | None,
) -> Iterator[Series]:
    """The series of a run of the store, or of a job in a stretch of time, one after the other."""
    if (run is None) == (job is None):
        raise UsageError("name a RUN of the store, or a job with --job and --from")
    if run is not None and (from_s is not None or until_s is not None):
        raise UsageError("--from and --until are for --job; a RUN has its own time")
    if job is not None and from_s is None:
        raise UsageError("--job needs --from")
    if from_s is not None and until_s is not None and until_s < from_s:
        raise UsageError("--until is before --from")
    web = graphite_web(settings, graphite)
    now_s = time.time()
    if run is not None:
        with service.open_store(settings) as store:
            found = store.resolve(run)
        return _of_run(web, found, now_s)
    times = (from_s or 0.0, now_s if until_s is None else until_s)
    place = ".".join(render_part(name) for name in (lab, job or ""))
    return _below(web, (f"{PREFIX}.{LIVE}.{place}", f"{PREFIX}.{SUMMARY}.{place}"), *times)


def _of_run(web: GraphiteWeb, run: Run, now_s: float) -> Iterator[Series]:
    # numpy is heavy: most commands do without.
    from storperf.sinks.earlier_runs import find_runs

    place = ".".join(render_part(name) for name in (run.lab, run.job_name))
    ended_s = now_s if run.ended_s is None else run.ended_s
    yield from _below(web, (f"{PREFIX}.{LIVE}.{place}",), run.created_s, ended_s)
    # The summary's point has a coarse second of its own.
    starts = (int(run.created_s), int(run.created_s))
    found = find_runs(
        web, lab=run.lab, job=run.job_name, from_s=starts[0], until_s=starts[1], now_s=now_s
    )
    for each in found:
        if each.summary_s is not None:
            yield from _below(web, (f"{PREFIX}.{SUMMARY}.{place}",), each.summary_s, each.summary_s)


def _below(
    web: GraphiteWeb, places: Sequence[str], from_s: float, until_s: float
) -> Iterator[Series]:
    for place in places:
        paths = web.series_below(place)
        for first in range(0, len(paths), _SERIES_AT_ONCE):
            yield from read_series(web, paths[first : first + _SERIES_AT_ONCE], from_s, until_s)


def backfill(
    settings: Settings,
    runs: Sequence[str],
    *,
    graphite: str | None,
    carbon: str | None,
    say: Callable[[str], None],
) -> Iterator[BackfillOutcome]:
    """Send stored runs to a Graphite again, one after the other, and read them back.

    `carbon` is HOST:PORT; without it the host of `graphite` and Carbon's usual port.
    """
    web = graphite_web(settings, graphite)
    host, port = _carbon(settings, web, graphite, carbon)
    # numpy is heavy: most commands do without.
    from storperf.backfill import Backfill

    with service.open_store(settings) as store:
        sender = Backfill(store=store, web=web, host=host, port=port, say=say)
        for run in runs:
            store.resolve(run)
        for run in runs:
            yield sender.add(run)


def _carbon(
    settings: Settings, web: GraphiteWeb, graphite: str | None, carbon: str | None
) -> tuple[str, int]:
    if carbon is None:
        embedded = service.embedded_graphite(settings).address()
        if graphite is None and embedded is not None:
            return embedded.host, embedded.port
        return urlsplit(web.address).hostname or "", CARBON_PORT
    host, _, port = carbon.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"--carbon {carbon!r} must be HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _job_of(settings: Settings, store: Store, name: str, lab: str | None) -> Job:
    """The job in a file of that name, else the newest one of that name that was run here."""
    path = settings.directory / name
    if path.is_file():
        job = service.load_job(path, settings)
        if lab is not None and lab != job.lab:
            raise UsageError(f"--lab {lab}, but {name} says lab {job.lab}")
        return job
    runs = store.find_runs(job=name, lab=lab, limit=100)
    own = next((run for run in runs if run.imported_from is None), None)
    if own is None:
        raise UsageError(
            f"--job {name} is no file, and the store has no run of a job of that name: "
            "name the job file that the run was made of"
        )
    return job_of(own, store.plan(own.id))


def dashboards(
    viewer: Viewer, *, lab: str | None = None, job: str | None = None
) -> dict[str, dict[str, Any]]:
    """Every dashboard by its name; of all labs and jobs where none is named.

    Grafana's choose both themselves.
    """
    if viewer is Viewer.GRAFANA:
        if lab is not None or job is not None:
            raise UsageError("--lab and --job are chosen in Grafana itself; leave them out")
        return {f"storperf-{board.name}": grafana_dashboard(board) for board in boards()}
    states = (web_dashboard(board, lab=lab, job=job) for board in boards())
    return {str(state["name"]): state for state in states}


def load_dashboards(web: GraphiteWeb, found: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Keep graphite-web's dashboards in its database; their addresses."""
    addresses = []
    for name, state in found.items():
        path = f"/dashboard/save/{quote(name)}"
        answer = web.post(path, [("state", json.dumps(state))])
        if not (isinstance(answer, dict) and answer.get("success")):
            said = answer.get("error") if isinstance(answer, dict) else answer
            raise GraphiteError(f"{web.address} does not keep the dashboard {name}: {said}")
        addresses.append(f"{web.address}/dashboard/{quote(name)}")
    return tuple(addresses)


def _sensor_names(count: int | None, processes: Sequence[str]) -> Sequence[str]:
    if count is not None:
        return [f"sensor-{number}" for number in range(1, count + 1)]
    host = HostSensors()
    # The first two only begin what the third one has figures of.
    pause = threading.Event()
    samples = []
    for now_s in (0.0, 1.0, 2.0):
        samples.append(host.sample(now_s))
        # A core has no figures before its first tick.
        pause.wait(_LOOK_S)
    host.close()
    # They need not run now.
    named = [f"process.{name}.{figure}" for name in processes for figure in FIGURES]
    return (*(samples[-1] or {}), *named)
