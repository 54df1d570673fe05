"""A stack's life: made, larger, waited for, deleted; each with Heat's own reasons."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

from storperf.deadline import Deadline
from storperf.errors import Cancelled, CloudError, Conflict
from storperf.heat.template import Template
from storperf.providers.heat_facts import fetch_servers
from storperf.providers.heat_progress import Progress, Silence, not_gone, reasons, unfinished
from storperf.providers.heat_strays import delete_strays
from storperf.providers.openstack_session import Cloud
from storperf.providers.provider import Errand

log = logging.getLogger(__name__)

Body = dict[str, Any]

_FIRST_LOOK_S = 1.0
_LONGEST_LOOK_S = 5.0
_GONE = "DELETE_COMPLETE"
_IN_PROGRESS = "_IN_PROGRESS"
_DELETES = 3
# The first makes FAILED what was lost, the second makes it anew, the third is for a second loss.
_TAKEOVERS = 3
_EVENTS = 200
_NEWEST: Body = {"sort_keys": "created_at", "sort_dir": "desc"}
_STALL_S = 180.0


class StackLife:
    """One stack of the cloud, by its name; `token` is in its tags when it is ours."""

    def __init__(self, cloud: Cloud, name: str, token: str, errand: Errand) -> None:
        self.name = name
        self._cloud = cloud
        self._heat = cloud.orchestration
        self._tag = f"storperf_token={token}"
        self._errand = errand

    def find(self) -> Body | None:
        """The stack, None when there is none; Conflict when the name is somebody else's."""
        found = self._heat.find(f"/stacks/{self.name}", resolve_outputs=False)
        stack: Body | None = None if found is None else found["stack"]
        if stack is None or stack["stack_status"] == _GONE:
            return None
        if self._tag not in (stack.get("tags") or ()):
            raise Conflict(
                f"the name {self.name} is taken by a stack that this run did not make; leave "
                "provider.stack.name out, or delete that stack"
            )
        return stack

    def create(self, template: Template, tags: tuple[str, ...], within_s: float) -> Body:
        """The stack, begun; one that an earlier try has begun is taken as it is."""
        found = self.find()
        if found is not None:
            return found
        asked = {
            "stack_name": self.name,
            "template": template.body,
            "parameters": dict(template.parameters),
            "disable_rollback": True,
            "timeout_mins": max(1, round(within_s / 60)),
            "tags": ",".join((self._tag, *tags)),
        }
        try:
            self._heat.post("/stacks", asked)
        except CloudError as error:
            # The answer may be lost, or a proxy may have asked twice: look before it is a fault.
            if not (error.may_have_happened or error.status == 409) or self.find() is None:
                raise
            log.info("%s was begun all the same: %s", self.name, error.message)
        return self._present()

    def update(self, stack: Body, template: Template, within_s: float) -> None:
        """Begin to make the stack what the template says; its tags stay."""
        asked = {
            "template": template.body,
            "parameters": dict(template.parameters),
            "disable_rollback": True,
            "timeout_mins": max(1, round(within_s / 60)),
            "tags": ",".join(stack["tags"]),
        }
        self._heat.put(_path(stack), asked)

    def wait(self, stack: Body, template: Template, deadline: Deadline, stall_s: float) -> Body:
        """The stack once Heat is done with it, or as it is when the deadline is over.

        An engine that is killed forgets what it was at, and the stack stays IN_PROGRESS for ever.
        After `stall_s` without a word it is updated: that makes FAILED what was lost, and another
        update makes it anew.  Progress is told; Cancelled when the errand ends.
        """
        progress = Progress(template.body["resources"], self._errand.tell)
        found = self._watched(stack, progress, deadline, stall_s)
        for number in range(1, _TAKEOVERS + 1):
            is_stuck = _is_in_progress(found)
            is_lost = number > 1 and found["stack_status"].endswith("_FAILED")
            if deadline.is_over or not (is_stuck or is_lost):
                break
            why = f"Heat tells nothing new for {stall_s:.0f} s" if is_stuck else "a part was lost"
            self._errand.tell(f"updating {self.name} ({number}/{_TAKEOVERS}): {why}")
            self._delete_strays(found, deadline)
            try:
                self.update(found, template, deadline.remaining_s())
            except CloudError:
                # Heat refuses it for a stack that is being deleted since we looked.
                self._ours(self.find())
                raise
            found = self._watched(found, progress, deadline, stall_s)
        return found

    def resources(self, stack: Body) -> dict[str, Body]:
        """The stack's resources by name: `physical_resource_id`, `resource_status` and more."""
        found = self._heat.get(f"{_path(stack)}/resources")["resources"]
        return {each["resource_name"]: each for each in found}

    def why_failed(self, stack: Body) -> list[str]:
        """A line for each resource that failed, else for each that Heat is still at.

        Heat's general reason when there is neither.
        """
        found = self.resources(stack).values()
        return reasons(found) or unfinished(found) or [stack["stack_status_reason"]]

    def delete(self, deadline: Deadline, stall_s: float = _STALL_S) -> list[str]:
        """Delete the stack, more than once if need be; what is left, by name and reason.

        Asked again, too, when Heat tells nothing new for `stall_s`: it may have lost its work.
        An engine that refuses is asked until the deadline: another one may be asked next.
        Not cancelled by anybody: a second Ctrl-C would leave what costs money.
        """
        left: list[str] = []
        for number in range(_DELETES):
            try:
                stack = self.find()
            except Conflict:
                return []  # what has the name by now is not ours
            if stack is None:
                return []
            if number:
                self._errand.tell(f"deleting {self.name} again: {len(left)} left, {left[0]}")
                self._delete_strays(stack, deadline)
            try:
                self._heat.delete(_path(stack), deadline)
            except CloudError as error:
                return [f"stack {self.name}: {error.message}", *left]
            left = self._deleted(stack, deadline, math.inf if number == _DELETES - 1 else stall_s)
            if not left or deadline.is_over:
                break
        return left

    # --- in detail ---------------------------------------------------------------------------

    def _watched(self, stack: Body, progress: Progress, deadline: Deadline, stall_s: float) -> Body:
        """The stack when Heat is done with it, has lost it, or the deadline is over."""
        silence = Silence(stall_s)
        for found in self._looks(deadline, self._wait_or_end):
            now = self._ours(found)
            news = self._events(now, progress)
            progress.hear(news)
            if not _is_in_progress(now):
                return now
            stack = now
            silence.hear((now["stack_status"], news[-1]["id"] if news else None))
            if silence.is_too_long:
                if not self._is_being_made():
                    return now
                silence.begin()
        return stack

    def _ours(self, stack: Body | None) -> Body:
        """The stack; CloudError when it is gone or going: this manager did not ask for that."""
        if stack is None or stack["stack_status"].startswith("DELETE_"):
            raise CloudError(f"the stack {self.name} was deleted by somebody else", status=404)
        return stack

    def _is_being_made(self) -> bool:
        """Whether Nova or Cinder are still at something, so that Heat has cause to wait."""
        prefix = f"{self.name}-"
        servers = fetch_servers(self._cloud, self.name)
        volumes = self._cloud.volume.pages("/volumes/detail", "volumes")
        return any(each["status"] == "BUILD" for each in servers.values()) or any(
            each["status"] == "creating" and (each["name"] or "").startswith(prefix)
            for each in volumes
        )

    def _present(self) -> Body:
        stack = self.find()
        if stack is None:
            raise CloudError(f"Heat took the stack {self.name} and has it no more", status=404)
        return stack

    def _deleted(self, stack: Body, deadline: Deadline, stall_s: float) -> list[str]:
        """Wait until it is gone; what is left when it is not, or nothing goes on."""
        silence = Silence(stall_s)
        for now in self._looks(deadline, threading.Event().wait):
            if now is None:
                return []
            stack = now
            newest = self._heat.find(f"{_path(now)}/events", **_NEWEST, limit=1) or {"events": []}
            silence.hear([each["id"] for each in newest["events"]])
            if now["stack_status"] == "DELETE_FAILED" or silence.is_too_long:
                break
        found = self._heat.find(f"{_path(stack)}/resources")
        if found is None:
            return []
        return not_gone(found["resources"]) or [
            f"stack {self.name}: {stack['stack_status_reason']}"
        ]

    def _delete_strays(self, stack: Body, deadline: Deadline) -> None:
        """Delete what Heat has made and forgotten, and tell of it."""
        listed = self._heat.find(f"{_path(stack)}/resources") or {"resources": []}
        known = {each["physical_resource_id"] for each in listed["resources"]}
        for name in delete_strays(self._cloud, self.name, self._errand.run_id, known, deadline):
            self._errand.tell(f"deleted {name}, which Heat had forgotten")

    def _wait_or_end(self, seconds: float) -> None:
        if self._errand.wait(seconds):
            raise Cancelled("cancelled while the stack was being made")

    def _looks(self, deadline: Deadline, wait: Callable[[float], object]) -> Iterator[Body | None]:
        """The stack again and again, until the deadline; None once it is gone."""
        pause_s = _FIRST_LOOK_S
        while True:
            yield self.find()
            if deadline.is_over:
                return
            wait(min(pause_s, deadline.remaining_s()))
            pause_s = min(_LONGEST_LOOK_S, pause_s * 1.3)

    def _events(self, stack: Body, progress: Progress) -> list[Body]:
        """The events that are new, oldest first.

        Newest first and back to what is known: their times are whole seconds, so that one may
        appear behind a marker that was later.
        """
        found: list[Body] = []
        query: Body = {**_NEWEST, "limit": _EVENTS}
        while True:
            answer = self._heat.find(f"{_path(stack)}/events", **query)
            page = [] if answer is None else answer["events"]
            found += page
            if len(page) < _EVENTS or any(progress.has_heard(each) for each in page):
                return found[::-1]
            query["marker"] = page[-1]["id"]


def _path(stack: Body) -> str:
    return f"/stacks/{stack['stack_name']}/{stack['id']}"


def _is_in_progress(stack: Body) -> bool:
    return str(stack["stack_status"]).endswith(_IN_PROGRESS)
