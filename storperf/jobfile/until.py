"""The keys of `until`: the rules that end a trial before its time is up."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from storperf.jobfile import scalars
from storperf.jobfile.section import Section
from storperf.jobfile.section import key as _key
from storperf.jobfile.snia import range_key, slope_key
from storperf.model.ending import Need
from storperf.units import parse_duration_s, parse_share

DEFAULT_AT_MOST = "20m"


class SteadySection(Section):
    """The rule of SNIA's Performance Test Specification; `{}` takes it as it stands there."""

    round: scalars.RoundDuration | None = _key(
        "Length of one round, at least 10s. By default at_most/25, so that a deadline has room "
        "for five windows; never under 10s.",
        None,
    )
    rounds: scalars.Rounds = _key("Rounds in the window that is looked at; SNIA's 5.", 5, shown=5)
    range: scalars.Share = range_key()
    slope: scalars.Share = slope_key()


class StorperfRuleSection(Section):
    """The rule of the earlier StorPerf, only to compare with its results; `{}` is as it was."""

    sample: scalars.RoundDuration = _key(
        "Time between two samples, at least 10s; it took one a minute.",
        parse_duration_s("60s"),
        shown="60s",
    )
    samples: scalars.Rounds = _key("Samples in the window that is looked at.", 10, shown=10)
    range: scalars.Share = _key(
        "Largest minus smallest sample, as a share of their average.",
        parse_share("20%"),
        shown="20%",
    )
    slope: scalars.Share = _key(
        "Change of the fitted line per sample, as a share of the average; with ten samples that "
        "is nine times as loose as `until.steady.slope`.",
        parse_share("10%"),
        shown="10%",
    )


class ConfidentSection(Section):
    """The mean is known well enough: its 95 % interval, from ten batch means, is narrow."""

    half_width: scalars.Share = _key(
        "Half of the interval at most, as a share of the mean, in every direction. 1% by default: "
        "about what two runs of a quiet host differ by.",
        parse_share("1%"),
        shown="1%",
    )
    at_least: scalars.IntervalCount = _key(
        "Intervals before the first look. 300 by default: with fewer the interval is too narrow "
        "where neighbouring seconds are alike, and looking again and again makes it worse.",
        300,
        shown=300,
    )


NEED_SCHEMA = WithJsonSchema({"type": "string", "enum": [need.value for need in Need]})


class UntilSection(Section):
    """End a trial as soon as its rules are met; `{}` is SNIA's rule."""

    steady: SteadySection | None = _key(
        "It has become steady by SNIA's rule. Taken as it stands when no rule is named.", None
    )
    confident: ConfidentSection | None = _key("Its mean is known well enough.", None)
    storperf: StorperfRuleSection | None = _key(
        "The rule of the earlier StorPerf; only to compare with its results. It looks at fio's "
        "running averages since the start, which flatten by themselves, and so "
        "[calls steady what is not](../explanation/steady-state.md#the-earlier-storperfs-rule).",
        None,
    )
    need: Annotated[Need, BeforeValidator(scalars.word(*Need)), NEED_SCHEMA] | None = _key(
        "With several rules: `all` of them at the same time, or `any` one.", None, shown="all"
    )
    at_most: scalars.TrialDuration = _key(
        "The deadline: a trial whose rules are not met by then ends, and says so.",
        parse_duration_s(DEFAULT_AT_MOST),
        shown=DEFAULT_AT_MOST,
    )
