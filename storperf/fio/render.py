"""A trial, or the filling before it, as fio's argument vector."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from storperf.errors import UsageError
from storperf.fio import engines
from storperf.fio.job_text import read_sections
from storperf.fio.options import MIXED_BLOCK_SIZE, PINNED, PINNED_BLOCK_SIZE, REMOTE_PLACES
from storperf.model.job import Job, RandomWrites, Step, Workload
from storperf.model.target import Target, TargetKind

FILL_NAME = "fill"
RANDOM_NAME = "precondition"
REACH_NAME = "reach"
REACH_BYTES = 4096


def render_trial(
    job: Job, step: Step, target: Target, *, fio: str, filenames: Sequence[str]
) -> tuple[str, ...]:
    """The argument vector that measures `step` on `target`.

    `filenames` are the device, or the files of ours, as the agent sees them; where the status
    documents go is the agent's to say.  UsageError when fio cannot be told such a file name.
    """
    if step.workload.fio_file is not None:
        return (fio, *_sections(job, step.workload.fio_file, target, filenames), *_reporting(job))
    options = [
        ("name", step.key),
        *_reproducibility(step.workload),
        *((key, value) for key, value in step.workload.options if key not in PINNED),
        *_block_size(step),
        ("iodepth", str(step.queue_depth)),
        ("numjobs", str(step.numjobs)),
        ("group_reporting", "1"),
        *_place(job, target, filenames, job.ioengine),
        # A filled file must be there already; fio would lay one out and count no I/O for it.
        ("allow_file_create", "0" if job.precondition.fill else "1"),
        *_until(job, step.workload),
    ]
    return (fio, *_arguments(options), *_reporting(job))


def _sections(job: Job, text: str, target: Target, filenames: Sequence[str]) -> list[str]:
    """The fio jobs of a user's own job file, on the target unless they name another place."""
    words = []
    for section in read_sections(text):
        given = dict(_place(job, target, filenames, job.ioengine))
        if not section.options.keys().isdisjoint(("filename", "directory", *REMOTE_PLACES)):
            given.pop("filename", None)
        options = {**given, **section.options}
        words += _arguments([("name", section.name), *options.items()])
    return words


def render_fill(job: Job, target: Target, *, fio: str, filenames: Sequence[str]) -> tuple[str, ...]:
    """The argument vector that writes the whole span, with data that cannot be compressed."""
    asked = job.precondition
    options = [
        ("name", FILL_NAME),
        ("rw", "write"),
        ("bs", str(_dividing_block(target, asked.block_size_bytes))),
        ("iodepth", str(asked.queue_depth)),
        *_writing(job, target, filenames),
        ("end_fsync", "1"),
    ]
    if asked.passes > 1:
        options.append(("loops", str(asked.passes)))
    return (fio, *_arguments(options), *_reporting(job))


def render_random_writes(
    job: Job, random: RandomWrites, target: Target, *, fio: str, filenames: Sequence[str]
) -> tuple[str, ...]:
    """The argument vector that writes at random, up to its deadline."""
    options = [
        ("name", RANDOM_NAME),
        ("rw", "randwrite"),
        ("bs", str(random.block_size_bytes)),
        ("iodepth", str(random.queue_depth)),
        ("randrepeat", "0"),
        ("norandommap", "1"),
        *_writing(job, target, filenames),
        ("allow_file_create", "0"),
        ("time_based", "1"),
        ("runtime", _milliseconds(random.at_most_s)),
    ]
    return (fio, *_arguments(options), *_reporting(job))


def _dividing_block(target: Target, most_bytes: int) -> int:
    """The largest power of two within a block size that leaves no rest at the end of a file."""
    file_bytes = (target.size_bytes or most_bytes) // target.nrfiles
    return math.gcd(file_bytes, 1 << (most_bytes.bit_length() - 1))


def _writing(job: Job, target: Target, filenames: Sequence[str]) -> list[tuple[str, str]]:
    return [
        ("numjobs", "1"),
        ("group_reporting", "1"),
        *_place(job, target, filenames, fill_engine(target)),
        ("refill_buffers", "1"),
        ("buffer_compress_percentage", "0"),
    ]


