"""One execution of a job: phases, trials, how they ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Phase(StrEnum):
    """The run as a state machine; a phase is stored before it is acted on."""

    PROVISION = "provision"
    PREPARE = "prepare"
    PRECONDITION = "precondition"
    MEASURE = "measure"
    COLLECT = "collect"
    JUDGE = "judge"
    REPORT = "report"
    TEARDOWN = "teardown"


class TrialState(StrEnum):
    """A trial's own small machine, inside the measure phase."""

    PLANNED = "planned"
    STARTED = "started"
    ENDED = "ended"
    STORED = "stored"


class RunState(StrEnum):
    """What a run is doing, seen from outside."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TrialEnd(StrEnum):
    """How a trial ended; the first of three fields that are never one word."""

    COMPLETED = "completed"
    STEADY = "steady"
    CONFIDENT = "confident"
    STORPERF_RULE = "storperf_rule"
    DEADLINE = "deadline"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Steadiness(StrEnum):
    """Whether what was measured held still; the second field."""

    STEADY = "steady"
    NOT_STEADY = "not_steady"
    NOT_JUDGED = "not_judged"


class Flag(StrEnum):
    """What else must be known about a trial; the third field."""

    PARTIAL = "partial"
    LOW_OVERLAP = "low_overlap"
    # The agent, not the storage, may be what was measured.
    CLIENT_BOUND = "client_bound"
    # Something else used an agent's CPU or its device: it explains, and does not block.
    DISTURBED = "disturbed"
    # Others did as much on a device as fio, and it was to be the job's alone.
    FOREIGN_IO = "foreign_io"
    JOURNAL_ON_TARGET = "journal_on_target"
    # More in flight than the device takes at once: the rest waited in the kernel.
    QUEUE_BOUND = "queue_bound"
    # A round before those over which the rounds were steady: no part of the measurement.
    BEFORE_WINDOW = "before_window"
    UNSTEADY_PRECONDITION = "unsteady_precondition"
    READS_UNWRITTEN = "reads_unwritten"
    # Nobody filled what it read, or others trimmed it, and only a server knows what is there.
    READS_UNKNOWN = "reads_unknown"
    FASTER_THAN_STORAGE = "faster_than_storage"


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyFigures:
    """Why a trial is called steady or not.  Shares are of the window's average.

    `drift` is the fitted change over the whole kept part with its 95 % interval;
    the SNIA fields are of the last window and None when it was too short for one.
    """

    warmup_s: float
    kept_s: float
    metric: str
    op: str
    average: float
    drift: float | None = None
    drift_low: float | None = None
    drift_high: float | None = None
    snia_range: float | None = None
    snia_excursion: float | None = None
    snia_steady: bool | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One execution of a step, as stored.  Times are epoch seconds."""

    id: str
    step_key: str
    side: str
    session: int
    repeat: int
    attempt: int
    state: TrialState
    end: TrialEnd | None = None
    end_reason: str | None = None
    steadiness: Steadiness | None = None
    steady_figures: tuple[SteadyFigures, ...] = ()
    flags: tuple[Flag, ...] = ()
    started_s: float | None = None
    ended_s: float | None = None
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One figure of one trial after the warm-up cut.

    `agent` is an agent's name or `all`.  `low` and `high` bound the mean at 95 %
    (ten batch means) where that is defined: not for percentiles and maxima.
    """

    trial: str
    agent: str
    op: str
    metric: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LostAgent:
    """An agent that a run goes on without: since when (epoch seconds), and why it is lost."""

    since_s: float
    why: str


# The fact of a run that says where its summary stands in Graphite, epoch seconds.
SUMMARY_TIME = "summary_time_s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a job, as stored.  Times are epoch seconds.

    `imported_from` is the digest of the result of another program that the run was made of; None
    for a run of ours.
    """

    id: str
    job_name: str
    lab: str
    title: str | None
    job_text: str
    state: RunState
    phase: Phase | None
    created_s: float
    ended_s: float | None = None
    exit_code: int | None = None
    verdict: str | None = None
    reason: str | None = None
    manager: dict[str, object] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)
    imported_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """Something outside that is ours, written down before it is created."""

    name: str
    kind: str
    where: str
    released: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A phase that the run entered, and when (epoch seconds)."""

    phase: Phase
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something worth telling that happened in a run; `facts` are what `text` was made of."""

    at_s: float
    kind: str
    text: str
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunedRun:
    """What pruning took (or would take) from one run: intervals, raw output and journals."""

    run: str
    ended_s: float
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneReport:
    """What pruning did, oldest run first; with `dry_run` what it would have done."""

    runs: tuple[PrunedRun, ...]
    kept_bytes: int
    dry_run: bool
