"""A report of the earlier StorPerf as an imported run: a step for each window, judged anew.

What StorPerf called steady says little: it limited the slope per sample, so that a window of
10 samples may drift by 90 % of its average, and its samples are means since the start, which
flatten by themselves.  The samples of its window are all there is, so that they are the rounds of
the SNIA rule here (range 20 %, excursion of the fitted line over the window 10 %).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from storperf.imports.figures import NotAResultError
from storperf.imports.imported import ImportedRun, ImportedTrial, trial_id
from storperf.model.ending import SteadyRule
from storperf.model.job import Op, Step, Workload
from storperf.model.metric import METRICS
from storperf.model.run import Steadiness, SteadyFigures, Summary, TrialEnd
from storperf.plan import fingerprint, key_name
from storperf.stats.repeats import ALL
from storperf.stats.steady import SniaFigures, snia_window
from storperf.stats.wording import figure_name, percent, quantity
from storperf.units import render_size

# StorPerf asked its Graphite for a value a minute.
_SAMPLE_S = 60.0
_FEWEST_SAMPLES = 3
_KIB = 1024
_MOST_AGENTS = 1_000_000
# Later than any result: seconds in the year 2242.
_LAST_S = float(1 << 33)
# What its workloads told fio; `rw` is sequential although it is described as random.
_OPTIONS = {
    "rr": (("rw", "randread"),),
    "rs": (("rw", "read"),),
    "wr": (("rw", "randwrite"),),
    "ws": (("rw", "write"),),
    "rw": (("rw", "rw"), ("rwmixread", "70")),
    "_warm_up": (("rw", "write"),),
}
# Its metrics, ours, and the factor to our unit: fio's KB/s are KiB/s, its latency was in us
# until fio 3.
_METRICS = {
    "iops": ("iops", 1.0),
    "bw": ("bandwidth", float(_KIB)),
    "lat.mean": ("lat_mean", 1000.0),
    "lat_ns.mean": ("lat_mean", 1.0),
}
_NOTE = (
    "The windows were judged anew by the SNIA rule; their samples are means since each"
    " window's fio began, as StorPerf took them."
)
_WINDOW = re.compile(
    r"(?P<name>.+)\.queue-depth\.(?P<depth>\d{1,9})\.block-size\.(?P<block>\d{1,12})"
)
_MEASURING = ("agent_count", "volume_count", "volume_size", "volume_type", "disk_type")
_TOLD = ("pod_name", "version", "build_tag", "scenario_name", "scenario", "installer", "criteria")

Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """The samples of one metric and direction in our unit."""

    op: Op
    metric: str
    values: tuple[float, ...]

    @property
    def average(self) -> float:
        return math.fsum(self.values) / len(self.values)


def find_report(tree: Any) -> Tree | None:
    """The report inside a document, wherever StorPerf and its results database put it."""
    if not isinstance(tree, Mapping):
        return None
    for place in (tree, tree.get("report"), tree.get("details")):
        if isinstance(place, Mapping) and isinstance(place.get("report_data"), Mapping):
            return {**{k: v for k, v in tree.items() if not isinstance(v, Mapping)}, **place}
    inner = tree.get("report")
    return find_report(inner) if isinstance(inner, Mapping) else None


def storperf_run(report: Tree) -> ImportedRun:
    """The run that the report is of; NotAResultError when it holds no window."""
    windows = report["report_data"]
    trials = tuple(
        _trial(str(name), found, report, trial_id(number))
        for number, (name, found) in enumerate(sorted(windows.items()), start=1)
    )
    if not trials:
        raise NotAResultError("it is a StorPerf report without a window")
    begun_s, ended_s = _times(report)
    longest_s = max((each.kept_s for trial in trials for each in trial.steady_figures), default=0.0)
    told = {name: report[name] for name in (*_MEASURING, *_TOLD) if name in report}
    return ImportedRun(
        kind="storperf",
        program=f"StorPerf {report.get('version', '')}".strip(),
        name=str(report.get("test_case") or report.get("case_name") or "storperf"),
        begun_s=begun_s,
        ended_s=ended_s,
        runtime_s=longest_s,
        interval_s=None,
        until_steady=True,
        text="".join(f"{name}: {value}\n" for name, value in told.items()),
        trials=trials,
        notes=(_NOTE,),
        environment={"storperf": dict(told)},
        understood={"form": "StorPerf report", "windows": [_understood(each) for each in trials]},
    )


def _understood(trial: ImportedTrial) -> dict[str, Any]:
    return {
        "step": trial.step.key,
        "steadiness": trial.steadiness.value,
        "steady_for_storperf": trial.facts.get("steady_for_storperf"),
        "fault": trial.end_reason,
        "figures": [
            {
                "op": each.op,
                "metric": each.metric,
                "unit": METRICS[each.metric].unit,
                "average": each.average,
                "range": each.snia_range,
                "excursion": each.snia_excursion,
                "steady": each.snia_steady,
            }
            for each in trial.steady_figures
        ],
    }


def _times(report: Tree) -> tuple[float | None, float | None]:
    """Begin and end in epoch seconds, as far as the report has them; its dates are UTC."""
    begun_s = _number(report.get("timestart"))
    if begun_s is None or not 0 <= begun_s <= _LAST_S:
        begun_s = _date_s(report.get("start_date"))
    ended_s, duration_s = _date_s(report.get("stop_date")), _number(report.get("duration"))
    if ended_s is None and begun_s is not None and duration_s is not None:
        ended_s = begun_s + duration_s
    if ended_s is not None and not 0 <= ended_s <= _LAST_S:
        ended_s = None
    return begun_s, ended_s


def _date_s(text: Any) -> float | None:
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _number(value: Any) -> float | None:
    is_one = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_one and math.isfinite(value) else None


def _trial(name: str, found: Any, report: Tree, trial: str) -> ImportedTrial:
    series = tuple(_read_series(name, found))
    step = _step(name, report)
    done = [each for each in series if each.average > 0]
    if not done:
        return ImportedTrial(
            step=step,
            end=TrialEnd.FAILED,
            end_reason="there is no I/O in its window",
            failure_kind="no_io",
            steadiness=Steadiness.NOT_JUDGED,
        )
    figures = tuple(_judged(each) for each in done)
    is_steady = all(each.snia_steady for each in figures)
    return ImportedTrial(
        step=step,
        end=TrialEnd.STEADY if is_steady else TrialEnd.DEADLINE,
        steadiness=Steadiness.STEADY if is_steady else Steadiness.NOT_STEADY,
        steady_figures=figures,
        summaries=tuple(
            Summary(
                trial=trial, agent=ALL, op=each.op.value, metric=each.metric, value=each.average
            )
            for each in done
        ),
        facts={
            "series": {f"{each.op.value} {each.metric}": list(each.values) for each in done},
            "steady_for_storperf": _said_steady(found),
        },
    )


def _read_series(window: str, found: Any) -> list[_Series]:
    if not isinstance(found, Mapping):
        raise NotAResultError(f"the window {window} is no object")
    series = []
    for name, by_op in found.items():
        if name not in _METRICS or not isinstance(by_op, Mapping):
            continue
        metric, factor = _METRICS[name]
        for op in (Op.READ, Op.WRITE):
            samples = by_op.get(op.value)
            if isinstance(samples, Mapping):
                values = _values(samples.get("series"), f"{window} {name} {op.value}")
                if values:
                    own = tuple(value * factor for value in values)
                    series.append(_Series(op=op, metric=metric, values=own))
    return series


def _values(samples: Any, place: str) -> list[float]:
    if not isinstance(samples, list):
        raise NotAResultError(f"the series {place} is no list")
    values = []
    for sample in samples:
        value = _number(sample[1]) if isinstance(sample, list) and len(sample) == 2 else None
        if value is None or value < 0:
            raise NotAResultError(f"the series {place} holds {sample!r}, which is no sample")
        values.append(value)
    return values


def _said_steady(found: Tree) -> bool:
    return all(
        bool(samples.get("steady_state"))
        for by_op in found.values()
        if isinstance(by_op, Mapping)
        for samples in by_op.values()
        if isinstance(samples, Mapping)
    )


def _judged(series: _Series) -> SteadyFigures:
    """The window of one series held against the SNIA rule; too few samples are not steady."""
    count, metric = len(series.values), METRICS[series.metric]
    snia = None
    if count >= _FEWEST_SAMPLES:
        snia = snia_window(series.values, SteadyRule(round_s=_SAMPLE_S, rounds=count))
    return SteadyFigures(
        warmup_s=0.0,
        kept_s=count * _SAMPLE_S,
        metric=series.metric,
        op=series.op.value,
        average=series.average,
        snia_range=snia.range_share if snia else None,
        snia_excursion=snia.excursion_share if snia else None,
        snia_steady=bool(snia and snia.is_steady),
        sentence=_drift(
            f"{figure_name(series.op.value, series.metric)} {quantity(metric, series.average)}",
            count,
            snia,
        ),
    )


def _drift(figure: str, count: int, snia: SniaFigures | None) -> str:
    """What keeps the window from being steady; empty when nothing does."""
    if snia is None:
        return f"{figure}: {count} samples are too few to judge."
    if snia.is_steady:
        return ""
    return (
        f"{figure} drifts over {count} samples: range {percent(snia.range_share)} (limit 20 %),"
        f" excursion {percent(snia.excursion_share)} (limit 10 %)."
    )


def _step(window: str, report: Tree) -> Step:
    match = _WINDOW.fullmatch(window)
    if match is None:
        raise NotAResultError(f"the window {window!r} does not name its queue depth and block size")
    name, depth, block = match["name"], int(match["depth"]), int(match["block"])
    agents = report.get("agent_count")
    agents = agents if isinstance(agents, int) and 0 < agents <= _MOST_AGENTS else 1
    workload = Workload(name=name, options=_OPTIONS.get(name, (("rw", _guess(report, window)),)))
    measuring = (
        ("imported", "storperf"),
        ("workload", name),
        ("block_size_bytes", str(block)),
        ("queue_depth", str(depth)),
        *((key, str(report.get(key, "not known"))) for key in _MEASURING),
    )
    return Step(
        key=f"{key_name(name)}-bs{render_size(block)}-qd{depth}-nj1-a{agents}",
        workload=workload,
        block_size_bytes=block,
        queue_depth=depth,
        numjobs=1,
        agents=agents,
        fingerprint=fingerprint(measuring),
        measuring=measuring,
    )


def _guess(report: Tree, window: str) -> str:
    """The directions of a workload that StorPerf did not ship, from what it did."""
    by_op = report["report_data"][window].get("iops", {})
    done = [
        op for op in ("read", "write") if any(v for _, v in by_op.get(op, {}).get("series", []))
    ]
    return done[0] if len(done) == 1 else "rw"
