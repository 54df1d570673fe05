"""A calibration for a terminal and for a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from storperf.errors import ExitCode
from storperf.model.calibration import CalibratedSpread, Calibration, Rate, Rehearsal
from storperf.model.metric import METRICS
from storperf.reports.clean import line
from storperf.reports.document import plain
from storperf.stats.prior import CAUTION, FEWEST_POOLED_DF
from storperf.stats.wording import count, figure_name, percent, quantity

SCHEMA = "storperf-calibration/1"


def calibration_table(found: Calibration) -> RenderableType:
    """Each figure's middle and spread, what the lab is known for now, and how often it alarms."""
    parts: list[RenderableType] = [Text(said) for said in _heading(found)]
    if found.figures:
        parts.append(_figures(found))
    parts += [Text(said) for said in calibration_sentences(found)]
    return Group(*parts)


def calibration_document(found: Calibration, exit_code: ExitCode) -> dict[str, Any]:
    """The same as plain values; spreads are standard deviations of natural logarithms."""
    document: dict[str, Any] = plain(
        {
            "schema": SCHEMA,
            "exit_code": int(exit_code),
            "calibration": found.name,
            "job": found.job,
            "lab": found.lab,
            "wanted": found.wanted,
            "runs": found.runs,
            "usable": found.usable,
            "figures": [
                {
                    "step": each.step,
                    "op": each.op,
                    "metric": each.metric,
                    "unit": METRICS[each.metric].unit,
                    "kind": each.kind,
                    "values": each.values,
                    "centre": each.centre,
                    "spread": each.sigma,
                }
                for each in found.figures
            ],
            "spreads": [_spread(each) for each in found.spreads],
            "confirm": found.confirm,
            "rehearsal": None if found.rehearsal is None else _rehearsal(found.rehearsal),
            "sentences": list(calibration_sentences(found)),
        }
    )
    return document


def calibration_sentences(found: Calibration) -> Iterator[str]:
    """What the lab is known for now, and how often nightly runs will alarm."""
    for each in found.spreads:
        if each.df < FEWEST_POOLED_DF:
            yield (
                f"{_kind(each)}: {count(each.df, 'degree')} of freedom are too few to judge with, "
                f"{FEWEST_POOLED_DF} are needed; measure more runs."
            )
        else:
            yield (
                f"{_kind(each)}: steps of this kind are judged with a spread of "
                f"{percent(CAUTION * each.sigma)} ({percent(each.sigma)} measured, "
                f"{each.df} degrees of freedom, set 15 % higher)."
            )
    if found.rehearsal is None:
        yield "Nothing can be said of alarms: no figure has two runs that passed the gates."
    else:
        yield from _alarms(found.rehearsal, found.confirm)


def _kind(spread: CalibratedSpread) -> str:
    return f"{line(spread.kind)}, {figure_name(spread.op, spread.metric)}"


def _alarms(found: Rehearsal, confirm: str) -> Iterator[str]:
    yield (
        f"At these settings ({count(found.baseline_runs, 'run')} in the baseline, {confirm}), of "
        f"{found.failed.nights} simulated nightly runs in which nothing changed:"
    )
    yield f"  false alarms (fail): {one_in(found.failed)}."
    yield f"  suspicious, and so measured afresh or left open: {one_in(found.suspicious)}."
    yield f"  inconclusive in the end: {one_in(found.undecided)}."


def one_in(rate: Rate) -> str:
    """How seldom, with the 95 % interval: `one in 180 nightly runs (95 %: 90 to 400)`."""
    if not rate.count:
        return f"none; less than one in {_nights(rate.high)} nightly runs (95 %)"
    return (
        f"one in {_nights(rate.share)} nightly runs "
        f"(95 %: {_nights(rate.high)} to {_nights(rate.low)})"
    )


def _nights(share: float) -> str:
    """1 / share with two digits, as whole nights from ten on."""
    nights = 1 / share
    if nights < 10:
        return f"{nights:.1f}"
    return f"{float(f'{nights:.2g}'):.0f}"


def _heading(found: Calibration) -> Iterator[str]:
    measured = f"{len(found.runs)} of {count(found.wanted, 'run')} measured"
    yield f"{line(found.job)} in lab {line(found.lab)}: {measured}, {found.usable} usable"


def _figures(found: Calibration) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("step", overflow="fold", ratio=1, min_width=16)
    table.add_column("figure", no_wrap=True)
    for heading in ("runs", "middle", "lowest", "highest", "spread"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in found.figures:
        metric = METRICS[each.metric]
        table.add_row(
            Text(line(each.step)),
            Text(figure_name(each.op, each.metric)),
            str(len(each.values)),
            *(quantity(metric, v) for v in (each.centre, min(each.values), max(each.values))),
            "-" if each.sigma is None else percent(each.sigma),
        )
    return table


def _spread(each: CalibratedSpread) -> dict[str, object]:
    return {
        "kind": each.kind,
        "op": each.op,
        "metric": each.metric,
        "figures": each.figures,
        "spread": each.sigma,
        "df": each.df,
        "is_used": each.df >= FEWEST_POOLED_DF,
        "judged_with": CAUTION * each.sigma,
        "at_s": each.at_s,
    }


def _rehearsal(found: Rehearsal) -> dict[str, object]:
    rates = {"false_alarms": found.failed, "suspicious": found.suspicious}
    return {
        "baseline_runs": found.baseline_runs,
        "nights": found.failed.nights,
        **{
            name: {"count": rate.count, "share": rate.share, "low": rate.low, "high": rate.high}
            for name, rate in {**rates, "inconclusive": found.undecided}.items()
        },
    }
