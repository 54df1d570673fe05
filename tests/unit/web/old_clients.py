"""A server in this process that speaks to clients of the earlier StorPerf; nothing runs on it."""

from __future__ import annotations

import ipaddress
import json
import time
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from fastapi.testclient import TestClient

from storperf.model.access import Scope, Token
from storperf.model.queued import EntryState
from storperf.settings import read_settings
from storperf.web.app import create_app
from storperf.web.compatible.allowed import Allowed
from storperf.web.configuration import NO_CONFIGURATION

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


class Server:
    """Asks as the scope's token; `store` is the server's own."""

    def __init__(self, client, settings):
        self.client = client
        self.settings = settings
        self.store = client.app.state.served.store
        for scope in () if self.store.tokens() else Scope:
            self.store.add_token(
                Token(
                    id=f"token-{scope}",
                    name=scope.value,
                    digest=sha256(f"secret-{scope}".encode()).hexdigest(),
                    scope=scope,
                    created_s=time.time(),
                )
            )

    def allow(self, **what):
        """Change what the server's configuration allows."""
        state = self.client.app.state
        state.compatible = replace(state.compatible, allowed=Allowed(**what))

    def ask(self, method, path, content=None, scope=Scope.RUN):
        """The answer of /api/`path`."""
        headers = {"Authorization": f"Bearer secret-{scope}"}
        if content is None:
            return self.client.request(method, f"/api/{path}", headers=headers)
        headers["Content-Type"] = "application/json"
        text = json.dumps(content)
        return self.client.request(method, f"/api/{path}", headers=headers, content=text)

    def configure(self, folder):
        """Configurations are this machine, /dev/vdb is a folder; one is made."""
        folder.mkdir(exist_ok=True)
        target = {"directory": str(folder), "size": "16M"}
        self.allow(configurations="local", targets={"/dev/vdb": target})
        answer = self.ask("POST", "v1.0/configurations", {"agent_count": 1})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def end(self, run_id, exit_code=0):
        """The job has ended, as the queue would note it."""
        self.store.move_entry(
            run_id,
            [EntryState.QUEUED],
            EntryState.ENDED,
            exit_code=exit_code,
            ended_s=time.time(),
        )

    def job_of(self, answer):
        """The entry that an answer names."""
        assert answer.status_code == 200, answer.text
        return self.store.queue_entry(answer.json()["job_id"])


@contextmanager
def serving(folder, configuration=NO_CONFIGURATION, **environment):
    """A server with its store in a folder; it is asked by the name `localhost`."""
    settings = read_settings({"HOME": str(folder), **environment}, Path(folder))
    app = create_app(settings, configuration=configuration)
    with TestClient(app, base_url="http://localhost:5000") as client:
        yield Server(client, settings)
