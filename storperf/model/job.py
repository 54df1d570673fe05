"""What was asked: a Job, frozen, and the Steps it is planned into."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from storperf.model.ending import Confirmation, DepthSearch, Ending, Rounds, SteadyRule
from storperf.model.host import SshHost
from storperf.model.probe import ObservedHost, Probe
from storperf.model.stack import Stack
from storperf.model.target import Target

CANDIDATE = "candidate"
REFERENCE = "reference"
LEASE_S = 30 * 60.0


class Origin(StrEnum):
    """Who wrote the job file: an untrusted one may not name options that run commands."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"


class Op(StrEnum):
    """Direction of an I/O, in fio's words."""

    READ = "read"
    WRITE = "write"
    TRIM = "trim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """`candidate`, or `reference` when two things are compared in one run."""

    name: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """An access pattern as fio options, in the order they are rendered.

    `options` never holds what the matrix, the target or the ending decide
    (bs, iodepth, numjobs, filename, size, runtime), but for block sizes that are mixed
    (bsrange, bssplit, a bs for each direction).  An axis of its own takes the place of the
    matrix's; None is the matrix's.
    """

    name: str
    options: tuple[tuple[str, str], ...]
    block_sizes_bytes: tuple[int, ...] | None = None
    queue_depths: tuple[int, ...] | None = None
    numjobs: tuple[int, ...] | None = None

    def option(self, key: str) -> str | None:
        """The value of a fio option, None when the workload does not set it."""
        return dict(self.options).get(key)

    @property
    def fio_file(self) -> str | None:
        """A whole fio job file that is run as it is; None for a map of options."""
        return self.option("fio_file")

    @property
    def is_warm_up(self) -> bool:
        """Whether it does its span once and is no part of the verdict: its name begins with _.

        Such a step has no deadline of the job's and is not judged (the earlier StorPerf's rule).
        """
        return self.name.startswith("_")

    @property
    def is_mixed(self) -> bool:
        """Whether it mixes block sizes; then none of the matrix is taken."""
        return any(key in ("bs", "bsrange", "bssplit") for key, _ in self.options)

    @property
    def rw(self) -> str:
        """fio's `rw`, without an offset modifier (`randread:8` is `randread`)."""
        return (self.option("rw") or self.option("readwrite") or "read").split(":")[0]

    @property
    def is_random(self) -> bool:
        """Whether the pattern is random; IOPS is then the judged figure, else bandwidth."""
        return self.rw.startswith("rand")

    @property
    def ops(self) -> tuple[Op, ...]:
        """The directions this pattern produces; a mix of 0 or 100 % is none."""
        pattern = self.rw.removeprefix("rand")
        if pattern in ("rw", "readwrite"):
            reads = self.option("rwmixread")
            writes = self.option("rwmixwrite")
            if reads == "100" or writes == "0":
                return (Op.READ,)
            if reads == "0" or writes == "100":
                return (Op.WRITE,)
        return {
            "read": (Op.READ,),
            "write": (Op.WRITE,),
            "trim": (Op.TRIM,),
            "rw": (Op.READ, Op.WRITE),
            "readwrite": (Op.READ, Op.WRITE),
            "trimwrite": (Op.WRITE, Op.TRIM),
        }[pattern]

    @property
    def judged_metric(self) -> str:
        """SNIA's choice of the judged variable: `iops` for random, `bandwidth` for sequential."""
        return "iops" if self.is_random else "bandwidth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """What a workload is multiplied with; each step is one cell."""

    block_sizes_bytes: tuple[int, ...]
    queue_depths: tuple[int, ...]
    numjobs: tuple[int, ...]
    agents: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomWrites:
    """Random writes until they are steady by `rule`, or `at_most_s` have gone."""

    at_most_s: float
    rule: SteadyRule
    block_size_bytes: int = 4096
    queue_depth: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Precondition:
    """What is done to the target before measuring.

    `refill` fills also what is proven to be filled.  `drop_caches` is done before each trial.
    """

    fill: bool = True
    refill: bool = False
    passes: int = 1
    block_size_bytes: int = 1 << 20
    queue_depth: int = 16
    random: RandomWrites | None = None
    purge: bool = False
    drop_caches: bool = False
    settle_s: float = 0.0


class LimitOn(StrEnum):
    """Which figure of a step has to keep a limit, as a job file says it."""

    # Over all agents, each direction for itself.
    EACH_STEP = "each step"
    # Each agent's own: the worst of them decides.
    WORST_AGENT = "worst agent"
    # Over all agents and directions together.
    SUM = "sum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One sentence of the job file, such as `p99 clat <= 2ms`, parsed.

    `bound` is in the metric's own unit (operations/s, bytes/s, ns).
    `op` and `workload` restrict it; None means every one.
    """

    text: str
    metric: str
    at_least: bool
    bound: float
    op: Op | None = None
    workload: str | None = None
    on: LimitOn = LimitOn.EACH_STEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensors:
    """How often hosts are sampled during a trial, and which programs become figures."""

    interval_s: float = 1.0
    processes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Graphite:
    """Where intervals are streamed to.

    `pickle_port` takes what has piled up; None: the plaintext port takes that too.
    `older_layout` sends the figures a second time, under the names of the earlier StorPerf.
    """

    host: str = "127.0.0.1"
    port: int = 2003
    web: str | None = None
    required: bool = False
    pickle_port: int | None = None
    older_layout: bool = False
    spool_bytes: int = 256 << 20
    spool_age_s: float = 14 * 86_400.0


