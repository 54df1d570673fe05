"""A server that carries commands out instead of this machine: `storperf --server URL ...`."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storperf.cli.options import settings
from storperf.errors import ExitCode, InfrastructureError, StorperfError, UsageError
from storperf.token_file import read_token
from storperf.version import ASKED, TOLD, mismatch, package_version

if TYPE_CHECKING:
    import requests
    import typer

# To connect, and between two pieces of an answer; a stream has a sign of life every 15 s.
_TIMEOUT_S = (10.0, 60.0)
_KEY = "storperf.server"
_NO_TOKEN = 401
# What a proxy or a server that is just beginning says; asking again may help.
_PASSING = frozenset({429, 502, 503, 504})


class ServerRefused(StorperfError):
    """The server said no, in its own words and with its own exit code."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.exit_code = code


class ServerAway(InfrastructureError):
    """The server cannot be reached, or not now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where it listens, what opens it, and the authority that vouches for its certificate."""

    url: str
    token: str = field(repr=False)
    ca_file: Path | None = None

    def get(self, path: str, **parameters: object) -> Any:
        """A document below /api/v3."""
        return self._asked("GET", path, params=parameters).json()

    def text(self, path: str, **parameters: object) -> str:
        """A text below /api/v3."""
        return self._asked("GET", path, params=parameters).content.decode()

    def post(self, path: str, document: Mapping[str, object] | None = None, once: str = "") -> Any:
        """The answer to a document that is sent; `once` is the same when it is sent again."""
        headers = {"Idempotency-Key": once} if once else {}
        return self._asked("POST", path, json=document or {}, headers=headers).json()

    def events(self, run: str, after: int) -> Iterator[tuple[int, str] | None]:
        """Numbers and JSON texts of a run's events; None once the run has ended.

        ServerAway when the stream breaks off before.
        """
        import requests

        answer = self._asked("GET", f"runs/{run}/events", params={"after": after}, stream=True)
        number, name = after, ""
        try:
            with answer:
                for raw in answer.iter_lines(chunk_size=1):
                    kind, _, rest = raw.decode("utf-8", "replace").partition(": ")
                    if kind == "id":
                        number = int(rest)
                    elif kind == "event":
                        name = rest
                    elif kind == "data" and name == "end":
                        yield None
                        return
                    elif kind == "data":
                        yield number, rest
        except requests.RequestException as error:
            raise ServerAway(f"{self.url} broke off: {error}") from error
        raise ServerAway(f"{self.url} ended the stream before the run")

    def _asked(self, method: str, path: str, **how: Any) -> requests.Response:
        import requests

        headers = {**how.pop("headers", {}), "User-Agent": f"{ASKED}{package_version()}"}
        try:
            answer = requests.request(
                method,
                f"{self.url}/api/v3/{path}",
                headers=headers,
                # As a function: requests would let ~/.netrc win over a header.
                auth=self._with_token,
                verify=True if self.ca_file is None else str(self.ca_file),
                timeout=_TIMEOUT_S,
                allow_redirects=False,
                **how,
            )
        except requests.exceptions.SSLError as error:
            raise UsageError(
                f"the certificate of {self.url} is not to be trusted ({error}); "
                "name its authority with --ca-file"
            ) from error
        except (ValueError, requests.exceptions.InvalidURL) as error:
            raise UsageError(f"--server {self.url} is no address: {error}") from error
        except requests.RequestException as error:
            raise ServerAway(
                f"cannot reach {self.url}: {error}; is `storperf serve` running there?"
            ) from error
        return self._checked(answer)

    def _with_token(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request

    def _checked(self, answer: requests.Response) -> requests.Response:
        other = mismatch(client=package_version(), server=answer.headers.get(TOLD, ""))
        if other is not None:
            raise UsageError(f"{self.url}: {other}")
        if answer.ok and not answer.is_redirect:
            return answer
        if answer.status_code in _PASSING:
            raise ServerAway(f"{self.url} says {answer.status_code} {answer.reason}")
        try:
            document = answer.json()
            message, code = str(document["error"]), ExitCode(document["exit_code"])
        except (ValueError, KeyError, TypeError):
            raise UsageError(
                f"{self.url} is no storperf server: it says {answer.status_code} {answer.reason}"
            ) from None
        if answer.status_code == _NO_TOKEN:
            message += "; see --token-file"
        raise ServerRefused(f"{self.url}: {message}", code)


def keep_server(
    context: typer.Context, url: str | None, token_file: Path | None, ca_file: Path | None
) -> None:
    """Remember what the main options say of a server, for the command that follows."""
    context.meta[_KEY] = (url, token_file, ca_file)


def server_of(context: typer.Context) -> Server | None:
    """The server that the command is for; None when this machine carries it out."""
    url, token_file, ca_file = context.meta.get(_KEY, (None, None, None))
    if url is None:
        return None
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--server {url} is no address; it begins with http:// or https://")
    token = _token(token_file, settings(context).results / "token")
    _check_authority(ca_file)
    if not token.isascii() or not token.isprintable():
        raise UsageError("the token has characters that no token has")
    return Server(url=url.rstrip("/"), token=token, ca_file=ca_file)


def _check_authority(path: Path | None) -> None:
    """UsageError when it is no file of certificates; requests would call that a bug."""
    try:
        if path is not None:
            ssl.create_default_context(cafile=path)
    except OSError as error:
        raise UsageError(f"--ca-file {path} holds no certificate: {error}") from error


def _token(path: Path | None, own: Path) -> str:
    """What a file says, else the environment, else the file that a server here has left."""
    token = os.environ.get("STORPERF_TOKEN")
    if path is None and token:
        return token.strip()
    found = read_token(path or own)
    if found is None and path is None:
        raise UsageError("a server wants a token: --token-file, or $STORPERF_TOKEN")
    if found is None:
        raise UsageError(f"there is no token in {path}")
    return found
