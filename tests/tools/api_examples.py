"""The examples of /api/v3: requests sent to a server with real results, answers cut to be read.

`PYTHONPATH=.:tests python -m tools.api_examples` sends the requests of examples.json again and
writes their answers there; scripts/docs.sh then makes the page.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from unit.web.native.callers import as_caller

from storperf import service
from storperf.jobfile.places import Places
from storperf.model.access import Scope
from storperf.settings import read_settings
from storperf.web.app import create_app
from storperf.web.configuration import Configuration

ROOT = Path(__file__).parents[2]
FILE = ROOT / "storperf/web/native/examples.json"
RESULT = ROOT / "tests/fixtures/fio/single-job_randrw70_status-interval1_concat.json"
PROVIDERS = {"lab-a": {"kind": "ssh", "hosts": [{"address": "127.0.0.1", "port": 1}]}}

ANY = "..."
# What differs from one server, machine or day to the next.
_VOLATILE = {
    *("at", "digest", "directory", "fingerprint", "hmac_sha256", "job_text", "lines", "manager"),
    *("next", "program", "sha256", "size_bytes", "storperf", "type", "waits_for"),
}
_RECENT_S = 1e9
_RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
_LONGEST, _LONGEST_ERROR, _DEEPEST, _MOST_ITEMS = 70, 300, 4, 2


@contextmanager
def example_server(folder: Path) -> Iterator[tuple[TestClient, dict[str, str]]]:
    """A server that holds an imported result, and the names of what it holds."""
    settings = read_settings({"HOME": str(folder)}, folder)
    service.import_results(settings, [RESULT], job="nightly", lab="local", dry_run=False)
    (run,) = service.list_runs(settings)
    with service.open_store(settings) as store:
        facts = {"host": {"host": "node-7", "cpus": 8}, "fio": "3.36"}
        store.set_run_facts(run.id, {"environment.agent-01": facts})
    configuration = Configuration(places=Places(providers=PROVIDERS))
    with TestClient(create_app(settings, configuration=configuration)) as client:
        yield as_caller(client, settings, Scope.ADMIN), {"RUN": run.id}


def exchanges(kept: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """The examples with the answers that a server gives now."""
    with example_server(folder) as (client, names):
        return [_exchanged(client, each, names) for each in kept]


def _exchanged(client: TestClient, kept: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    method = kept["operation"].partition(" ")[0]
    sent = {} if kept.get("body") is None else {"json": _named(kept["body"], names)}
    answer = client.request(method, "/api/v3" + _named(kept["address"], names), **sent)
    kind = answer.headers.get("content-type", "").partition(";")[0]
    told: Any = None
    if kind == "application/json":
        document = answer.json()
        if isinstance(document, dict) and answer.status_code == 202 and "entry" in document:
            names.setdefault("QUEUED", document["entry"]["run_id"])
        if kept.get("keep"):
            names[kept["keep"]] = answer.text
        told = shortened(_renamed(document, names))
    example = {
        name: kept[name] for name in ("operation", "address", "body", "keep") if name in kept
    }
    return {**example, "status": answer.status_code, "type": kind, "answer": told}


def _named(value: Any, names: dict[str, str]) -> Any:
    """A request with the names put in that stand for something of this server."""
    if isinstance(value, dict):
        return {key: _named(each, names) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    if value in names:
        return names[value]
    for name in ("RUN", "QUEUED"):
        value = re.sub(rf"\b{name}\b", names.get(name, name), value)
    return value


def _renamed(value: Any, names: dict[str, str]) -> Any:
    text = json.dumps(value)
    for name in ("RUN", "QUEUED"):
        if name in names:
            text = text.replace(names[name], name)
    return json.loads(text)


def shortened(value: Any, key: str = "", depth: int = 0) -> Any:
    """An answer as a page shows it: what differs from day to day, is long or deep is `...`."""
    is_moment = key.endswith("_s") and isinstance(value, float) and value > _RECENT_S
    if is_moment or (key in _VOLATILE and value is not None):
        return ANY
    if isinstance(value, dict):
        if depth >= _DEEPEST and value:
            return ANY
        return {name: shortened(each, name, depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        found = [shortened(each, "", depth + 1) for each in value[:_MOST_ITEMS]]
        return [*found[:1], ANY] if len(value) > 1 else found
    if isinstance(value, str):
        most = _LONGEST_ERROR if key == "error" else _LONGEST
        return ANY if len(value) > most or _RUN_ID.search(value) else value
    return float(f"{value:.6g}") if isinstance(value, float) else value


def main() -> None:
    """Write the answers of now."""
    with tempfile.TemporaryDirectory() as folder:
        found = exchanges(json.loads(FILE.read_text("utf-8")), Path(folder))
    FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
