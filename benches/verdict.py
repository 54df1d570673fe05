"""How often the verdict is right on simulated and on labelled histories, beside its rivals.

`verdict.py [--quick] [--json FILE] [--seed N]`.  Rates carry their 95 % interval (Wilson).  Exit
status 1 when a goal is missed beyond doubt.  Each figure's seed is its own, and none was tuned
with.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
from figure import BenchError, Figure, Interval
from run import render
from verdict_cells import CELLS, promised, watch_cells
from verdict_histories import reported, speed_ms, watch
from verdict_labelled import f1, fetch, human, mean_interval, ours, read_tcpd
from verdict_rivals import Otava, by_seconds, by_values
from verdict_trials import FAMILIES, Family, Generator, World, cases, refused_trials, trials

from storperf.errors import ExitCode
from storperf.stats.confirm import By, Call, Outcomes, decide

_MADE = Path(__file__).parents[1] / ".make"
_TCPD = "https://github.com/alan-turing-institute/TCPD"
_SHARE = "%"
# What happens in one run of thousands needs more histories to be known.
_RARE = 4
# How well people agree with each other on performance histories.
_PEOPLE = 0.83


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much is simulated; `trials` a family."""

    seed: int
    trials: int
    histories: int
    reported: int
    otava: int

    def rng(self, name: str) -> Generator:
        """A generator of its own for everything that has a name."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])


@dataclass(slots=True)
class Report:
    """Figures as they come, printed at once."""

    figures: list[Figure] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def head(self, words: str) -> None:
        """What the next figures are of."""
        self.words.append(words)
        print(f"\n{words}", flush=True)

    def add(self, figure: Figure) -> None:
        """One more figure."""
        self.figures.append(figure)
        print(render(figure), flush=True)

    def share(
        self, name: str, hits: int, n: int, goal: float | None = None, *, at_least: bool = False
    ) -> None:
        """A share in percent; the goal too."""
        low, high = wilson(hits, n)
        self.add(
            Figure(
                name=name,
                unit=_SHARE,
                value=100 * hits / n,
                n=n,
                goal=goal,
                at_least=at_least,
                interval=(100 * low, 100 * high),
            )
        )


def wilson(hits: int, n: int) -> Interval:
    """The 95 % interval of a share (Wilson 1927)."""
    z = 1.96
    share = hits / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def main() -> int:
    """Simulate, print, write; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", default=bool(os.environ.get("QUICK")))
    parser.add_argument("--json", type=Path, default=_MADE / "bench-verdict.json")
    parser.add_argument("--seed", type=int, default=20261122)
    asked = parser.parse_args()
    few = asked.quick
    amount = Amount(
        seed=asked.seed,
        trials=4000 if few else 20_000,
        histories=60 if few else 300,
        reported=10 if few else 60,
        otava=200 if few else 1000,
    )
    begun_s = time.monotonic()
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    otava = Otava(_MADE / "otava")
    report = Report()
    if otava.reason:
        report.head(f"{otava.reason}; it is left out below")
    _single(amount, report)
    _other_worlds(amount, report)
    _rivals(amount, report, otava)
    _histories(amount, report)
    _many_cells(amount, report)
    _gate(amount, report)
    _speed(amount, report)
    _labelled(report, otava)
    document = {
        "schema": "storperf-bench-verdict/1",
        "seed": asked.seed,
        "is_quick": few,
        "took_s": round(time.monotonic() - begun_s, 1),
        "notes": report.words,
        "figures": [{**asdict(each), "met": each.met} for each in report.figures],
    }
    asked.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    missed = [each.name for each in report.figures if each.met is False]
    print(f"\n{len(report.figures)} figures in {document['took_s']} s; goals missed: {missed}")
    return 1 if missed else 0


def _decided(
    amount: Amount, name: str, world: World, *, repeats: bool = False
) -> dict[str, Outcomes]:
    """What the trials of each family come to in this world."""
    found = {}
    for family in FAMILIES:
        made = trials(amount.rng(f"{name} {family.name}"), family, amount.trials, world)
        found[family.name] = decide(cases(family, made, world, repeats=repeats))
    return found


def _count(found: dict[str, Outcomes], call: Call) -> int:
    return sum(int((each.call == call).sum()) for each in found.values())


def _by_family(found: dict[str, Outcomes], call: Call) -> str:
    shares = [100 * float((each.call == call).mean()) for each in found.values()]
    return "/".join(f"{share:.2g}" for share in shares)


