"""A job's steps and trials: which cells the matrix has, and in which order they are executed."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product

from storperf.errors import UsageError
from storperf.fio.options import MIXED_BLOCK_SIZE
from storperf.model.baseline import BaselineEntry, BaselineKey
from storperf.model.ending import Ending, Rounds
from storperf.model.job import CANDIDATE, Job, Plan, PlannedTrial, Precondition, Step, Workload
from storperf.model.target import FileSystem, Target
from storperf.units import render_duration, render_size
from storperf.version import FINGERPRINT_VERSION

MAX_KEY = 100
_SHOWN_STEPS = 20
_NOT_IN_KEY = re.compile(r"[^A-Za-z0-9_-]+")
_HASH_LENGTH = 8
_HASHED = re.compile(r"(^|-)[0-9a-f]{8}$")
_FINGERPRINT_LENGTH = 16


def plan_job(job: Job) -> Plan:
    """The steps of a job in the order of its matrix, and its trials repeat by repeat.

    Workload by workload, then block size, queue depth, numjobs, agents.  A trial's repeat
    counts from 1; its session is 1, because one run is one session.  All are the candidate's:
    the reference is measured in pairs alone, which come when they are needed.
    """
    shared = _shared_fields(job)
    steps = tuple(
        _step(workload, cell, shared)
        for workload in job.workloads
        for cell in _cells(job, workload)
    )
    _check_track(job, steps)
    width = max(3, len(str(len(steps) * job.last_repeat)))
    order = product(range(1, job.repeats + 1), steps)
    trials = tuple(
        PlannedTrial(
            id=f"t{number:0{width}}", step_key=step.key, side=CANDIDATE, session=1, repeat=repeat
        )
        for number, (repeat, step) in enumerate(order, start=1)
    )
    _check_lifetime(job, len(trials))
    return Plan(steps=steps, trials=trials)


def trial_id(plan: Plan, number: int) -> str:
    """The id of the trial with that number, as wide as those of the plan."""
    width = len(plan.trials[0].id) - 1 if plan.trials else 3
    return f"t{number:0{width}}"


def sibling_step(job: Job, step: Step, *, queue_depth: int) -> Step:
    """The same step at another queue depth."""
    cell = (step.block_size_bytes, queue_depth, step.numjobs, step.agents)
    return _step(step.workload, cell, _shared_fields(job))


def baseline_keys(job: Job, plan: Plan) -> tuple[tuple[BaselineKey, Step], ...]:
    """The baseline of each step of a job, with the step; warm-ups have none."""
    return tuple(
        (
            BaselineKey(
                lab=job.lab,
                job=job.name,
                side=CANDIDATE,
                step=step.key,
                fingerprint=step.fingerprint,
            ),
            step,
        )
        for step in plan.steps
        if not step.workload.is_warm_up
    )


def baseline_entry(  # noqa: PLR0913 - provenance, by keyword
    key: BaselineKey,
    step: Step,
    *,
    run: str,
    who: str,
    why: str,
    at_s: float,
    hosts: Mapping[str, float],
    hardware: tuple[tuple[str, str], ...] = (),
) -> BaselineEntry:
    """A run's accepted place in a baseline.

    `hardware` is what `hardware_of` says of the run, `hosts` are its agents' figures there.
    """
    return BaselineEntry(
        key=key,
        run=run,
        accepted=True,
        who=who,
        why=why,
        at_s=at_s,
        measuring=(*step.measuring, *hardware),
        hosts=tuple(sorted(hosts.items())),
    )


def fingerprint(measuring: tuple[tuple[str, str], ...]) -> str:
    """The versioned hash of the fields that decide whether two runs may be compared."""
    text = json.dumps(measuring, ensure_ascii=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"v{FINGERPRINT_VERSION}-{digest[:_FINGERPRINT_LENGTH]}"


def _cells(job: Job, workload: Workload) -> Iterator[tuple[int, int, int, int]]:
    """The workload's cells; an axis of its own takes the place of the matrix's."""
    matrix = job.matrix
    depths = matrix.queue_depths if job.search is None else (job.search.first,)
    blocks = workload.block_sizes_bytes or matrix.block_sizes_bytes
    return product(
        (MIXED_BLOCK_SIZE,) if workload.is_mixed else blocks,
        workload.queue_depths or depths,
        workload.numjobs or matrix.numjobs,
        matrix.agents,
    )


def _check_track(job: Job, steps: tuple[Step, ...]) -> None:
    """A pattern that names no step would make rounds steady that nobody looked at."""
    for pattern in () if job.rounds is None else job.rounds.track:
        if not any(fnmatchcase(step.key, pattern) for step in steps):
            raise UsageError(
                f"rounds.track: {pattern!r} names no step of the job; its steps are "
                + ", ".join(step.key for step in steps[:_SHOWN_STEPS])
            )


def _check_lifetime(job: Job, trials: int) -> None:
    """A stack that expires in the middle of its run is everybody's to delete."""
    stack = job.provider.stack
    longest_s = trials * job.ending.runtime_s
    if stack is not None and stack.attach is None and longest_s > stack.lifetime_s:
        raise UsageError(
            f"the trials take up to {render_duration(longest_s)}, longer than the stack's "
            f"`lifetime` ({render_duration(stack.lifetime_s)}); say more in provider.stack"
        )