def render_reach(target: Target, *, fio: str) -> tuple[str, ...]:
    """The argument vector that reads the last block of a remote target's span, and nothing else.

    An export or an image that is smaller is no error to fio: it does fewer I/Os, here none
    (fio 3.33, tried).  As a thread, for a fio job of its own would outlive a fio that is killed
    while it waits for a server.
    """
    size = target.size_bytes or REACH_BYTES
    options = [
        ("name", REACH_NAME),
        ("rw", "read"),
        ("bs", str(REACH_BYTES)),
        ("ioengine", fill_engine(target)),
        *_address(target),
        ("offset", str(size - REACH_BYTES)),
        ("size", str(REACH_BYTES)),
        ("thread", "1"),
    ]
    return (fio, *_arguments(options), "--output-format=json+", "--eta=never")


def render_try(ioengine: str, *, fio: str) -> tuple[str, ...]:
    """The argument vector that tries an ioengine where it can do no harm."""
    options = [
        ("name", "try"),
        ("rw", "read"),
        ("bs", str(REACH_BYTES)),
        ("ioengine", ioengine),
        ("filename", "/dev/zero"),
        ("size", str(REACH_BYTES)),
        ("thread", "1"),
    ]
    return (fio, *_arguments(options), "--output-format=json+", "--eta=never")


def render_parse_only(argv: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The same, only checked: fio does no I/O and says what it does not understand.

    A command for each fio job: of two on one command line the exit status says nothing.
    """
    starts = [index for index, word in enumerate(argv) if word.startswith("--name=")]
    ends = [*starts[1:], len(argv)]
    return tuple(
        (argv[0], *argv[start:end], "--parse-only") for start, end in zip(starts, ends, strict=True)
    )


def render_filename(path: str) -> str:
    r"""The path as fio's `filename` takes it: `:` separates files there, `\:` is a colon.

    fio cuts a name at `;` and `#` and drops blanks at its ends (fio 3.33, tried), so that
    another file would be written: such a path is refused.
    """
    if not path or path != path.strip() or any(mark in path for mark in ";#\n\r\0"):
        raise UsageError(
            f"fio cannot be told the file name {path!r}: it holds ';' or '#' or a blank at its "
            "ends; choose another directory",
            path=path,
        )
    return path.replace(":", r"\:")


def _reproducibility(workload: Workload) -> list[tuple[str, str]]:
    """New random offsets for each trial, unless the workload decides.

    fio's default (randrepeat=1) visits the same offsets in the same order each time: a second
    trial would find them in a cache, and all agents would walk in step.  What the choice of
    offsets adds to the noise belongs to the noise between runs, where it is seen.
    """
    chosen = {"randrepeat", "allrandrepeat", "randseed"} & {key for key, _ in workload.options}
    options = [] if chosen else [("randrepeat", "0")]
    if workload.option("verify") is not None:
        # Else fio leaves a state file in its working directory when it is stopped.
        options.append(("verify_state_save", "0"))
    return options


def _until(job: Job, workload: Workload) -> list[tuple[str, str]]:
    """A warm-up ends once it has done its span, everything else after its time."""
    if workload.is_warm_up:
        return [("loops", "1")]
    return [("time_based", "1"), ("runtime", _milliseconds(job.ending.runtime_s))]


def _block_size(step: Step) -> list[tuple[str, str]]:
    if step.block_size_bytes != MIXED_BLOCK_SIZE:
        return [("bs", str(step.block_size_bytes))]
    return [(key, value) for key, value in step.workload.options if key in PINNED_BLOCK_SIZE]


def fill_engine(target: Target) -> str:
    """The engine that writes before measuring: the job's own may be a slow way to write a span."""
    return engines.of_target(target.kind) or engines.DEFAULT


def _place(
    job: Job, target: Target, filenames: Sequence[str], ioengine: str
) -> list[tuple[str, str]]:
    size = "100%" if target.size_bytes is None else str(target.size_bytes)
    options = [("ioengine", ioengine), ("direct", str(int(job.direct))), ("size", size)]
    if target.kind.is_remote:
        options += _address(target)
    elif target.kind is not TargetKind.NULL:
        options.append(("filename", ":".join(map(render_filename, filenames))))
    return options


def _address(target: Target) -> list[tuple[str, str]]:
    """Where a remote target is, in the options of its own ioengine, which must stand before."""
    if target.rbd is None:
        return [("uri", target.path)]
    return [
        ("pool", target.rbd.pool),
        ("rbdname", target.rbd.image),
        ("clientname", target.rbd.client),
        ("clustername", target.rbd.cluster),
    ]


def _reporting(job: Job) -> list[str]:
    return [
        f"--status-interval={_milliseconds(job.interval_s)}",
        "--output-format=json+",
        "--eta=never",
    ]


def _arguments(options: Iterable[tuple[str, str]]) -> list[str]:
    return [f"--{key}={value}" for key, value in options]


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
