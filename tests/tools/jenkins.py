"""A stand-in for Jenkins: the parts of its remote API that jenkinsapi asks for.

As the real one it wants a login and, for every POST, a crumb; `api/python` answers Python literals.
"""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

USER, TOKEN = "gate", "11c0ffee5ec2e7"
CRUMB = "a-crumb"


class Jenkins:
    """Listens while inside a `with`; `url` is its address.

    `builds` are a job's builds by number: {"result": ..., "artefacts": {path: bytes}}; `ends` is
    how the builds that are triggered end, after `looks` looks at queue and build each.
    `answers` are statuses that are given first, one a request.
    """

    def __init__(self, *, parameters=("POD", "WORKLOADS"), builds=None, ends="SUCCESS", looks=1):
        self.parameters = parameters
        self.builds = dict(builds or {})
        self.ends = ends
        self.looks = looks
        self.answers = []
        self.triggered = []
        self.descriptions = {}
        self.requests = []
        self.cancelled = False
        self._left = {}

    def __enter__(self):
        jenkins = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.serve(b"")

            def do_POST(self):
                self.serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def serve(self, body):
                jenkins.requests.append((self.command, self.path, dict(self.headers)))
                status, headers, content = jenkins.answer(
                    self.command, self.path, self.headers, body
                )
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_words):
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *_error):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, method, address, headers, body):
        if self.answers and (status := self.answers.pop(0)) is not None:
            return status, {}, b"<html>secret page</html>"
        login = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        if headers.get("Authorization") != login:
            return 401, {"WWW-Authenticate": "Basic"}, b"<html>Unauthorized</html>"
        if method == "POST" and headers.get("Jenkins-Crumb") != CRUMB:
            return 403, {}, b"<html>No valid crumb was included in the request</html>"
        path = unquote(urlsplit(address).path)
        found = self.post(path, body) if method == "POST" else self.get(path)
        return found or (404, {}, b"<html>Not Found</html>")

    def get(self, path):
        match path.removesuffix("/api/python").strip("/").split("/"):
            case ["crumbIssuer"]:
                return python({"crumb": CRUMB, "crumbRequestField": "Jenkins-Crumb"})
            case ["queue", "item", number]:
                return python(self.queue_item(int(number)))
            case ["job", "lab", "job", "nightly"]:
                return python(self.job())
            case ["job", "lab", "job", "nightly", number] if int(number) in self.builds:
                return python(self.build(int(number)))
            case ["job", "lab", "job", "nightly", number, "artifact", *parts]:
                content = self.builds[int(number)].get("artefacts", {}).get("/".join(parts))
                return None if content is None else (200, {}, content)
        return None

    def post(self, path, body):
        fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        match path.strip("/").split("/"):
            case ["job", "lab", "job", "nightly", "buildWithParameters" | "build"]:
                fields.pop("json")
                self.triggered.append(fields)
                number = len(self.builds) + 1
                self.builds[number] = {"result": None}
                self._left = {"queue": self.looks, "build": min(1, self.looks)}
                return 201, {"Location": f"{self.url}/queue/item/{number}/"}, b""
            case ["job", "lab", "job", "nightly", number, "submitDescription"]:
                self.descriptions[int(number)] = fields["description"]
                return 302, {"Location": f"{self.url}/job/lab/job/nightly/api/python"}, b""
        return None

    def job(self):
        definitions = [
            {"name": name, "type": "StringParameterDefinition"} for name in self.parameters
        ]
        found = {
            "_class": "hudson.model.FreeStyleProject",
            "name": "nightly",
            "url": f"{self.url}/job/lab/job/nightly/",
            "color": "blue",
            "inQueue": False,
            "builds": [{"number": number} for number in sorted(self.builds, reverse=True)],
            "property": [{"parameterDefinitions": definitions}] if definitions else [],
            "actions": [{"parameterDefinitions": definitions}] if definitions else [],
        }
        for name, results in {
            "lastSuccessfulBuild": ("SUCCESS", "UNSTABLE"),
            "lastStableBuild": ("SUCCESS",),
        }.items():
            good = [n for n, build in self.builds.items() if build["result"] in results]
            found[name] = {"number": max(good)} if good else None
        return found

    def queue_item(self, number):
        item = {
            "_class": "hudson.model.Queue$LeftItem",
            "id": number,
            "task": {"name": "nightly", "url": f"{self.url}/job/lab/job/nightly/"},
            "why": "Waiting for next available executor",
        }
        if self.cancelled:
            return {**item, "cancelled": True}
        self._left["queue"] -= 1
        return item if self._left["queue"] >= 0 else {**item, "executable": {"number": number}}

    def build(self, number):
        build = self.builds[number]
        if build["result"] is None:
            self._left["build"] -= 1
            if self._left["build"] < 0:
                build["result"] = self.ends
        return {
            "_class": "hudson.model.FreeStyleBuild",
            "number": number,
            "building": build["result"] is None,
            "result": build["result"],
        }


def python(value):
    """As `api/python` answers: JSON but for Python's words."""
    return 200, {"X-Jenkins": "2.516", "Content-Type": "text/x-python"}, literal(value).encode()


def literal(value):
    if isinstance(value, dict):
        return "{" + ",".join(f"{literal(k)}:{literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(literal, value)) + "]"
    return json.dumps(value) if isinstance(value, str) else repr(value)