def _single(amount: Amount, report: Report) -> None:
    report.head("One comparison with ten baseline runs, confirmed by pairs")
    total = amount.trials * len(FAMILIES)
    same = _decided(amount, "single same", World())
    words = _by_family(same, Call.WORSE)
    report.share(f"unchanged: false fail ({words})", _count(same, Call.WORSE), total, 0.6)
    words = _by_family(same, Call.UNCLEAR)
    report.share(f"unchanged: inconclusive ({words})", _count(same, Call.UNCLEAR), total, 5)
    report.add(_runs_used(same))
    proven = sum(int((each.is_proven & (each.call == Call.FINE)).sum()) for each in same.values())
    report.share("unchanged: proven within 5 %", proven, total)
    for loss, goal in ((0.02, None), (0.05, 58.0), (0.10, 80.0), (0.20, None)):
        found = _decided(amount, f"single {loss}", World(loss=loss))
        words = f"{loss:.0%} loss found ({_by_family(found, Call.WORSE)})"
        report.share(words, _count(found, Call.WORSE), total, goal, at_least=True)
        for family, least in (("quiet", 99.5), ("typical", 97.0), ("noisy", 43.0)):
            if loss == 0.10:
                hits = int((found[family].call == Call.WORSE).sum())
                report.share(f"  {family}", hits, amount.trials, least, at_least=True)
    for name, each in _decided(amount, "single proof", World(loss=0.07)).items():
        hits = int((each.is_proven & (each.call == Call.FINE)).sum())
        report.share(f"{name}, 7 % worse: proven within 5 %", hits, amount.trials, 5)


def _runs_used(found: dict[str, Outcomes]) -> Figure:
    """The candidate's run, and both of each pair."""
    used = np.concatenate([1 + 2 * each.looked for each in found.values()]).astype(np.float64)
    half = 1.96 * float(used.std()) / len(used) ** 0.5
    mean = float(used.mean())
    return Figure(
        name="unchanged: runs used",
        unit="",
        value=mean,
        n=len(used),
        goal=2.7,
        interval=(mean - half, mean + half),
    )


def _worlds() -> Iterator[tuple[str, World]]:
    for runs in (1, 3, 5, 30):
        yield f"{runs} baseline runs", World(runs=runs)
    yield "no baseline, pairs alone", World(runs=0)
    yield "AR(1) of 0.5 between runs", World(between_phi=0.5)
    yield "heavy tails (t with 3 df)", World(tail_df=3.0)
    for prior in (0.5, 2.0):
        yield f"prior {prior:g} times the truth", World(prior=prior)
    for runs in (1, 5, 10):
        yield f"no prior, {runs} baseline runs", World(prior=None, runs=runs)


def _other_worlds(amount: Amount, report: Report) -> None:
    report.head("The same under other conditions: false fails, and 10 % found")
    total = amount.trials * len(FAMILIES)
    for name, world in _worlds():
        same = _decided(amount, f"{name} same", world)
        words = _by_family(same, Call.WORSE)
        report.share(f"{name}: false fail ({words})", _count(same, Call.WORSE), total, 1)
        lost = _decided(amount, f"{name} lost", _with_loss(world, 0.10))
        words = _by_family(lost, Call.WORSE)
        report.share(f"{name}: 10 % found ({words})", _count(lost, Call.WORSE), total)
    _unequal(amount, report)
    for name, world in (("", World()), (", AR(1) of 0.5", World(between_phi=0.5))):
        same = _decided(amount, f"repeats same{name}", world, repeats=True)
        words = _by_family(same, Call.WORSE)
        told = f"repeats only{name}: false fail ({words})"
        report.share(told, _count(same, Call.WORSE), total, 1)
        lost = _decided(amount, f"repeats lost{name}", _with_loss(world, 0.10), repeats=True)
        words = _by_family(lost, Call.WORSE)
        report.share(f"repeats only{name}: 10 % found ({words})", _count(lost, Call.WORSE), total)