def _step(
    workload: Workload,
    cell: tuple[int, int, int, int],
    shared: tuple[tuple[str, str], ...],
) -> Step:
    block, depth, jobs, agents = cell
    shown = render_size(block) if block else "mix"
    options = sorted(shlex.quote(f"{key}={value}") for key, value in workload.options)
    measuring = (
        ("workload", " ".join(options)),
        ("block_size_bytes", str(block)),
        ("queue_depth", str(depth)),
        ("numjobs", str(jobs)),
        ("agents", str(agents)),
        *shared,
    )
    return Step(
        key=f"{key_name(workload.name)}-bs{shown}-qd{depth}-nj{jobs}-a{agents}",
        workload=workload,
        block_size_bytes=block,
        queue_depth=depth,
        numjobs=jobs,
        agents=agents,
        fingerprint=fingerprint(measuring),
        measuring=measuring,
    )


def _shared_fields(job: Job) -> tuple[tuple[str, str], ...]:
    """The measuring fields that all steps of a job share.

    Not among them: name, lab, limits, paths, hosts, serial, repeats, Graphite.  Not the
    reference either: it only says what is measured beside the candidate.
    """
    targets = job.candidate.targets
    rule = job.ending.until_steady
    steady = "no"
    if rule is not None:
        steady = (
            f"{rule.rounds} rounds of {rule.round_s:g}s, "
            f"range {rule.range_limit:g}, slope {rule.slope_limit:g}"
        )
    rounds = () if job.rounds is None else (("rounds", _rounds(job.rounds)),)
    return (
        *rounds,
        ("ioengine", job.ioengine),
        ("direct", str(job.direct).lower()),
        ("target_kind", " ".join(sorted({target.kind for target in targets}))),
        ("span_bytes", " ".join(str(target.size_bytes or "whole") for target in targets)),
        ("targets", str(len(targets))),
        ("runtime_s", f"{job.ending.runtime_s:g}"),
        ("until_steady", steady),
        ("interval_s", f"{job.interval_s:g}"),
        ("fill", str(job.precondition.fill).lower()),
        *_more_rules(job.ending),
        *_preconditioning(job, targets),
    )


def _preconditioning(job: Job, targets: Sequence[Target]) -> Iterator[tuple[str, str]]:
    """Fields that came later, each only where it is not the default.

    So the fingerprints of jobs that do not name them stay what they were.
    """
    asked, default = job.precondition, Precondition()
    if any(target.nrfiles != 1 for target in targets):
        yield "nrfiles", " ".join(str(target.nrfiles) for target in targets)
    made = [target.file_system for target in targets if target.file_system is not None]
    if made:
        yield "file_system", "; ".join(map(_file_system, made))
    for name in ("passes", "block_size_bytes", "queue_depth"):
        if getattr(asked, name) != getattr(default, name):
            yield f"fill_{name}", str(getattr(asked, name))
    if asked.random is not None:
        random, rule = asked.random, asked.random.rule
        writes = f"{random.block_size_bytes} bytes at depth {random.queue_depth}"
        yield "random_writes", f"{writes}, at most {random.at_most_s:g}s"
        limits = f"range {rule.range_limit:g}, slope {rule.slope_limit:g}"
        yield "random_until", f"{rule.rounds} rounds of {rule.round_s:g}s, {limits}"
    for name in ("purge", "drop_caches"):
        if getattr(asked, name):
            yield name, "true"
    if asked.settle_s:
        yield "settle_s", f"{asked.settle_s:g}"


def _file_system(made: FileSystem) -> str:
    mounted = f" mounted {','.join(made.mount_options)}" if made.mount_options else ""
    return f"{shlex.join((made.type, *made.mkfs_options))}{mounted}"


def _rounds(rounds: Rounds) -> str:
    rule = rounds.rule
    return (
        f"{rule.rounds} of at most {rounds.at_most}, range {rule.range_limit:g}, "
        f"slope {rule.slope_limit:g}, tracking {' '.join(rounds.track) or 'all'}"
    )


def _more_rules(ending: Ending) -> tuple[tuple[str, str], ...]:
    """The ending's rules beside SNIA's, where there are any: older jobs keep their fingerprint."""
    fields = []
    storperf, confident = ending.until_storperf, ending.until_confident
    if storperf is not None:
        text = (
            f"{storperf.samples} samples of {storperf.sample_s:g}s, "
            f"range {storperf.range_limit:g}, slope {storperf.slope_limit:g}"
        )
        fields.append(("until_storperf", text))
    if confident is not None:
        text = f"half width {confident.half_width:g} from {confident.at_least} intervals on"
        fields.append(("until_confident", text))
    if len(ending.rules) > 1:
        fields.append(("until_need", ending.need.value))
    return tuple(fields)


def key_name(name: str) -> str:
    """A workload's part of its keys: letters, digits, _ and -.

    It depends on nothing but the name, so that a baseline survives a new workload beside it.
    A name that cannot stand as it is gets a hash, and so does one that looks hashed already.
    """
    plain = _NOT_IN_KEY.sub("-", name).strip("-")
    if plain == name and len(name) <= MAX_KEY // 2 and _HASHED.search(name) is None:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{plain[: MAX_KEY // 2 - _HASH_LENGTH - 1]}-{digest}".lstrip("-")
