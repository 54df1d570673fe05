"""Limits as sentences: `[read|write|trim] [<workload>:] <figure> >= | <= <bound>`.

Or as a mapping `{limit: <sentence>, on: each step | worst agent | sum}`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches

from storperf.model.job import Limit, LimitOn, Op
from storperf.model.metric import METRICS
from storperf.units import parse_duration_ns, parse_size

_SENTENCE = re.compile(
    r"(?:(?P<op>read|write|trim)\s+)?(?:(?P<workload>.+?)\s*:\s+)?"
    r"(?P<figure>[^<>=:]+?)\s*(?P<sign>[<>]=)\s*(?P<bound>[^<>=]+)"
)
_COUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kM]?)")
_FIGURES = {metric.label.lower(): metric for metric in METRICS.values()}
_MAX_SENTENCE = 400

FIGURES = tuple(_FIGURES)
SHAPE = "[read|write|trim] [<workload>:] <figure> >= or <= <bound>"
PLACES = tuple(place.value for place in LimitOn)
# What the schema of a job file says of a limit.
SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {
                "limit": {"type": "string"},
                "on": {"type": "string", "enum": list(PLACES), "default": LimitOn.EACH_STEP.value},
            },
            "required": ["limit"],
            "additionalProperties": False,
        },
    ]
}
_KEYS = {"limit", "on"}


def read_limit(value: object) -> Limit:
    """The limit that an entry of the job file states; ValueError lists what is possible.

    Its text says on what it is judged, where that is not each step.
    """
    if not isinstance(value, Mapping):
        return _sentence(value)
    unknown = [str(key) for key in value if key not in _KEYS]
    if unknown or "limit" not in value:
        wrong = f"; {unknown[0]!r} is no key of it" if unknown else "; it has no `limit`"
        raise ValueError(f"a limit is a sentence, or {{limit: <sentence>, on: <place>}}{wrong}")
    limit, on = _sentence(value["limit"]), value.get("on", LimitOn.EACH_STEP)
    if on not in PLACES:
        raise ValueError(f"{on!r} is not one of {', '.join(PLACES)}")
    if on == LimitOn.SUM and METRICS[limit.metric].unit == "ns":
        raise ValueError(f"latencies have no sum; {limit.text!r} can be on {', '.join(PLACES[:2])}")
    if on == LimitOn.EACH_STEP:
        return limit
    return replace(limit, text=f"{limit.text} ({on})", on=LimitOn(on))


def _sentence(value: object) -> Limit:
    if not isinstance(value, str) or len(value) > _MAX_SENTENCE:
        raise ValueError(f"a limit is a short sentence: {SHAPE}")
    match = _SENTENCE.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is not a limit; the shape is {SHAPE}")
    figure = " ".join(match["figure"].split()).lower()
    metric = _FIGURES.get(figure)
    if metric is None:
        raise ValueError(
            f"{match['figure']!r} is not a figure{_nearest(figure)}; there are {', '.join(FIGURES)}"
        )
    bound = _bound(metric.unit, match["bound"].strip())
    if not 0 < bound < math.inf:
        raise ValueError(f"the bound in {value!r} must be more than 0")
    return Limit(
        text=value.strip(),
        metric=metric.name,
        at_least=match["sign"] == ">=",
        bound=bound,
        op=Op(match["op"]) if match["op"] else None,
        workload=match["workload"],
    )


def _nearest(figure: str) -> str:
    near = get_close_matches(figure, FIGURES, n=1)
    return f", did you mean {near[0]!r}" if near else ""


def _bound(unit: str, text: str) -> float:
    """The bound in the metric's own unit."""
    if unit == "1/s":
        match = _COUNT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a number of operations per second; write 5000 or 5k")
        return float(match[1]) * {"": 1, "k": 1e3, "M": 1e6}[match[2]]
    if unit == "B/s":
        return float(_bytes_per_s(text))
    if re.fullmatch(r"[\d.]+", text):
        raise ValueError(f"the latency {text!r} has no unit; write us, ms or s behind it")
    return float(parse_duration_ns(text))


def _bytes_per_s(text: str) -> int:
    rate = re.fullmatch(r"(.*?)\s*/\s*s", text)
    if rate is None:
        raise ValueError(f"{text!r} is not a bandwidth; write 100MiB/s")
    return parse_size(rate[1])
