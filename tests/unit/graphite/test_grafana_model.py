"""Our dashboards pass through Grafana's own model of a dashboard and come out whole.

The model is the one that Grafana Labs generate from Grafana's source and publish; what it does not
know it leaves out.  No Grafana is to be had from the usual package registries.
"""

from __future__ import annotations

import json

import pytest

from storperf.graphite.dashboards import boards
from storperf.graphite.grafana import grafana_dashboard

pytest.importorskip("grafana_foundation_sdk")

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

# Of the query of Grafana's Graphite plug-in, which the model of an annotation leaves open.
OF_THE_PLUGIN = {"refId", "fromAnnotations"}


@pytest.fixture(params=boards(), ids=lambda board: board.name)
def both(request):
    """A dashboard of ours, and what Grafana's model makes of it."""
    register_default_plugins()
    made = json.loads(json.dumps(grafana_dashboard(request.param)))
    return made, json.loads(JSONEncoder().encode(Dashboard.from_json(made)))


def changed(ours, its, path=""):
    """Every place at which the model has something else than we wrote."""
    if isinstance(ours, dict) and isinstance(its, dict):
        for key, value in ours.items():
            yield from changed(value, its.get(key, "nothing"), f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(its, list) and len(ours) == len(its):
        for number, (one, other) in enumerate(zip(ours, its, strict=True)):
            yield from changed(one, other, f"{path}.{number}")
    elif ours != its:
        yield path


def test_grafana_knows_every_key_that_we_write(both):
    made, known = both
    strange = [path for path in changed(made, known) if path.split(".")[-1] not in OF_THE_PLUGIN]
    assert strange == []


def test_what_grafana_asks_of_a_panels_options_is_said(both):
    made, known = both
    assert len(made["panels"]) == len(known["panels"])
    for ours, its in zip(made["panels"], known["panels"], strict=True):
        # Where we say nothing the model says that there is no legend.
        assert ours["options"] == its["options"]
        assert ours["options"]["legend"]["showLegend"] is True


def test_a_key_that_grafana_does_not_know_is_found(both):
    made, _ = both
    made["panels"][0]["tittle"] = made["panels"][0].pop("title")
    known = json.loads(JSONEncoder().encode(Dashboard.from_json(made)))
    assert ".panels.0.tittle" in list(changed(made, known))
