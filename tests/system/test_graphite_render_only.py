"""With a back end that answers /render alone a run is confirmed, and what it lacks is named."""

from __future__ import annotations

from tools.render_only import RenderOnly


def test_what_a_server_of_render_alone_can_do_is_done_and_what_it_lacks_is_said(storperf):
    with RenderOnly() as server:
        address = {"host": "127.0.0.1", "port": server.port, "web": server.web}
        fio = storperf.lying_fio()
        job = storperf.job(name="plain", duration="3s", provider=fio, graphite=address)
        ended = storperf("run", job, "--json")
        assert ended.exit_code == 0, ended
        sink = ended.json["sinks"]["graphite"]
        assert sink["is_complete"], sink
        assert sink["read_back"]["state"] == "complete"
        assert sink["read_back"]["read"] == len(server.points) > 20
        # Events are no points; the run says who does not take them.
        assert sink["events"]["sent"] == 0
        assert "404" in sink["events"]["last_error"]
        assert f"does not take events at {server.web}/events/" in ended.stderr
        exported = storperf("graphite", "export", "last", "--graphite", server.web)
        assert exported.exit_code == 4, exported
        assert f"{server.web}/metrics/find is not there (404)" in exported.stderr
        other, run = storperf.top / "extracted", ended.json["run"]["id"]
        wanted = ("--graphite", server.web, "--job", job, "--run", run)
        made = storperf("--results", other, "baseline", "extract", *wanted, "--json")
    assert made.exit_code == 0, made
    assert made.json["runs"][0]["run"] == run
