"""The keys of a job file: kind, default with its reason, and the text of the reference page."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from storperf.jobfile import scalars
from storperf.jobfile.confirm_section import ConfirmSection
from storperf.jobfile.limits import SCHEMA, read_limit
from storperf.jobfile.precondition_section import PreconditionSection
from storperf.jobfile.probe_section import Observed, Probes
from storperf.jobfile.provider_section import ProviderSection
from storperf.jobfile.scalars import distinct, one_or_more
from storperf.jobfile.section import Section
from storperf.jobfile.section import key as _key
from storperf.jobfile.sensors_section import SensorsSection
from storperf.jobfile.snia import range_key, slope_key
from storperf.jobfile.target_section import ReferenceSection, TargetSection
from storperf.jobfile.until import UntilSection
from storperf.model.job import Limit
from storperf.units import parse_duration_s, parse_share, parse_size

MAX_TRIALS = 10_000
DEFAULT_DURATION = "60s"
DEFAULT_QUEUE_DEPTH = 16
SHORT_TRIAL_S = 60.0


Item = TypeVar("Item")
Axis = Annotated[tuple[Item, ...], BeforeValidator(one_or_more), AfterValidator(distinct)]


class MatrixSection(Section):
    """What every workload is multiplied with; each combination is a step."""

    block_size: Axis[scalars.BlockSize] = _key(
        "Block sizes, multiples of 512 up to 64M. 4k by default: the page size of most systems.",
        (4096,),
        shown=["4k"],
    )
    queue_depth: Axis[scalars.QueueDepth] | None = _key(
        "I/Os that each fio job keeps in flight. 16 by default: deep enough to keep an SSD or a "
        "cluster busy, shallow enough that latency still says something; 1 with synchronous "
        "engines.",
        None,
        shown=[DEFAULT_QUEUE_DEPTH],
    )
    numjobs: Axis[scalars.NumJobs] = _key(
        "fio jobs on each agent. 1 by default: one core drives most devices, and one queue is "
        "easier to judge.",
        (1,),
        shown=[1],
    )
    agents: Axis[scalars.AgentCount] = _key(
        "Machines at once, the first ones of the provider's list. 1 by default; the local provider "
        "has no more.",
        (1,),
        shown=[1],
    )


class RoundsSection(Section):
    """SNIA's way to a steady state: the whole matrix again and again until it holds still."""

    at_most: scalars.RoundCount = _key(
        "The most rounds; a run that is not steady after them is inconclusive. SNIA's 25.",
        25,
        shown=25,
    )
    window: scalars.Rounds = _key(
        "Rounds over which steadiness is judged; their trials are the measurement. SNIA's 5.",
        5,
        shown=5,
    )
    range: scalars.Share = range_key()
    slope: scalars.Share = slope_key()
    track: Annotated[
        tuple[Annotated[str, BeforeValidator(scalars.printable(200))], ...],
        BeforeValidator(one_or_more),
    ] = _key(
        "The steps that must be steady, as patterns of their keys such as `wr-bs4k-*`. By "
        "default all of them.",
        (),
        shown=[],
    )


class DepthSearchSection(Section):
    """Double the queue depth until the workload saturates; the matrix's depths are not used."""

    first: scalars.QueueDepth = _key("The depth to begin with.", 1, shown=1)
    at_most: scalars.QueueDepth = _key(
        "The deepest queue that is tried. 256 by default: what a virtio or SATA queue takes.",
        256,
        shown=256,
    )
    gain: scalars.Share = _key(
        "A doubling that gains less than this share in the judged figure, while the mean latency "
        "grows, saturates. 5% by default: less is hard to tell from noise.",
        parse_share("5%"),
        shown="5%",
    )


class SearchSection(Section):
    """What is looked for instead of being told."""

    queue_depth: DepthSearchSection = _key(
        "The depth at which each workload saturates; the knee is marked.", DepthSearchSection()
    )


