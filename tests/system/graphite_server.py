"""The embedded Graphite in tests: its programs are installed once, the rest is a test's own."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import pytest

VENV = Path(__file__).parents[2] / ".make" / "graphite-venv"


class GraphiteServer:
    """One of a test's own, started and stopped by the installed program."""

    def __init__(self, program) -> None:
        if not (VENV / ".ready").exists():
            pytest.fail(f"{VENV} is missing: call make test, which installs Graphite for the tests")
        self.program = program
        self.web = None
        program.environment["STORPERF_GRAPHITE_VENV"] = str(VENV)

    def __call__(self, command, exit_code=0):
        """The state after `graphite COMMAND`."""
        ended = self.program("graphite", command, "--json")
        assert ended.exit_code == exit_code, ended
        state = ended.json.get("graphite", ended.json)
        self.web = state.get("web")
        return state

    def pid(self, name):
        """The process of one of its programs."""
        return next(each["pid"] for each in self.states() if each["name"] == name)

    def states(self):
        """What `status` says of its programs, whatever its exit code."""
        return self.program("graphite", "status", "--json").json["graphite"]["programs"]

    def get(self, path, **query):
        """A JSON answer of graphite-web; a form, because an address may not be long."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        form = urlencode(query, doseq=True).encode() if query else None
        with opener.open(f"{self.web}{path}", data=form, timeout=30) as reply:
            return json.load(reply)

    def points(self, series, from_s, until_s):
        """Every point of some series that /render gives back: path to {second: value}."""
        found = {}
        times = {"from": int(from_s) - 1, "until": int(until_s) + 1}
        for each in self.get("/render", target=series, format="json", **times):
            points = {second: value for value, second in each["datapoints"]}
            found[each["target"]] = {s: v for s, v in points.items() if v is not None}
        return found
