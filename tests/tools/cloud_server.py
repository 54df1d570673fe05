"""A cloud's front: real tokens are too slow to break.  Keystone here, other services by routes.

It is for faults that a real cloud cannot be made to show: 429, broken connections, a token that
is refused in the middle.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PASSWORD = "hunter2-of-the-stand-in"
PROJECT = "0123456789abcdef0123456789abcdef"
SERVICES = {
    "orchestration": f"/orchestration/v1/{PROJECT}",
    "compute": "/compute/v2.1",
    "block-storage": f"/volume/v3/{PROJECT}",
    "image": "/image/v2",
    "network": "/network/v2.0",
}
# A fault whose status this is closes the connection without a word.
BROKEN = 0


@dataclass
class Fault:
    """What the next `times` requests get whose line (`GET /path`) the pattern finds.

    With `taken` the request is carried out first: its answer alone is lost.
    """

    pattern: str
    status: int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    taken: bool = False


def encoded(body):
    return json.dumps(body).encode()


class CloudServer:
    """Serves until it is left.  `asked` counts requests by line, `tokens` those that are good.

    With `tls`, a certificate and its key, it speaks HTTPS.
    """

    def __init__(self, tls: tuple[Path, Path] | None = None) -> None:
        self.asked: Counter[str] = Counter()
        self.tokens: set[str] = set()
        self.faults: list[Fault] = []
        self.routes: list[tuple[re.Pattern[str], Any]] = []
        self.roles = ("member",)
        self._lock = threading.RLock()
        self._tokens_given = 0
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_args: Any) -> None:
                """Quiet."""

            def answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                content = self.rfile.read(size)
                try:
                    with cloud._lock:
                        status, body, headers = cloud._answer(self, content)
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    # A mistake in a test, which nobody is to try again.
                    status, body, headers = 418, {"error": {"message": repr(error)}}, {}
                if status == BROKEN:
                    self.close_connection = True
                    return
                text = body if isinstance(body, bytes) else b"" if body is None else encoded(body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.answer)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_args):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def environment(self):
        """The variables of a login that it lets in."""
        return {
            "OS_AUTH_URL": f"{self.url}/v3",
            "OS_USERNAME": "nina",
            "OS_PASSWORD": PASSWORD,
            "OS_PROJECT_NAME": "storage",
            "OS_USER_DOMAIN_ID": "default",
            "OS_PROJECT_DOMAIN_ID": "default",
        }

    def route(self, pattern, act):
        """Let `act(match, body, query)` answer requests whose line the pattern matches whole.

        It gives the body, or status and body.
        """
        self.routes.append((re.compile(pattern), act))

    def expire(self):
        """No token that was given is good any more."""
        self.tokens.clear()

    # --- in detail ---------------------------------------------------------------------------

    def _answer(self, request, content):
        path, _, query = request.path.partition("?")
        line = f"{request.command} {path}"
        self.asked[line] += 1
        fault = next((each for each in self.faults if re.search(each.pattern, line)), None)
        if fault is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.faults.remove(fault)
            if fault.taken:
                self._served(request, line, content, query)
            return fault.status, fault.body, fault.headers
        return self._served(request, line, content, query)

    def _served(self, request, line, content, query):
        if line == "POST /v3/auth/tokens":
            return self._token(json.loads(content))
        if line in ("GET /v3", "GET /v3/"):
            return 200, {"version": self._version("v3.14", "/v3/")}, {}
        if request.headers.get("X-Auth-Token") not in self.tokens:
            return 401, {"error": {"message": "The request you have made requires..."}}, {}
        is_json = "json" in (request.headers.get("Content-Type") or "")
        body = json.loads(content) if content and is_json else content
        for pattern, act in self.routes:
            if match := pattern.fullmatch(line):
                given = act(match, body, query)
                status, found = given if isinstance(given, tuple) else (200, given)
                return status, found, {}
        return 404, {"error": {"message": f"nothing answers {line}"}}, {}

    def _version(self, name, path):
        links = [{"rel": "self", "href": f"{self.url}{path}"}]
        return {"id": name, "status": "stable", "links": links}

    def _token(self, body):
        identity = body["auth"]["identity"]
        if identity["methods"] == ["password"]:
            good = identity["password"]["user"]["password"] == PASSWORD
        elif identity["methods"] == ["application_credential"]:
            good = identity["application_credential"]["secret"] == PASSWORD
        else:
            good = identity.get("token", {}).get("id") in self.tokens
        if not good:
            return 401, {"error": {"message": f"refused: {json.dumps(identity)}"}}, {}
        self._tokens_given += 1
        token = f"token-{self._tokens_given}"
        self.tokens.add(token)
        catalog = [
            {
                "type": kind,
                "name": kind,
                "id": kind,
                "endpoints": [
                    {
                        "interface": "public",
                        "region": "RegionOne",
                        "region_id": "RegionOne",
                        "id": f"{kind}-public",
                        "url": f"{self.url}{path}",
                    }
                ],
            }
            for kind, path in SERVICES.items()
        ]
        domain = {"id": "default", "name": "Default"}
        found = {
            "methods": identity["methods"],
            "user": {"id": "u1", "name": "nina", "domain": domain},
            "project": {"id": PROJECT, "name": "storage", "domain": domain},
            "roles": [{"id": name, "name": name} for name in self.roles],
            "issued_at": "2026-11-22T00:00:00.000000Z",
            "expires_at": "2099-11-22T00:00:00.000000Z",
            "catalog": catalog,
        }
        return 201, {"token": found}, {"X-Subject-Token": token}
