"""The use cases of what is on its way to a Graphite: look whether it keeps it, send what was left.

Like `service`: CLI and web know only these functions; what goes wrong is a StorperfError.
"""

from __future__ import annotations

from collections.abc import Iterator

from storperf import service
from storperf.engine.leftovers import Flushed, leftovers
from storperf.engine.leftovers import flush as flush_spool
from storperf.graphite.checkup import carbon_of
from storperf.graphite.checkup import check as check_graphite
from storperf.graphs import graphite_web
from storperf.model.graphite import GraphiteFinding
from storperf.model.job import Graphite
from storperf.settings import Settings

# Bulk goes at tens of thousands of points a second: hours of a large run.
FLUSH_S = 600.0


def flush(settings: Settings, run_text: str | None) -> Iterator[Flushed]:
    """Send what a run left, or what every run did; Conflict when that run left nothing."""
    if run_text is None:
        runs = leftovers(settings.spools)
    else:
        with service.open_store(settings) as store:
            runs = (store.resolve(run_text).id,)
    for run in runs:
        yield flush_spool(settings.spools, run, FLUSH_S)


def check(
    settings: Settings, address: str | None, carbon: str | None
) -> tuple[GraphiteFinding, ...]:
    """What is wrong with the Graphite at an address, without one with the embedded one.

    `carbon` is HOST:PORT of Carbon's plaintext port; by default 2003 on graphite-web's host.
    """
    web = graphite_web(settings, address)
    embedded = service.embedded_graphite(settings).address() if address is None else None
    port = Graphite().port if embedded is None else embedded.port
    return check_graphite(web, carbon_of(carbon, web, port))
