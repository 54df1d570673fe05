"""Runs against the Graphite that Debian packages: as it is shipped, and with our rules."""

from __future__ import annotations

import json
import urllib.request

import pytest
from tools.debian_graphite import DebianGraphite

pytestmark = pytest.mark.all_only


def check(program, server, exit_code):
    carbon = f"127.0.0.1:{server.port}"
    ended = program("graphite", "check", server.web, "--carbon", carbon, "--json")
    assert ended.exit_code == exit_code, ended
    return "\n".join(f"{each['what']} > {each['remedy']}" for each in ended.json["findings"])


def test_as_debian_ships_it_it_loses_points_and_check_names_the_settings(storperf):
    with DebianGraphite(storperf.top / "debian") as server:
        words = check(storperf, server, 3)
    assert "a point each 60 s where ours has one each 1 s" in words
    assert "storage-schemas.conf" in words
    assert "MAX_CREATES_PER_MINUTE = inf" in words


def test_with_our_rules_a_run_is_whole_there_and_comes_out_of_it_again(storperf):
    rules = [storperf("graphite", "config", name).stdout for name in ("schemas", "aggregation")]
    settings = {"MAX_CREATES_PER_MINUTE": "inf", "WHISPER_SPARSE_CREATE": True}
    with DebianGraphite(storperf.top / "debian", rules=rules, settings=settings) as server:
        assert check(storperf, server, 0) == ""
        address = {
            "host": "127.0.0.1",
            "port": server.port,
            "pickle_port": server.pickle_port,
            "web": server.web,
        }
        job = storperf.job(name="of debian", duration="4s", graphite=address)
        ended = storperf("run", job, "--json")
        assert ended.exit_code == 0, ended
        sink = ended.json["sinks"]["graphite"]
        assert sink["is_complete"], sink
        assert sink["read_back"]["state"] == "complete", sink
        assert sink["events"]["sent"] == sink["events"]["offered"] > 3
        assert_events(server, ended.json["run"]["id"], sink["events"]["sent"])
        exported = storperf("graphite", "export", "last", "--graphite", server.web)
        assert len(exported.stdout.splitlines()) > 100, exported
        extract(storperf, server, job, ended)


def assert_events(server, run, count):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{server.web}/events/get_data?tags=run-{run}", timeout=30) as reply:
        assert len(json.load(reply)) == count


def extract(program, server, job, ended):
    """The run is made again, in another store, of what Debian's Graphite holds."""
    other = program.top / "extracted"
    run = ended.json["run"]["id"]
    wanted = ("--graphite", server.web, "--job", job, "--run", run)
    made = program("--results", other, "baseline", "extract", *wanted, "--json")
    assert made.exit_code == 0, made
    (found,) = made.json["runs"]
    values = {(each["op"], each["metric"]): each["value"] for each in found["figures"]}
    (trial,) = ended.trials
    for figure in trial["figures"]:
        if figure["agent"] == "all" and figure["metric"] == "iops":
            assert values[figure["op"], "iops"] == pytest.approx(figure["value"], rel=0.02)