class OnLostAgent(StrEnum):
    """What becomes of the run when an agent stays lost."""

    FAIL = "fail"
    GO_ON = "go_on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who hands out agents; `fio` is the path or name of the load engine on the agent.

    `hosts` are those of the provider `ssh`, in the order of the agents' names; `fio_binary` is a
    program of this machine that is brought to them.  A lost agent is sought for `patience_s`;
    None is what the provider finds right.  An agent without a manager goes on for `lease_s`.
    `stack` is what the provider `heat` makes.
    """

    kind: str = "local"
    fio: str = "fio"
    hosts: tuple[SshHost, ...] = ()
    fio_binary: str | None = None
    install_fio: bool = False
    on_lost_agent: OnLostAgent = OnLostAgent.FAIL
    patience_s: float | None = None
    lease_s: float = LEASE_S
    remove_agent: bool = False
    stack: Stack | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What was asked, with every default filled in.

    `text` is the job file as it was read, or as it stands for itself where a suite, a profile or
    a variable was filled in; the report shows it and `resume` trusts it.
    """

    name: str
    lab: str
    origin: Origin
    provider: Provider
    sides: tuple[Side, ...]
    workloads: tuple[Workload, ...]
    matrix: Matrix
    ending: Ending
    interval_s: float
    repeats: int
    ioengine: str
    direct: bool
    precondition: Precondition
    limits: tuple[Limit, ...]
    baseline_runs: int
    graphite: Graphite | None
    text: str
    rounds: Rounds | None = None
    search: DepthSearch | None = None
    sensors: Sensors = Sensors()
    baseline_age_s: float = 180 * 86400.0
    confirmation: Confirmation = field(default_factory=Confirmation)
    probes: tuple[Probe, ...] = ()
    observe: tuple[ObservedHost, ...] = ()
    resources: tuple[str, ...] = ()

    @property
    def last_repeat(self) -> int:
        """The highest repeat that a trial can have; those above it confirm a suspicion."""
        return self.repeats if self.rounds is None else self.rounds.at_most

    @property
    def candidate(self) -> Side:
        """The side that is judged; the reference is measured in pairs with it alone."""
        return next(side for side in self.sides if side.name == CANDIDATE)

    @property
    def has_reference(self) -> bool:
        """Whether pairs of reference and candidate can be measured."""
        return any(side.name == REFERENCE for side in self.sides)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One cell of the matrix.  `key` names it in the store, in Graphite and in reports.

    `fingerprint` covers everything that decides whether two runs of the step may be
    compared; `measuring` holds the very fields it was made of, so that a difference
    can be named.
    """

    key: str
    workload: Workload
    block_size_bytes: int
    queue_depth: int
    numjobs: int
    agents: int
    fingerprint: str
    measuring: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrial:
    """One execution of a step that is to be made; `id` is unique within the run."""

    id: str
    step_key: str
    side: str
    session: int
    repeat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in the order of the matrix and trials in the order of execution."""

    steps: tuple[Step, ...]
    trials: tuple[PlannedTrial, ...]

    def step(self, key: str) -> Step:
        """The step with that key; KeyError when the plan has none."""
        for step in self.steps:
            if step.key == key:
                return step
        raise KeyError(key)
