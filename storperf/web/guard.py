"""What stands before every request: its host, its origin, its size, its rate, and the audit."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from dataclasses import dataclass

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from storperf.errors import ExitCode, StorperfError
from storperf.model.access import AuditEntry
from storperf.store.store import Store
from storperf.tokens import PREFIX
from storperf.version import ASKED, TOLD, mismatch, package_version
from storperf.web import asked
from storperf.web.configuration import Configuration
from storperf.web.origins import Origins, is_change, own_names
from storperf.web.rates import Rates

log = logging.getLogger(__name__)

_BURST_S = 5
_MINUTE_S = 60.0
# Refusals of strangers that the audit keeps in a minute; the rest is in the log alone.
_STRANGERS = 60
_PRUNE_EVERY_S = 3600.0
_LONGEST_PATH = 200
_LONGEST_TARGET = 8 << 10
# uvicorn's own 64 KiB are more than any client of ours needs.
MOST_HEADER_BYTES = 32 << 10
# Nobody should send a token so; one that comes all the same is written nowhere.
_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{16,}}")
_REFUSALS = frozenset({401, 403, 408, 413, 414, 421, 429, 431})
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Without any a browser says of its own forms that they come from nowhere (Origin: null).
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
_STRICT_TRANSPORT = "max-age=31536000"


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp, configuration: Configuration) -> None:
        self._app = app
        self._configuration = configuration
        limits = configuration.limits
        names = configuration.hosts
        self._origins = Origins(
            names=None if names is None else names | own_names(), others=configuration.origins
        )
        self._requests = Rates(per_s=limits.requests_per_s, most=limits.requests_per_s * _BURST_S)
        self._wrong = Rates(per_s=limits.failed_logins / _MINUTE_S, most=limits.failed_logins)
        self._strangers = Rates(per_s=_STRANGERS / _MINUTE_S, most=_STRANGERS)
        self._prune_at_s = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        note = asked.begin(scope)
        answer = _Answer(self, scope, note, send)
        refused = self._refusal(scope)
        if refused is not None:
            await answer.refuse(*refused)
            return
        body = _Body(self._configuration, receive)
        await self._app(scope, body.receive, answer.send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Why a request goes no further, whoever asks."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._requests.take(_address(scope), time.monotonic()):
            return 429, "too many requests at once; come back in a second"
        if len(headers.getlist("host")) > 1 or self._origins.refuses_host(host):
            return 421, "this server is not called so; its configuration's `hosts` can name it"
        plain = {name: headers[name] for name in ("origin", "sec-fetch-site") if name in headers}
        if self._origins.refuses_page(scope["method"], scope["scheme"], host, plain):
            return 403, "a page of another origin may not send this"
        asking = headers.get("user-agent", "")
        other = mismatch(client=asking.removeprefix(ASKED), server=package_version())
        if asking.startswith(ASKED) and other is not None:
            return 409, other
        return self._too_long(scope, headers.get("content-length", "0"))

    def _too_long(self, scope: Scope, length: str) -> tuple[int, str] | None:
        most = self._configuration.limits.body_bytes
        if len(scope["path"]) + len(scope["query_string"]) > _LONGEST_TARGET:
            return 414, f"an address of more than {_LONGEST_TARGET} characters is not read"
        # uvicorn looks only while they are still arriving.
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADER_BYTES:
            return 431, f"headers of more than {MOST_HEADER_BYTES} bytes are not read"
        # ASCII digits alone: int() knows many more.
        if length.isascii() and length.isdigit() and int(length[:20]) > most:
            return 413, f"more than {most} bytes are not taken"
        return None

    def waits_for_login(self, scope: Scope) -> float:
        """How long an address that showed a wrong token has to wait; 0 when it need not."""
        address, now_s = _address(scope), time.monotonic()
        if self._wrong.take(address, now_s):
            return 0.0
        return max(self._wrong.wait_s(address, now_s), 1.0)

    def is_audited(self, scope: Scope, note: asked.Asked, status: int) -> bool:
        """Whether an answer is kept in the audit."""
        if status == 401 and not note.showed_wrong_token and not is_change(scope["method"]):
            return False  # a browser's first try, before it asks its user
        if status not in _REFUSALS and not is_change(scope["method"]):
            return False
        return note.who != "-" or self._strangers.take("", time.monotonic())

    async def keep(self, scope: Scope, note: asked.Asked, status: int) -> None:
        """Keep in the audit who asked for what, and how it ended."""
        entry = AuditEntry(
            at_s=time.time(),
            who=note.who,
            address=_address(scope),
            what=f"{scope['method'][:20]} {_path(scope)}",
            outcome=str(status),
        )
        store = scope["app"].state.served.store
        try:
            await to_thread.run_sync(self._keep, store, entry)
        except StorperfError:
            log.exception("not in the audit: %s", entry)

    def _keep(self, store: Store, entry: AuditEntry) -> None:
        """Keep an entry; from time to time, forget those that are too old.

        The audit grows here alone, so nothing else needs to look after its age.
        """
        store.add_audit(entry)
        keep_s = self._configuration.keep_audit_s
        if keep_s is not None and entry.at_s >= self._prune_at_s:
            self._prune_at_s = entry.at_s + _PRUNE_EVERY_S
            store.prune_audit(before_s=entry.at_s - keep_s)

    @property
    def is_https(self) -> bool:
        """Whether the server itself speaks TLS."""
        return self._configuration.certificate is not None


@dataclass(slots=True)
class _Body:
    """The body of one request, of which no more is read than may be."""

    configuration: Configuration
    _receive: Receive
    _bytes: int = 0
    _deadline_s: float | None = None
    _is_whole: bool = False

    async def receive(self) -> Message:
        if self._is_whole:
            return await self._receive()
        now_s = asyncio.get_running_loop().time()
        if self._deadline_s is None:
            self._deadline_s = now_s + self.configuration.limits.body_s
        try:
            async with asyncio.timeout_at(self._deadline_s):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(408, "the request took too long to arrive") from error
        self._bytes += len(message.get("body", b""))
        most = self.configuration.limits.body_bytes
        if self._bytes > most:
            raise HTTPException(413, f"more than {most} bytes are not taken")
        self._is_whole = not message.get("more_body", False)
        return message


@dataclass(slots=True)
class _Answer:
    """The answer to one request, on its way out."""

    guard: Guard
    scope: Scope
    note: asked.Asked
    _send: Send
    _is_replaced: bool = False

    async def send(self, message: Message) -> None:
        if self._is_replaced:
            return
        if message["type"] == "http.response.start":
            if message["status"] == 401 and self.note.showed_wrong_token:
                wait_s = self.guard.waits_for_login(self.scope)
                if wait_s:
                    self._is_replaced = True
                    words = "too many wrong tokens from this address"
                    await self._refuse(429, words, {"retry-after": str(round(wait_s))})
                    return
            await self._begin(message)
        await self._send(message)

    async def refuse(self, status: int, words: str) -> None:
        """Answer in the place of the application."""
        await self._refuse(status, words, {"retry-after": "1"} if status == 429 else {})

    async def _refuse(self, status: int, words: str, headers: dict[str, str]) -> None:
        body = json.dumps({"error": words, "exit_code": int(ExitCode.USAGE)}).encode()
        # What was sent is not read to its end, so nothing more can come on this connection.
        plain = {"content-type": "application/json", "connection": "close", **headers}
        raw = [(name.encode(), value.encode()) for name, value in plain.items()]
        raw.append((b"content-length", str(len(body)).encode()))
        start: Message = {"type": "http.response.start", "status": status, "headers": raw}
        await self._begin(start)
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})

    async def _begin(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        if self.guard.is_https:
            headers.setdefault("strict-transport-security", _STRICT_TRANSPORT)
        if Headers(scope=self.scope).get("user-agent", "").startswith(ASKED):
            headers.setdefault(TOLD, package_version())
        status = message["status"]
        path, who, address = _path(self.scope), self.note.who, _address(self.scope)
        log.info("%s %s %s: %d, asked by %r", address, self.scope["method"], path, status, who)
        if self.guard.is_audited(self.scope, self.note, status):
            await self.guard.keep(self.scope, self.note, status)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _path(scope: Scope) -> str:
    """The path as it was sent, without its query: nothing in it ends a line."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    shown = raw.partition(b"?")[0].decode("ascii", errors="backslashreplace")
    kept = _TOKEN.sub("***", "".join(sign if sign.isprintable() else "?" for sign in shown))
    return kept if len(kept) <= _LONGEST_PATH else f"{kept[:_LONGEST_PATH]}..."
