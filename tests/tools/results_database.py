"""A stand-in for the OPNFV TestAPI: takes results, knows which cases are registered."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class ResultsDatabase:
    """Listens while inside a `with`; `url` is what `--url` takes.

    `taken` are the results it has.  `answers` are statuses that it gives first, one a request,
    with `headers`; then it does as the real one: 400 for what lacks a field or a criteria, 404 for
    a case that is not registered.
    """

    def __init__(self, *, cases=("snia_steady_state",), port=0, answers=()):
        self.cases = cases
        self.taken = []
        self.requests = 0
        self.answers = list(answers)
        self.headers = {}
        self._port = port

    def __enter__(self):
        database = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(200, b"<html>Please log in</html>")

            def do_POST(self):
                document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                database.requests += 1
                if database.answers:
                    self.answer(database.answers.pop(0), b"<html>no</html>")
                elif self.path != "/api/v1/results":
                    self.answer(404, b"no such page")
                else:
                    status, words = database.take(document)
                    self.answer(status, json.dumps(words).encode())

            def answer(self, status, body):
                self.send_response(status)
                for name, value in database.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words):
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._port}/api/v1"
        return self

    def __exit__(self, *_error):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, document):
        missing = [
            name
            for name in ("pod_name", "project_name", "case_name", "criteria")
            if not document.get(name)
        ]
        if missing:
            return 400, {"code": 400, "message": f"{missing[0]} missing"}
        if document["criteria"] not in {"PASS", "FAIL"}:
            return 400, {"code": 400, "message": "criteria must be PASS or FAIL"}
        if document["case_name"] not in self.cases:
            return 404, {"code": 404, "message": "Could Not Found testcase"}
        self.taken.append(document)
        return 200, {"href": f"{self.url}/results/{len(self.taken)}"}


def letters(results: Path):
    """The letters that a results folder keeps."""
    return [json.loads(path.read_bytes()) for path in sorted((results / "outbox").glob("*.json"))]
