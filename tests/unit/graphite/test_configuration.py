"""Carbon's rules fit the series that we send, and the reference says the same."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from storperf.graphite.configuration import Folders, Ports, configuration_files
from storperf.graphite.retention import schema_of
from storperf.sinks.paths import (
    LIVE,
    SUMMARY,
    HostSeries,
    LoadSeries,
    RunSeries,
    StepSeries,
    SummarySeries,
    render_path,
)

PLACE = {"lab": "host", "job": "a.live.host.b", "side": "candidate"}
LOAD = {**PLACE, "agent": "agent-01", "target": "target-0", "op": "read"}
FOLDERS = Folders(venv=Path("/v"), state=Path("/s"), data=Path("/d"))
PORTS = Ports(line=1, pickle=2, query=3, web=4)
FILES = configuration_files(FOLDERS, PORTS, "secret")
SCHEMAS, AGGREGATION = FILES["storage-schemas.conf"], FILES["storage-aggregation.conf"]


def first_match(rules, path):
    """The section that Carbon takes: the first one whose pattern is found in the path."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(rules)
    return next(
        parser[name] for name in parser.sections() if re.search(parser[name]["pattern"], path)
    )


@pytest.mark.parametrize(
    ("series", "retentions", "aggregation"),
    [
        (LoadSeries(**LOAD, metric="iops"), "1s:1d,10s:14d", "average"),
        (LoadSeries(**LOAD, metric="clat_mean"), "1s:1d,10s:14d", "average"),
        (LoadSeries(**LOAD, metric="clat_p99_9"), "1s:1d,10s:14d", "max"),
        (LoadSeries(**LOAD, metric="clat_max"), "1s:1d,10s:14d", "max"),
        (HostSeries(**PLACE, agent="agent-01", sensor="cpu.user"), "1s:6h,10s:3d", "average"),
        (StepSeries(**PLACE, step="s"), "1s:1d,10s:14d", "last"),
        (RunSeries(tree=LIVE, lab="l", job="j", fact="trial"), "1s:1d,10s:14d", "last"),
        (RunSeries(tree=SUMMARY, lab="l", job="j", fact="exit_code"), "1m:30d,10m:5y", "last"),
        (
            SummarySeries(**PLACE, step="s", op="read", metric="clat_p99"),
            "1m:30d,10m:5y",
            "last",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_series_is_kept_as_the_reference_says(series, retentions, aggregation):
    path = render_path(series)
    assert first_match(SCHEMAS, path)["retentions"] == retentions
    assert schema_of(path).retentions == retentions
    rule = first_match(AGGREGATION, path)
    assert rule["aggregationMethod"] == aggregation
    assert rule["xFilesFactor"] == "0"


@pytest.mark.parametrize("rules", [SCHEMAS, AGGREGATION])
def test_any_other_series_is_kept_too(rules):
    assert first_match(rules, "somebody.elses.series")


def test_everything_listens_on_the_loopback():
    carbon = configuration_files(FOLDERS, PORTS, "secret")["carbon.conf"]
    interfaces = re.findall(r"^\w+_INTERFACE = (.*)$", carbon, re.MULTILINE)
    assert interfaces == ["127.0.0.1"] * 3
    assert "MAX_CREATES_PER_MINUTE = inf" in carbon


def test_graphite_webs_settings_are_python_whatever_the_folders_are_called():
    folders = Folders(venv=Path("/v'x"), state=Path('/s"\\'), data=Path("/d\n"))
    files = configuration_files(folders, PORTS, "secret")
    settings = {}
    text = files["storperf_graphite_settings.py"]
    exec(compile(text, "settings", "exec"), settings)  # noqa: S102 - that is what Django does
    assert settings["STORAGE_DIR"] == "/d\n"
    assert settings["SECRET_KEY"] == "secret"
