"""What a run's agents went through besides fio, and whether that was far beyond other nights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storperf.model.run import Trial
from storperf.stats.wording import count, percent

# Step and side.
Where = tuple[str, str]
Loads = Mapping[str, float]
# With fewer runs nobody knows what is usual there.
FEWEST_RUNS = 8
MOST_RUNS = 30
# One-sided, of the prediction interval on the scale of log odds, with a spread from run to run that
# is expected and worth four runs: hosts that were quiet eight times are not quiet for ever.
# At these values 0 to 1 % of real figures were called far off, docs/explanation/host-load.md.
_LEVEL = 0.998
_PRIOR_DF = 4.0
_LEAST_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    """How much more than ever before is worth a word: a share of time, or of all cores.

    `sigma` is how much its log odds are expected to scatter from run to run.
    """

    words: str
    margin: float
    sigma: float


_FIGURES = {
    "cpu_pressure": _Figure(
        words="some task waited for a core {} of the time", margin=0.25, sigma=2.0
    ),
    "cpu_steal": _Figure(
        words="the hypervisor gave {} of the CPU time to others", margin=0.10, sigma=1.2
    ),
}


def loads_of(trials: Iterable[Trial]) -> dict[Where, dict[str, float]]:
    """CPU pressure and steal of the worst agent at each step and side, the mean of its trials.

    Observed hosts run no fio and are left out; what no sensor told is not there.
    """
    found: dict[Where, dict[str, list[float]]] = {}
    for trial in trials:
        rows = [row for row in _rows(trial) if not row.get("is_observed")]
        for name in _FIGURES:
            known = [row[name] for row in rows if row.get(name) is not None]
            if known:
                place = found.setdefault((trial.step_key, trial.side), {})
                place.setdefault(name, []).append(max(known))
    return {
        where: {name: math.fsum(values) / len(values) for name, values in figures.items()}
        for where, figures in found.items()
    }


def _rows(trial: Trial) -> Sequence[Mapping[str, Any]]:
    rows = trial.facts.get("hosts")
    return rows if isinstance(rows, list | tuple) else ()


def far_beyond(now: Loads, before: Sequence[Loads]) -> Iterator[str]:
    """A sentence for each figure that is far above what the last runs saw there.

    Far is beyond all of them by the figure's margin, and beyond the 99.8 % prediction interval of
    one more run, on log odds, from eight runs on.  Nothing said does not mean that the
    hosts were quiet: a lab that is always busy is as usual.
    """
    for name, figure in _FIGURES.items():
        known = [loads[name] for loads in before[-MOST_RUNS:] if name in loads]
        if name not in now or len(known) < FEWEST_RUNS:
            continue
        if now[name] > max(known) + figure.margin and _is_beyond(now[name], known, figure.sigma):
            words = figure.words.format(percent(now[name]))
            yield (
                f"on its agents {words}, far above the {percent(min(known))} to "
                f"{percent(max(known))} of {count(len(known), 'earlier run')}"
            )


def _is_beyond(value: float, known: Sequence[float], expected: float) -> bool:
    # Late: scipy is heavy and most commands never judge anything.
    from storperf.stats.student import t_quantile

    odds = [_log_odds(each) for each in known]
    mean = math.fsum(odds) / len(odds)
    df = _PRIOR_DF + len(odds) - 1
    squares = math.fsum((each - mean) ** 2 for each in odds)
    sigma = math.sqrt((_PRIOR_DF * expected**2 + squares) / df)
    error = sigma * math.sqrt(1 + 1 / len(odds))
    return _log_odds(value) - mean > t_quantile(_LEVEL, df) * error


def _log_odds(share: float) -> float:
    share = min(max(share, _LEAST_SHARE), 1 - _LEAST_SHARE)
    return math.log(share / (1 - share))
