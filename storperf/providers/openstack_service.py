"""One service of a cloud: JSON out and in, repeated where that does no harm.

Bodies are not logged, because user data holds keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from storperf.deadline import Deadline
from storperf.errors import CloudError
from storperf.providers.openstack_faults import refusal

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from requests import Response

    from storperf.providers.openstack_session import Cloud

Body = dict[str, Any]

_REQUEST_S = 60.0
_PAGE = 500
_GONE = (404, 410)
_TAKEN = 202
# By our word: the type in the catalog, and the version that is spoken.
SERVICES = {
    "identity": ("identity", "3"),
    "orchestration": ("orchestration", "1"),
    "compute": ("compute", "2"),
    "volume": ("block-storage", "3"),
    "image": ("image", "2"),
    "network": ("network", "2"),
}


class CloudService:
    """Asks one service.  Paths begin with a slash and do not hold the project.

    Every method may raise CloudError.  What can be done twice is asked again through 429, 5xx
    and broken connections until the deadline (the cloud's patience, where none is given);
    `post` only when it was surely not taken.  `microversion` may be said to any of them.
    """

    def __init__(self, cloud: Cloud, name: str) -> None:
        self.name = name
        self._cloud = cloud

    def get(self, path: str, deadline: Deadline | None = None, **query: Any) -> Body:
        """What is there."""
        return _body(self._ask("GET", path, deadline, params=query))

    def find(self, path: str, deadline: Deadline | None = None, **query: Any) -> Body | None:
        """What is there, None when it is not."""
        answer = self._ask("GET", path, deadline, params=query, wanted=_GONE)
        return None if answer.status_code in _GONE else _body(answer)

    def pages(self, path: str, key: str, **query: Any) -> Iterator[Body]:
        """Every entry of a list that is told page by page."""
        found = self.get(path, limit=_PAGE, **query)[key]
        while found:
            yield from found
            if len(found) < _PAGE:
                return
            found = self.get(path, limit=_PAGE, marker=found[-1]["id"], **query)[key]

    def post(self, path: str, body: Any, deadline: Deadline | None = None, **how: Any) -> Body:
        """What was made.  After a CloudError that `may_have_happened`: look before asking again."""
        return _body(self._ask("POST", path, deadline, json=body, once=True, **how))

    def check(self, path: str, body: Any, deadline: Deadline | None = None, **how: Any) -> Body:
        """The answer to a POST that changes nothing."""
        return _body(self._ask("POST", path, deadline, json=body, **how))

    def put(self, path: str, body: Any, deadline: Deadline | None = None, **how: Any) -> Body:
        """What became of a thing."""
        return _body(self._ask("PUT", path, deadline, json=body, **how))

    def patch(self, path: str, body: Any, deadline: Deadline | None = None, **how: Any) -> Body:
        """The same, where only a part of it is said."""
        return _body(self._ask("PATCH", path, deadline, json=body, **how))

    def delete(self, path: str, deadline: Deadline | None = None, **query: Any) -> bool:
        """False when it was not there any more."""
        answer = self._ask("DELETE", path, deadline, params=query, wanted=_GONE)
        return answer.status_code not in _GONE

    def upload(self, path: str, content: BinaryIO, deadline: Deadline) -> None:
        """Put a file's bytes; once, for they are read only once."""
        headers = {"Content-Type": "application/octet-stream"}
        self._ask("PUT", path, deadline, data=content, headers=headers, once=True)

    def is_there(self) -> bool:
        """Whether the catalog holds the service for this login."""
        kind, _ = SERVICES[self.name]
        login = self._cloud.login
        catalog = self._cloud.access().service_catalog
        found = catalog.get_endpoints(
            service_type=kind, interface=login.interface, region_name=login.region
        )
        return any(found.values())

    def version(self) -> str | None:
        """The newest microversion that it offers, else its version; None when it does not say."""
        found = self._cloud.patiently(self.name, self._adapter().get_endpoint_data)
        if found is None:
            return None
        newest = found.max_microversion or found.api_version
        return None if newest is None else ".".join(str(part) for part in newest)

    # --- in detail ---------------------------------------------------------------------------

    def _adapter(self) -> Adapter:
        from keystoneauth1.adapter import Adapter

        kind, version = SERVICES[self.name]
        return Adapter(
            self._cloud.session,
            service_type=kind,
            interface=self._cloud.login.interface,
            region_name=self._cloud.login.region,
            min_version=version,
            max_version=f"{version}.latest",
            client_name="storperf",
        )

    def _ask(
        self,
        method: str,
        path: str,
        deadline: Deadline | None,
        *,
        once: bool = False,
        wanted: tuple[int, ...] = (),
        **how: Any,
    ) -> Response:
        until = deadline or Deadline.after(self._cloud.patience_s)
        adapter = self._adapter()
        if "params" in how and "microversion" in how["params"]:
            how["microversion"] = how["params"].pop("microversion")

        def ask() -> Response:
            within_s = until.remaining_s() if "data" in how else _REQUEST_S
            answer: Response = adapter.request(
                path,
                method,
                raise_exc=False,
                log=False,
                timeout=max(0.1, min(within_s, until.remaining_s())),
                **how,
            )
            if answer.status_code < 400 or answer.status_code in wanted:
                return answer
            raise refusal(self.name, f"{method} {path}", answer, self._cloud.login)

        return self._cloud.patiently(self.name, ask, until, once=once)


def _body(answer: Response) -> Body:
    if not answer.content:
        return {}
    try:
        found = answer.json()
    except ValueError as error:
        if answer.status_code == _TAKEN:
            return {}  # Heat says so in a page of its web server
        raise CloudError(
            f"{answer.url} answers with what is no JSON; is a proxy in between?",
            status=answer.status_code,
        ) from error
    return found if isinstance(found, dict) else {"": found}