class BaselineSection(Section):
    """What a run is judged against."""

    runs: scalars.BaselineRuns = _key(
        "How many of the latest accepted runs count. 30 by default: enough to know the noise "
        "between runs, few enough to follow a lab that changes.",
        30,
        shown=30,
    )
    max_age: scalars.BaselineAge = _key(
        "Runs that ended longer ago count no more; pinned ones always do. 180d by default: what "
        "a lab was half a year ago is seldom what it is now.",
        parse_duration_s("180d"),
        shown="180d",
    )


class GraphiteSection(Section):
    """Where intervals are streamed to while the run goes on."""

    host: Annotated[str, BeforeValidator(scalars.host)] = _key("Carbon's host.", "127.0.0.1")
    port: scalars.Port = _key("Carbon's plaintext port.", 2003, shown=2003)
    web: Annotated[str, BeforeValidator(scalars.web_address)] | None = _key(
        "Address of graphite-web, for links and for reading back what arrived.", None
    )
    required: scalars.Flag = _key(
        "Whether a lost Graphite makes the run end with exit code 4. Off by default: the figures "
        "are in the store anyway.",
        False,
        shown=False,
    )
    pickle_port: scalars.Port | None = _key(
        "Carbon's pickle port (2004 in its own configuration): what has piled up goes there, in "
        "less time. By default the plaintext port takes that too.",
        None,
    )
    older_layout: scalars.Flag = _key(
        "Whether figures are sent under the names of the earlier StorPerf as well, for dashboards "
        "that were made for it.",
        False,
        shown=False,
    )
    spool_size: scalars.SpoolSize = _key(
        "How much is kept on this machine's disk until Graphite has it. When it is full the "
        "oldest seconds become points of 10 s, then the oldest are lost. 256M by default: hours "
        "of a run on a few agents.",
        256 << 20,
        shown="256M",
    )
    spool_age: scalars.SpoolAge = _key(
        "How long it is kept. 14d by default: servers with our retentions keep no older one.",
        parse_duration_s("14d"),
        shown="14d",
    )


WORKLOADS_SCHEMA = WithJsonSchema(
    {
        "type": "array",
        "minItems": 1,
        "items": {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "anyOf": [{"required": ["rw"]}, {"required": ["fio_file"]}],
                    "additionalProperties": {"type": ["string", "number", "boolean", "array"]},
                },
            ]
        },
    }
)


