"""The keys of `precondition`."""

from __future__ import annotations

from storperf.jobfile import scalars
from storperf.jobfile.section import Section, key
from storperf.jobfile.snia import range_key, slope_key
from storperf.units import parse_duration_s, parse_size


class RandomSection(Section):
    """Random writes after the fill, until they hold still by SNIA's rule; `{}` takes it all."""

    block_size: scalars.BlockSize = key(
        "Size of the writes. 4k by default: the smallest that most devices write at once, and so "
        "the hardest for them.",
        parse_size("4k"),
        shown="4k",
    )
    queue_depth: scalars.QueueDepth = key("Writes in flight on each target.", 16, shown=16)
    at_most: scalars.TrialDuration = key(
        "The deadline. What is not steady by then is measured all the same, but every trial is "
        "flagged and the verdict is inconclusive.",
        parse_duration_s("1h"),
        shown="1h",
    )
    round: scalars.RoundDuration | None = key(
        "Length of one round, at least 10s. By default at_most/25, never under 10s.", None
    )
    window: scalars.Rounds = key("Rounds in the window that is looked at; SNIA's 5.", 5, shown=5)
    range: scalars.Share = range_key()
    slope: scalars.Share = slope_key()


class PreconditionSection(Section):
    """What is done to the target before measuring, in the order of these keys."""

    purge: scalars.Flag = key(
        "Let a device forget all it holds first (`blkdiscard`), so that each run begins alike. "
        "Off by default: few devices keep every promise about what was discarded.",
        False,
        shown=False,
    )
    fill: scalars.FillChoice = key(
        "Write the whole span with incompressible data. On by default: reading what was never "
        "written measures no storage, and a fresh SSD or thin volume is faster than a used one. "
        "A device that an earlier run filled in the same way, and that nobody wrote to since, is "
        "not filled again; `always` fills it all the same.",
        True,
        shown=True,
    )
    passes: scalars.Passes = key(
        "How often the span is filled. 1 by default: then every block was written; SNIA asks for "
        "2, so that an SSD has used its spare blocks as well.",
        1,
        shown=1,
    )
    block_size: scalars.BlockSize = key(
        "Size of the fill's writes; where the span or one of its files is no multiple of it, the "
        "largest power of two that is. 1M by default, which is fast everywhere.",
        parse_size("1M"),
        shown="1M",
    )
    queue_depth: scalars.QueueDepth = key("The fill's writes in flight.", 16, shown=16)
    random: RandomSection | None = key(
        "Random writes after the fill, until they are steady. Absent: none.", None
    )
    settle: scalars.SettleDuration = key(
        "Idle time after all this, so that the device can end what it does by itself. By default "
        "there is none.",
        0.0,
        shown="0s",
    )
    drop_caches: scalars.Flag = key(
        "Before every trial write out and drop the page cache of the host; needs root. Off by "
        "default: with `direct` nothing but the file system's own blocks is read from there.",
        False,
        shown=False,
    )
