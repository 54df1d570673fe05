"""A Jenkins, as a build on it or a person beside it needs it; jenkinsapi speaks to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from storperf.deadline import Deadline
from storperf.errors import DeliveryError, UnknownName, UsageError
from storperf.reports.clean import line

if TYPE_CHECKING:
    from jenkinsapi.jenkins import Jenkins
    from jenkinsapi.job import Job

_REQUEST_S = 20
_POLL_S = 2.0
# What a Jenkins that restarts, or a proxy before it, answers for a while.
_PASSING = (408, 429, 500, 502, 503, 504)


class GoodBuild(StrEnum):
    """Whose artefact is wanted.  An unstable build is not red: Jenkins calls it successful."""

    NOT_RED = "not_red"
    GREEN = "green"


@dataclass(frozen=True, slots=True, kw_only=True)
class JenkinsLogin:
    """Where a Jenkins is, and who asks; without a user it is asked as nobody."""

    url: str
    user: str = ""
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A file that a build kept, and the build's number."""

    build: int
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedBuild:
    """`result` is Jenkins' own word: SUCCESS, UNSTABLE, FAILURE, NOT_BUILT or ABORTED."""

    number: int
    url: str
    result: str


class JenkinsServer:
    """Raises UsageError for a wrong address, DeliveryError for what keeps an answer away."""

    def __init__(self, login: JenkinsLogin) -> None:
        parts = urlsplit(login.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(
                f"{line(login.url)!r} is no address of a Jenkins; say http://HOST:PORT"
            )
        if parts.username or parts.password:
            raise UsageError("a login belongs into the environment, not into Jenkins' address")
        if bool(login.user) != bool(login.token):
            raise UsageError("Jenkins wants a user and that user's token, or neither of them")
        self._login = login
        self._url = login.url.rstrip("/")

    def artefact(self, job: str, path: str, build: GoodBuild) -> Artefact | None:
        """A file of the last good build; None without such a build, or without that file."""
        from jenkinsapi.custom_exceptions import NoBuildData

        with self._faults(f"job {job}"):
            found = self._job(job)
            try:
                number = (
                    found.get_last_stable_buildnumber()
                    if build is GoodBuild.GREEN
                    else found.get_last_good_buildnumber()
                )
            except NoBuildData:
                return None
            address = f"{found.baseurl}/{number}/artifact/{quote(path)}"
            answer = found.jenkins.requester.get_url(address)
            if answer.status_code == 404:
                return None
            answer.raise_for_status()
            content: bytes = answer.content
            return Artefact(build=number, content=content)

    def trigger(self, job: str, parameters: Mapping[str, str]) -> str:
        """Put a build of a job into Jenkins' queue; gives the address of its place there."""
        with self._faults(f"job {job}"):
            found = self._job(job)
            if parameters and not found.has_params():
                raise UsageError(f"job {job} takes no parameters")
            unknown = sorted(set(parameters) - set(found.get_params_list()))
            if unknown:
                raise UsageError(f"job {job} has no parameter {', '.join(unknown)}")
            item = found.invoke(build_params=dict(parameters))
            return str(item.baseurl)

    def wait_in_queue(self, item: str, patience: Deadline) -> int:
        """The number of the build that a place in the queue becomes.

        DeliveryError when somebody cancels it there, or `patience` is over.
        """
        while True:
            found = self._look(self._below(item), f"queue item {item}")
            if found.get("cancelled"):
                raise DeliveryError(f"{item} was cancelled while it was queued")
            executable = found.get("executable")
            if isinstance(executable, dict):
                return int(executable["number"])
            why = line(str(found.get("why") or "nobody says why"))
            self._wait(patience, found.get("fault") or f"{item} is still queued: {why}")

    def wait_for_build(self, job: str, number: int, patience: Deadline) -> EndedBuild:
        """How a build ended.  DeliveryError when it has not when `patience` is over."""
        url = f"{self._job_url(job)}/{number}"
        while True:
            found = self._look(url, f"build {number} of job {job}")
            if not found.get("building") and found.get("result"):
                return EndedBuild(number=number, url=f"{url}/", result=str(found["result"]))
            still = f"build {number} of job {job} has not ended"
            self._wait(patience, found.get("fault") or still)

    def describe(self, job: str, number: int, text: str) -> None:
        """Set a build's description; Jenkins shows it as its markup formatter allows."""
        with self._faults(f"build {number} of job {job}"):
            address = f"{self._job_url(job)}/{number}/submitDescription"
            self._jenkins().requester.post_and_confirm_status(
                address, data={"description": text}, valid=[200, 201, 302, 303]
            )

    # --- in detail ---------------------------------------------------------------------------

    def _jenkins(self) -> Jenkins:
        # Heavy: only these commands need it.
        from jenkinsapi.jenkins import Jenkins

        return Jenkins(
            self._url,
            username=self._login.user,
            password=self._login.token,
            lazy=True,
            timeout=_REQUEST_S,
        )

    def _job(self, job: str) -> Job:
        return self._jenkins().get_job_by_url(self._job_url(job), job)

    def _job_url(self, job: str) -> str:
        """A job in folders is `folder/job`, as $JOB_NAME has it."""
        parts = [part for part in job.split("/") if part]
        if not parts or ".." in parts:
            raise UsageError(f"{line(job)!r} is no name of a job")
        return self._url + "".join(f"/job/{quote(part, safe='')}" for part in parts)

    def _look(self, url: str, what: str) -> dict[str, Any]:
        """What is there; what passes (Jenkins restarts, a proxy fails) is only its `fault`."""
        jenkins = self._jenkins()
        try:
            with self._faults(what):
                found: dict[str, Any] = jenkins.get_data(jenkins.python_api_url(url))
                return found
        except DeliveryError as error:
            if not error.is_passing:
                raise
            return {"fault": error.message}

    def _below(self, address: str) -> str:
        """The address, if it is this Jenkins's: our login goes to no other."""
        if not address.startswith(f"{self._url}/"):
            raise UsageError(f"{line(address)} is no address of the Jenkins at {self._url}")
        return address.rstrip("/")

    def _wait(self, patience: Deadline, still: str) -> None:
        if patience.is_over:
            raise DeliveryError(still, is_passing=True)
        threading.Event().wait(min(_POLL_S, patience.remaining_s()))

    @contextmanager
    def _faults(self, what: str) -> Iterator[None]:
        """Turn jenkinsapi's and requests' errors into ours, without what they quote of requests."""
        import requests
        from jenkinsapi.custom_exceptions import JenkinsAPIException

        try:
            yield
        except requests.HTTPError as error:
            status = error.response.status_code
            raise self._refusal(what, status) from error
        except requests.RequestException as error:
            cause = type(error).__name__
            raise DeliveryError(
                f"the Jenkins at {self._url} does not answer ({cause})", is_passing=True
            ) from error
        except (JenkinsAPIException, RuntimeError, ValueError, KeyError) as error:
            raise DeliveryError(
                f"the Jenkins at {self._url} refuses what was asked of {what}, or is none "
                f"({type(error).__name__})"
            ) from None

    def _refusal(self, what: str, status: int) -> Exception:
        if status == 404:
            return UnknownName(f"the Jenkins at {self._url} has no {what}, or not for this user")
        if status in {401, 403}:
            who = self._login.user or "nobody"
            return DeliveryError(
                f"the Jenkins at {self._url} lets {who} not in ({status}): look at user and token"
            )
        return DeliveryError(
            f"the Jenkins at {self._url} answers {status} to {what}", is_passing=status in _PASSING
        )
