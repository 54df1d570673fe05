"""A back end that takes Carbon's lines and answers /render, and nothing else of Graphite."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class RenderOnly:
    """Listens while inside a `with`; `web` is its address, `port` takes lines."""

    def __init__(self):
        self.points = {}
        self._stack = ExitStack()

    def __enter__(self):
        points = self.points

        class Lines(socketserver.StreamRequestHandler):
            def handle(self):
                for line in self.rfile:
                    path, value, second = line.decode().split()
                    points.setdefault(path, {})[int(second)] = float(value)

        class Render(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(urlsplit(self.path).query)

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def answer(self, query):
                if urlsplit(self.path).path != "/render":
                    self.send_error(404)
                    return
                body = json.dumps(rendered(points, parse_qs(query))).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words):
                return

        socketserver.ThreadingTCPServer.daemon_threads = True
        carbon = self._serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Lines))
        web = self._serve(ThreadingHTTPServer(("127.0.0.1", 0), Render))
        self.port = carbon.server_address[1]
        self.web = f"http://127.0.0.1:{web.server_address[1]}"
        return self

    def __exit__(self, *_error):
        self._stack.close()

    def _serve(self, server):
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        return server


def rendered(points, query):
    """An answer as graphite-web gives it: `from` left out, a place for each second."""
    first, last = int(query["from"][0]) + 1, int(query["until"][0])
    found = []
    for target in query["target"]:
        fits = re.compile(pattern_of(target)).fullmatch
        found += [path for path in sorted(points) if fits(path)]
    return [
        {
            "target": path,
            "datapoints": [
                [points[path].get(s), s] for s in range(first, min(last, first + 99_999) + 1)
            ],
        }
        for path in found
    ]


def pattern_of(target):
    """A path with `*` and `{a,b}` as a regular expression."""
    text = re.escape(target).replace(r"\*", "[^.]*")
    return re.sub(r"\\{(.*?)\\}", lambda found: f"({found[1].replace(',', '|')})", text)
