"""Histories that people labelled: F1 as the Turing Change Point Dataset defines it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from storperf.stats.changes import find_changes
from storperf.stats.table import Floats

_MARGIN = 5
Labels = Mapping[str, Collection[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One series and what each person marked."""

    name: str
    values: Floats
    labels: Labels


def fetch(repository: str, folder: Path) -> str:
    """Clone what is not there yet; empty, or the reason why it is not."""
    if (folder / ".git").exists():
        return ""
    argv = ["git", "clone", "--quiet", "--depth", "1", repository, str(folder)]
    try:
        subprocess.run(argv, check=True, timeout=600, capture_output=True, text=True)
    except (subprocess.SubprocessError, OSError) as error:
        said = getattr(error, "stderr", "") or str(error)
        return f"{repository} could not be cloned: {said.strip().splitlines()[-1]}"
    return ""


def read_tcpd(folder: Path) -> list[Labelled]:
    """The univariate series whose values the repository holds; gaps are left out of a series."""
    annotations = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    found = []
    for name, labels in annotations.items():
        path = folder / "datasets" / name / f"{name}.json"
        if not path.exists():
            continue
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["n_dim"] != 1:
            continue
        raw = document["series"][0]["raw"]
        values = np.array([np.nan if each is None else each for each in raw], dtype=np.float64)
        known = np.flatnonzero(np.isfinite(values))
        filled = np.interp(np.arange(len(values)), known, values[known])
        found.append(Labelled(name=name, values=filled, labels=labels))
    return found


def f1(labels: Labels, found: Collection[int]) -> float:
    """F1 with a margin of 5: precision against all labels, recall averaged over the people.

    Index 0 counts as a change for everybody.  Source: van den Burg and Williams 2020, section
    4.3 (a label is matched by one found place at most).
    """
    people = [{0, *each} for each in labels.values()]
    places = {0, *found}
    precision = _matched(set().union(*people), places) / len(places)
    recall = float(np.mean([_matched(each, places) / len(each) for each in people]))
    return 2 * precision * recall / (precision + recall)


def _matched(labels: Collection[int], places: Collection[int]) -> int:
    left, count = set(places), 0
    for label in sorted(labels):
        near = [place for place in left if abs(place - label) <= _MARGIN]
        if near:
            left.remove(min(near, key=lambda place: (abs(place - label), place)))
            count += 1
    return count


def ours(series: Labelled) -> list[int]:
    """The changes that storperf finds."""
    return [each.index for each in find_changes(series.values)]


def human(series: Labelled) -> float:
    """The mean F1 of each person against the others."""
    return float(
        np.mean(
            [
                f1({one: each for one, each in series.labels.items() if one != name}, own)
                for name, own in series.labels.items()
            ]
        )
    )


def mean_interval(values: Floats, seed: int = 9) -> tuple[float, float]:
    """The 95 % interval of a mean by bootstrap over the series."""
    rng = np.random.default_rng(seed)
    picked = rng.integers(0, len(values), (10_000, len(values)))
    low, high = np.percentile(values[picked].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
