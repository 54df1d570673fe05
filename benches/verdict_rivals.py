"""What others would say of the same trials: how often they alarm."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from verdict_trials import Family, Generator, Trials, seconds

from storperf.stats.student import t_quantile
from storperf.stats.table import Floats, Mask

_OTAVA = ("apache-otava==0.8.0", "signal-processing-algorithms==2.1.6", "numpy", "scipy")
_OTAVA_CODE = """
import json, sys
from otava.analysis import compute_change_points
settings, histories = json.load(sys.stdin)
found = [compute_change_points(each, **settings)[0] for each in histories]
json.dump([[int(point.index) for point in each] for each in found], sys.stdout)
"""
OTAVA_DEFAULT = {"window_len": 50, "max_pvalue": 0.001, "min_magnitude": 0.0}


def by_values(made: Trials) -> Mapping[str, Mask]:
    """Rules that look at one value a run: which cases they call worse."""
    now, base = made.candidates[:, 0], made.baseline
    level = np.log(np.exp(base).mean(axis=1))
    centre = np.median(base, axis=1)
    spread = 1.4826 * np.median(np.abs(base - centre[:, None]), axis=1)
    runs = base.shape[1]
    error = base.std(axis=1, ddof=1) * (1 + 1 / runs) ** 0.5
    return {
        "fixed 5 % against the last run": now - base[:, -1] < np.log(0.95),
        "fixed 5 % against the mean": now - level < np.log(0.95),
        "fixed 10 % against the mean": now - level < np.log(0.90),
        "median - 3 MAD": now < centre - 3 * spread,
        "t prediction interval of runs, 1 %": now - base.mean(axis=1)
        < -t_quantile(0.99, runs - 1) * error,
    }


def by_seconds(rng: Generator, family: Family, made: Trials, count: int) -> Mapping[str, Mask]:
    """Rules that compare the seconds of all runs, at 5 % two-sided, of the first cases."""
    from scipy.stats import mannwhitneyu

    now = seconds(rng, family, made.candidates[:count, :1], made.scale[:count])[:, 0]
    past = seconds(rng, family, made.baseline[:count], made.scale[:count]).reshape(count, -1)
    difference = now.mean(axis=1) - past.mean(axis=1)
    error = np.sqrt(
        now.var(axis=1, ddof=1) / now.shape[1] + past.var(axis=1, ddof=1) / past.shape[1]
    )
    p_values = mannwhitneyu(now, past, axis=1).pvalue
    # With 60 seconds and more, Welch's t is normal but for a hundredth.
    return {
        "Welch t on seconds, 5 %": difference < -1.96 * error,
        "Mann-Whitney on seconds, 5 %": (p_values < 0.05) & (difference < 0),
    }


class Otava:
    """Apache Otava in an environment of its own, or the reason why it is not there."""

    def __init__(self, folder: Path) -> None:
        """Installed without the versions that it pins, once for each folder."""
        self._python = folder / "bin" / "python"
        self.reason = ""
        if self._python.exists():
            return
        try:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120)
            pip = [str(self._python), "-m", "pip", "install", "--quiet", "--no-deps", *_OTAVA]
            subprocess.run(pip, check=True, timeout=600, capture_output=True)
        except (subprocess.SubprocessError, OSError) as error:
            self.reason = f"Apache Otava could not be installed: {error}"

    def changes(
        self, histories: list[list[float]], settings: Mapping[str, float] = OTAVA_DEFAULT
    ) -> list[list[int]]:
        """The change points of each history by its default settings."""
        ended = subprocess.run(
            [str(self._python), "-c", _OTAVA_CODE],
            input=json.dumps([dict(settings), histories]),
            capture_output=True,
            text=True,
            timeout=3600,
            check=True,
        )
        found: list[list[int]] = json.loads(ended.stdout)
        return found

    def alarms(self, made: Trials, count: int) -> Mask:
        """Which of the first cases get a change point at the newest run or the one before, down."""
        rows = np.exp(np.column_stack([made.baseline[:count], made.candidates[:count, 0]]))
        found = self.changes((1000 * rows).tolist())
        newest = rows.shape[1] - 1
        sank: Floats = rows[:, -1] - np.median(rows[:, :-1], axis=1)
        return np.array([newest in each for each in found]) & (sank < 0)


Rule = Callable[[Trials], Mask]