def _unequal(amount: Amount, report: Report) -> None:
    """As many cases of each number of baseline runs from 1 to 30."""
    hits = total = 0
    each = max(100, amount.trials // 30)
    for runs in range(1, 31):
        for family in FAMILIES:
            world = World(runs=runs)
            made = trials(amount.rng(f"unequal {runs} {family.name}"), family, each, world)
            hits += int((decide(cases(family, made, world)).call == Call.WORSE).sum())
            total += each
    report.share("1 to 30 baseline runs: false fail", hits, total, 1)


def _with_loss(world: World, loss: float) -> World:
    return World(
        runs=world.runs,
        loss=loss,
        between_phi=world.between_phi,
        tail_df=world.tail_df,
        prior=world.prior,
    )


def _rivals(amount: Amount, report: Report, otava: Otava) -> None:
    report.head("Side by side, ten baseline runs: false alarms, then 5 % and 10 % found")
    few = min(amount.trials, 2000)
    counts: dict[str, list[tuple[int, int]]] = {}
    for loss in (0.0, 0.05, 0.10):
        for family in FAMILIES:
            rng = amount.rng(f"rivals {loss} {family.name}")
            for name, (hits, n) in _alarms(rng, family, (amount, few), loss, otava).items():
                told = counts.setdefault(name, [])
                told.append((hits, n))
    for name, told in counts.items():
        for part, words in enumerate(("false alarm", "5 % found", "10 % found")):
            three = told[3 * part : 3 * part + 3]
            shares = "/".join(f"{100 * hits / n:.2g}" for hits, n in three)
            total = sum(n for _, n in three)
            report.share(f"{name}: {words} ({shares})", sum(hits for hits, _ in three), total)


def _alarms(
    rng: Generator, family: Family, counts: tuple[Amount, int], loss: float, otava: Otava
) -> dict[str, tuple[int, int]]:
    """How many of how many trials each rule calls worse."""
    amount, few = counts
    world = World(loss=loss)
    made = trials(rng, family, amount.trials, world)
    decided = decide(cases(family, made, world))
    screened = (decided.looked > 0) | (decided.call == Call.WORSE)
    masks = {
        "storperf: fail": decided.call == Call.WORSE,
        "storperf: suspicious at first": screened & (decided.by != By.NONE),
        **by_values(made),
        **by_seconds(rng, family, made, few),
    }
    if not otava.reason:
        masks["Apache Otava 0.8, default"] = otava.alarms(made, amount.otava)
    return {name: (int(mask.sum()), len(mask)) for name, mask in masks.items()}


def _histories(amount: Amount, report: Report) -> None:
    report.head("Histories: CUSUM trigger, then pairs; and the list of changes")
    same = [
        watch(amount.rng(f"watch {each.name}"), each, _RARE * amount.histories, 0.0)
        for each in FAMILIES
    ]
    runs = sum(each.runs for each in same)
    report.share("triggers a run", sum(each.triggers for each in same), runs)
    report.share("false fails a run", sum(each.fails for each in same), runs, 0.05)
    for loss, goal, soon in ((0.05, 84.0, 4), (0.10, 99.0, 3)):
        found = [
            watch(amount.rng(f"watch {loss} {each.name}"), each, amount.histories, loss)
            for each in FAMILIES
        ]
        hits, total = sum(each.found for each in found), sum(each.histories for each in found)
        report.share(f"{loss:.0%} found within 30 runs", hits, total, goal, at_least=True)
        report.add(_delay([delay for each in found for delay in each.delays], loss, soon))
    listed = [
        reported(amount.rng(f"list {each.name}"), each, _RARE * amount.reported, 0.0)
        for each in FAMILIES
    ]
    runs = sum(each.runs for each in listed)
    report.share("list of changes: false ones a run", sum(e.triggers for e in listed), runs, 0.25)
    for loss in (0.05, 0.10):
        found = [
            reported(amount.rng(f"list {loss} {each.name}"), each, amount.reported, loss)
            for each in FAMILIES
        ]
        hits, total = sum(each.found for each in found), sum(each.histories for each in found)
        report.share(f"list of changes: {loss:.0%} found within 30 runs", hits, total)


def _many_cells(amount: Amount, report: Report) -> None:
    report.head(f"Runs of {CELLS} cells, ten baseline runs, then pairs of every cell")
    runs, name = amount.reported * 5, f"{CELLS} cells"
    same = [watch_cells(amount.rng(f"cells {e.name}"), e, runs, (0, 0.0)) for e in FAMILIES]
    total = runs * len(same)
    report.share(f"{name}: suspicious by primary figures", sum(e.primary for e in same), total, 15)
    report.share(f"{name}: suspicious by the others", sum(e.others for e in same), total, 5)
    report.share(f"{name}: suspicious at all", sum(e.either for e in same), total, 20)
    report.share(f"{name}: fail by pairs", sum(e.fails for e in same), total, promised())
    report.share(f"{name}: suspicious, each for itself", sum(e.alone[0] for e in same), total)
    report.share(f"{name}: fail by pairs, each for itself", sum(e.alone[1] for e in same), total)
    for cells, loss in ((1, 0.10), (1, 0.20), (50, 0.10)):
        found = [
            watch_cells(amount.rng(f"cells {cells} {loss} {e.name}"), e, runs // 5, (cells, loss))
            for e in FAMILIES
        ]
        words = "/".join(f"{100 * e.fails / e.runs:.0f}" for e in found)
        hits = sum(each.fails for each in found)
        told = f"{name}: {loss:.0%} of {cells} found by pairs ({words})"
        report.share(told, hits, sum(each.runs for each in found))


def _gate(amount: Amount, report: Report) -> None:
    report.head("The gate of steady state: steady trials that it refuses")
    count = amount.trials // 10
    for length in (60, 120, 300):
        refused = [
            refused_trials(amount.rng(f"gate {length} {each.name}"), each, count, length)
            for each in FAMILIES
        ]
        words = "/".join(f"{100 * each / count:.2g}" for each in refused)
        report.share(f"steady for {length} s: refused ({words})", sum(refused), 3 * count, 1)


def _speed(amount: Amount, report: Report) -> None:
    """A core's time, so that what else the machine does hardly matters."""
    report.head("Speed, in time of a core")
    for runs in (2000, 10_000):
        _, *took = speed_ms(amount.rng("speed"), runs, 16)
        report.add(
            Figure(
                name=f"changes of {runs:,} runs",
                unit="ms",
                value=median(took),
                n=len(took),
                goal=20,
                interval=(min(took), max(took)),
            )
        )
    with tempfile.TemporaryDirectory(dir=_MADE) as folder:
        table = Path(folder) / "cases.csv"
        table.write_text("".join(_table(amount.rng("table"))), encoding="utf-8")
        took = [_judged_s(table) for _ in range(5)]
    report.add(
        Figure(
            name="judge --cases of 10,000 cases, the whole command",
            unit="s",
            value=median(took),
            n=len(took),
            goal=10,
            interval=(min(took), max(took)),
        )
    )


def _table(rng: Generator) -> Iterator[str]:
    """10,000 cases of a typical host that lost 5 %: ten baseline runs, and all eight pairs."""
    family = FAMILIES[1]
    made = trials(rng, family, 10_000, World(loss=0.05))
    yield "case,role,idx,value,prior_spread\n"
    roles = (("base", 0, made.baseline), ("cand", 0, made.candidates))
    for role, first, rows in (*roles, ("fresh_base", 1, made.references[:, 1:])):
        for case, row in enumerate(np.exp(rows).tolist()):
            for index, value in enumerate(row, first):
                yield f"{case},{role},{index},{value:.6g},{family.total}\n"


def _judged_s(table: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    argv = [sys.executable, "-m", "storperf", "judge", "--cases", str(table), "--json-lines"]
    ended = subprocess.run(argv, stdout=subprocess.DEVNULL, check=False, timeout=600)
    if ended.returncode != ExitCode.FAIL:
        raise BenchError(f"{argv[2:]} ended with {ended.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _delay(delays: list[int], loss: float, goal: int) -> Figure:
    return Figure(
        name=f"{loss:.0%} found: median delay",
        unit="runs",
        value=float(median(delays)),
        n=len(delays),
        goal=goal,
        interval=(float(np.percentile(delays, 40)), float(np.percentile(delays, 60))),
    )


def _labelled(report: Report, otava: Otava) -> None:
    folder = _MADE / "TCPD"
    reason = fetch(_TCPD, folder)
    if reason:
        report.head(f"Labelled histories are left out: {reason}")
        return
    series = read_tcpd(folder)
    report.head(f"F1 on {len(series)} univariate series of TCPD, margin 5")
    scores = {
        "storperf": np.array([f1(each.labels, ours(each)) for each in series]),
        "nothing reported": np.array([f1(each.labels, []) for each in series]),
        "one person against the others": np.array([human(each) for each in series]),
    }
    if not otava.reason:
        found = otava.changes([each.values.tolist() for each in series])
        pairs = zip(series, found, strict=True)
        scores["Apache Otava 0.8, default"] = np.array([f1(e.labels, each) for e, each in pairs])
    for name, values in scores.items():
        report.add(_mean(name, values, _PEOPLE if name == "storperf" else None))
        if name in ("nothing reported", "Apache Otava 0.8, default"):
            report.add(_mean(f"storperf - {name}", scores["storperf"] - values, 0.0))


def _mean(name: str, values: np.ndarray, goal: float | None = None) -> Figure:
    return Figure(
        name=f"F1: {name}",
        unit="",
        value=float(values.mean()),
        n=len(values),
        goal=goal,
        at_least=True,
        interval=mean_interval(values),
    )


if __name__ == "__main__":
    sys.exit(main())
