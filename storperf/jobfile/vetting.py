"""A job file that somebody sent, made into one that can be trusted, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from storperf.errors import StorperfError
from storperf.jobfile.parse import NO_VARIABLES, parse_job
from storperf.jobfile.places import Places
from storperf.model.job import Job, Origin

_SOURCE = "the job"


def vet(
    text: str,
    *,
    places: Places,
    library: Mapping[str, str],
    variables: Mapping[str, str] = NO_VARIABLES,
) -> str:
    """The whole job file that `text` asks for: suite, profiles, variables and names put in.

    JobFileError when it asks for what only a trusted job file may.  Nothing is opened and
    nothing is asked: what it names is in `places` and in `library`, or refused.

    What comes out is read as trusted later, so it is read so here, too: both readings must agree
    in every value.
    """
    asked = parse_job(
        text,
        source=_SOURCE,
        origin=Origin.UNTRUSTED,
        library=library,
        variables=variables,
        places=places,
    )
    trusted = parse_job(asked.text, source=_SOURCE, origin=Origin.TRUSTED, library=library)
    if _values(trusted) != _values(asked):
        raise StorperfError("the job was read in two ways; it is not trusted, please report it")
    return asked.text


def _values(job: Job) -> Job:
    return replace(job, origin=Origin.TRUSTED, text="")
