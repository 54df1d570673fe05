"""Heat's events as a line of progress, and its resources' failures as reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from storperf.deadline import Deadline

Body = dict[str, Any]

_COUNTED = (
    ("OS::Nova::Server", "servers up"),
    ("OS::Cinder::VolumeAttachment", "volumes attached"),
)


class Progress:
    """Counts what is complete of a template; tells a line when a count has changed.

    Events name resources and no types, so the template says what is what.
    """

    def __init__(self, resources: Mapping[str, Body], tell: Callable[[str], None]) -> None:
        self._seen: set[str] = set()
        self._tell = tell
        self._all = {
            words: {name for name, each in resources.items() if each["type"] == kind}
            for kind, words in _COUNTED
        }
        self._done: set[str] = set()
        self._last = self._line()

    def has_heard(self, event: Body) -> bool:
        """Whether this event was taken in before."""
        return event["id"] in self._seen

    def hear(self, events: Iterable[Body]) -> None:
        """Take in events; each counts once."""
        for event in events:
            if self.has_heard(event):
                continue
            self._seen.add(event["id"])
            status, name = event["resource_status"], event["resource_name"]
            if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
                self._done.add(name)
            elif status.endswith("_FAILED"):
                self._tell(f"{name}: {event['resource_status_reason']}")
        line = self._line()
        if line != self._last:
            self._tell(line)
            self._last = line

    def _line(self) -> str:
        return ", ".join(
            f"{len(names & self._done)}/{len(names)} {words}"
            for words, names in self._all.items()
            if names
        )


class Silence:
    """Whether nothing new was heard for `limit_s`."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._last: object = None
        self.begin()

    def begin(self) -> None:
        """Count from now on."""
        self._end = Deadline.after(self._limit_s)

    def hear(self, sign: object) -> None:
        """Take in what is known by now; when it has changed, the silence is broken."""
        if sign != self._last:
            self._last = sign
            self.begin()

    @property
    def is_too_long(self) -> bool:
        """Whether the limit is over."""
        return self._end.is_over


def reasons(resources: Iterable[Body]) -> list[str]:
    """A line for each resource that failed, with its reason; those that merely waited are none."""
    return [
        f"{each['resource_name']} ({each['resource_type']}): "
        f"{' '.join(str(each['resource_status_reason']).split())}"
        for each in resources
        if each["resource_status"].endswith("_FAILED")
    ]


def unfinished(resources: Iterable[Body]) -> list[str]:
    """A line for each resource that Heat is still at."""
    return [
        f"{each['resource_name']} ({each['resource_type']}) is {each['resource_status']}"
        for each in resources
        if each["resource_status"].endswith("_IN_PROGRESS")
    ]


def not_gone(resources: Iterable[Body]) -> list[str]:
    """A line for each resource that is still there; first those that failed to go, with why."""
    left = [
        each
        for each in resources
        if each["physical_resource_id"] and each["resource_status"] != "DELETE_COMPLETE"
    ]
    return [
        f"{each['resource_type']} {each['resource_name']} "
        f"{each['physical_resource_id']}: {each['resource_status_reason'] or 'not deleted'}"
        for each in sorted(left, key=lambda each: each["resource_status"] != "DELETE_FAILED")
    ]
