"""One login to an OpenStack cloud, and the services that it opens.

Nothing of the login is stored or printed.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from storperf.deadline import Deadline
from storperf.errors import CloudError, UsageError
from storperf.providers.keystone import explain, make_plugin
from storperf.providers.openstack_faults import fault_on_the_way
from storperf.providers.openstack_login import OpenStackLogin, find_login, looked_in
from storperf.providers.openstack_service import CloudService
from storperf.settings import Settings

if TYPE_CHECKING:
    from keystoneauth1.access import AccessInfoV3
    from keystoneauth1.session import Session

log = logging.getLogger(__name__)

# A restart of an API, or of the Keystone behind it, takes less.
PATIENCE_S = 120.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0

Given = TypeVar("Given")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks, by Keystone's word.  `expires` is the token's end (ISO 8601)."""

    user: str
    user_id: str
    project: str | None
    project_id: str | None
    roles: tuple[str, ...]
    expires: str


class Cloud:
    """The services of a cloud as one login sees them; nobody is asked before the first call.

    Calls may come from several threads.  `calls` counts requests by service, repeated ones too.
    `patience_s` is how long a cloud that is away is asked again, where no deadline is given.
    """

    def __init__(self, login: OpenStackLogin, *, patience_s: float = PATIENCE_S) -> None:
        # Late: with what it needs it takes as long to import as a short command runs.
        from keystoneauth1.session import Session

        self.login = login
        self.patience_s = patience_s
        self.calls: Counter[str] = Counter()
        self.session: Session = Session(
            auth=_made_plugin(login), verify=login.verify, cert=login.certificate
        )
        self.identity = CloudService(self, "identity")
        self.orchestration = CloudService(self, "orchestration")
        self.compute = CloudService(self, "compute")
        self.volume = CloudService(self, "volume")
        self.image = CloudService(self, "image")
        self.network = CloudService(self, "network")

    def who(self, deadline: Deadline | None = None) -> Identity:
        """Who asks; CloudError when the cloud lets nobody in, or is away for too long."""
        access = self.access(deadline)
        return Identity(
            user=access.username or "",
            user_id=access.user_id or "",
            project=access.project_name,
            project_id=access.project_id,
            roles=tuple(access.role_names or ()),
            expires="" if access.expires is None else access.expires.isoformat(),
        )

    def access(self, deadline: Deadline | None = None) -> AccessInfoV3:
        """The token with its catalog; a new one when it is about to expire."""
        auth: Any = self.session.auth
        given: AccessInfoV3 = self.patiently(
            "identity", lambda: auth.get_access(self.session), deadline
        )
        return given

    def patiently(
        self,
        service: str,
        ask: Callable[[], Given],
        deadline: Deadline | None = None,
        *,
        once: bool = False,
    ) -> Given:
        """What `ask` gives; asked again while the cloud is away or busy, until the deadline.

        With `once` only after what surely was not taken: a second try could do it twice.
        """
        until = deadline or Deadline.after(self.patience_s)
        pause = threading.Event()
        for number in count():
            self.calls[service] += 1
            try:
                return self._translated(service, ask)
            except CloudError as error:
                # Jittered: what was sent away together must not come back together.
                step_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(number, 8))
                wait_s = max(error.wait_s, step_s * random.uniform(0.5, 1.0))  # noqa: S311
                is_final = not error.is_passing or (once and error.may_have_happened)
                if is_final or until.remaining_s() <= wait_s:
                    raise
                log.info("%s; asking again in %.1f s", error.message, wait_s)
            pause.wait(wait_s)
        raise RuntimeError("count() has no end")

    def _translated(self, service: str, ask: Callable[[], Given]) -> Given:
        from keystoneauth1.exceptions import ClientException

        try:
            return ask()
        except (ClientException, OSError) as error:
            # OSError: a file of certificates that is not there.
            raise fault_on_the_way(error, service, self.login) from error


def open_cloud(
    settings: Settings, name: str | None = None, *, patience_s: float = PATIENCE_S
) -> Cloud:
    """The cloud that OpenStack's own clients would take, or the one of clouds.yaml by its name.

    Asks nobody yet.  UsageError when nothing says one, or something is missing.
    """
    if name is not None:
        settings = replace(settings, openstack={**settings.openstack, "OS_CLOUD": name})
    login = find_login(settings)
    if login is None:
        raise UsageError(
            "no credentials for a cloud: no OS_AUTH_URL, no OS_CLOUD, no clouds.yaml in "
            f"{looked_in(settings)}; source the cloud's openrc file, or write clouds.yaml and say "
            "OS_CLOUD"
        )
    if login.missing:
        raise UsageError(f"{login.source} lacks {', '.join(login.missing)}")
    return Cloud(login, patience_s=patience_s)


def _made_plugin(login: OpenStackLogin) -> Any:
    from keystoneauth1.exceptions import ClientException

    try:
        return make_plugin(login)
    except (ClientException, TypeError) as error:
        # TypeError: some plugins find only when they are made that an option is missing.
        raise UsageError(f"{login.source}: {explain(error, login)[1]}") from error