class JobFile(Section):
    """A whole job; `name`, `target` and `workloads` are enough."""

    name: scalars.Name = _key(
        "Names the job in reports, in Graphite and in the baseline's key. 1 to 200 printable "
        "characters; it is never used as a file name as it stands."
    )
    target: TargetSection = _key("Where I/O goes.")
    workloads: Annotated[tuple[Any, ...], BeforeValidator(one_or_more), WORKLOADS_SCHEMA] = _key(
        "Names of [shipped workloads](workloads.md), mappings of fio options, or fio job files."
    )
    suite: scalars.Name | None = _key(
        "Name of a [suite](workloads.md#suites): it lends its keys (workloads, matrix, ending and "
        "the like), and the keys that stand here win. It may bring the `workloads`.",
        None,
    )
    variables: dict[str, Any] | None = _key(
        "Values with a name: `${NAME}` stands for the value anywhere else in the file, and a list "
        "makes a loop. `storperf run --set NAME=VALUE` wins (`NAME=[A,B]`: a list). "
        "`$${` is a plain `${`.",
        None,
    )
    lab: scalars.Name = _key(
        "Where a baseline is valid: the hardware and set-up that two runs must share to be "
        "compared. 1 to 200 printable characters.",
        "local",
    )
    provider: ProviderSection = _key(
        "Who hands out the machines on which fio runs.", ProviderSection()
    )
    matrix: MatrixSection = _key("What every workload is multiplied with.", MatrixSection())
    precondition: PreconditionSection = _key(
        "What is done to the target before measuring.", PreconditionSection()
    )
    duration: scalars.TrialDuration | None = _key(
        "How long each trial measures, 1s to 7d. 60s by default: shorter ones rarely show whether "
        "they were steady. Not together with `until`.",
        None,
        shown=DEFAULT_DURATION,
    )
    until: UntilSection | None = _key(
        "End each trial as soon as it is steady, or its mean is known well enough. Not together "
        "with `duration`.",
        None,
    )
    interval: scalars.IntervalDuration | None = _key(
        "Length of one reporting interval, 100ms to 60s. 1s by default; 250ms when a trial is "
        "shorter than 60s, so that the warm-up cut (MSER-5) has enough batches to choose from.",
        None,
        shown="1s",
    )
    repeats: scalars.Repeats = _key(
        "How often each step is executed; all steps once, then all again. Repeats in one run are "
        "averaged to one value, because they are not independent.",
        1,
        shown=1,
    )
    rounds: RoundsSection | None = _key(
        "Measure round by round until steady, as SNIA does. Not together with `repeats`, `until` "
        "or `search`.",
        None,
    )
    search: SearchSection | None = _key(
        "Search for the saturation of each workload. Not together with `rounds`.", None
    )
    ioengine: Annotated[str, BeforeValidator(scalars.printable(200))] | None = _key(
        "fio's way to do I/O: libaio, io_uring, psync, pvsync, pvsync2, sync, posixaio or mmap. "
        "libaio by default: it is everywhere on Linux and keeps its queue depth with direct I/O. "
        "Others need `allow_unsafe_fio_options`.",
        None,
        shown="libaio",
    )
    direct: scalars.Flag = _key(
        "Go around the page cache (O_DIRECT). On by default: else the memory is measured.",
        True,
        shown=True,
    )
    limits: Annotated[
        tuple[Annotated[Limit, BeforeValidator(read_limit), WithJsonSchema(SCHEMA)], ...],
        BeforeValidator(one_or_more),
    ] = _key("Sentences that each step must meet, see [limits](#limits).", (), shown=[])
    baseline: BaselineSection = _key("What the run is judged against.", BaselineSection())
    reference: ReferenceSection | None = _key(
        "A second target that is measured in pairs with `target`: to settle a suspicion, or in "
        "every run (`confirm: always`). It is prepared as `target` is, in every run.",
        None,
    )
    confirm: ConfirmSection = _key(
        "What is measured afresh before a verdict; a plain word is `when`.", ConfirmSection()
    )
    graphite: GraphiteSection | None = _key(
        "Where intervals are streamed to. Absent: the embedded Graphite if it is up, else nowhere; "
        "the store keeps them all the same.",
        None,
    )
    sensors: SensorsSection = _key("What hosts are asked for while trials go on.", SensorsSection())
    probes: Probes = _key(
        "Commands of your own whose figures are kept beside fio's, see [probes](#probes).",
        (),
        shown=[],
    )
    observe: Observed = _key(
        "Hosts that are watched while trials go on and run no fio, such as storage nodes: "
        "observed-01, observed-02 ... in this order, see [observe](#observe).",
        (),
        shown=[],
    )
    resources: Annotated[
        tuple[scalars.Name, ...],
        BeforeValidator(one_or_more),
        AfterValidator(distinct),
    ] = _key(
        "Names of what no other run may use meanwhile, such as a storage backend: runs in a "
        "[queue](../how-to/queue-runs.md) that share one follow each other. Hosts, stacks and "
        "remote targets need no name.",
        (),
        shown=[],
    )
    allow_unsafe_fio_options: scalars.Flag = _key(
        "Lets a workload name fio options that run commands, touch other files or change the "
        "host. Refused in job files that come through the API.",
        False,
        shown=False,
    )


DEFAULT_SPAN_BYTES = parse_size("1G")
