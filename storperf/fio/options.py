"""Which fio options a workload may name, and why the others may not.

fio reads its command line with getopt_long_only: an unambiguous beginning of an option
is that option (`--exec_preru=CMD` runs CMD; tried with fio 3.33).  So a list of what is
forbidden protects nobody; what counts is the list of what is harmless, and exact names.
"""

from __future__ import annotations

import re

# Other spellings that fio knows, and the one that is stored and rendered.
ALIASES = {
    "readwrite": "rw",
    "blocksize": "bs",
    "blocksize_range": "bsrange",
    "blockalign": "ba",
    "blocksize_unaligned": "bs_unaligned",
    "iodepth_batch_submit": "iodepth_batch",
    "iodepth_batch_complete": "iodepth_batch_complete_min",
    "ratemin": "rate_min",
    "start_delay": "startdelay",
    "timeout": "runtime",
    "io_limit": "io_size",
    "fill_fs": "fill_device",
    "nr_files": "nrfiles",
    "file_size": "filesize",
    "iomem": "mem",
    "iomem_align": "mem_align",
    "iolog": "read_iolog",
    "buffered": "direct",
}

RW_VALUES = (
    "read",
    "write",
    "trim",
    "randread",
    "randwrite",
    "randtrim",
    "rw",
    "readwrite",
    "randrw",
    "trimwrite",
    "randtrimwrite",
)

# What a workload may pin for itself; the matrix is then not multiplied with that axis.
PINNED_BLOCK_SIZE = ("bs", "bsrange", "bssplit")
# The step's block size when a workload mixes them (bsrange, bssplit, a bs for each direction).
MIXED_BLOCK_SIZE = 0
PINNED = (*PINNED_BLOCK_SIZE, "iodepth", "numjobs")

# Where the engines of remote targets do their I/O.
REMOTE_PLACES = ("uri", "pool", "rbdname", "clientname", "clustername")

# Harmless: they shape the I/O inside the span and touch nothing else.  Everybody may use them.
_HARMLESS_WORDS = """
rw rw_sequencer bs bsrange bssplit ba bs_unaligned bs_is_seq_rand
iodepth iodepth_batch iodepth_batch_complete_min iodepth_batch_complete_max iodepth_low
serialize_overlap io_submit_mode numjobs thread
rwmixread rwmixwrite rwmixcycle
norandommap softrandommap randrepeat allrandrepeat randseed random_generator
random_distribution percentage_random
rate rate_min rate_iops rate_iops_min rate_process rate_cycle rate_ignore_thinktime
thinktime thinktime_spin thinktime_blocks thinktime_blocks_type thinktime_iotime
ramp_time max_latency
fsync fdatasync sync sync_file_range write_barrier end_fsync fsync_on_close
atomic invalidate fadvise_hint write_hint overwrite
zero_buffers refill_buffers scramble_buffers buffer_pattern buffer_compress_percentage
buffer_compress_chunk dedupe_percentage dedupe_mode dedupe_working_set_percentage
verify do_verify verify_offset verify_interval verify_pattern verify_fatal verify_backlog
verify_backlog_batch verify_async verifysort verifysort_nr verify_header_seed
nonvectored force_async hipri fixedbufs registerfiles sqthread_poll nowait
"""
HARMLESS = frozenset(_HARMLESS_WORDS.split())

# Not ours to pass on: the job file, or storperf itself, decides these.
DECIDED = {
    "name": "the workload's key `name` names it",
    "filename": "write the job's key `target`",
    "directory": "write the job's key `target`",
    "filename_format": "write the job's key `target`",
    "unique_filename": "write the job's key `target`",
    **dict.fromkeys(REMOTE_PLACES, "write the job's key `target`"),
    "nrfiles": "write `nrfiles` in the job's key `target`",
    "openfiles": "write `nrfiles` in the job's key `target`",
    "filesize": "write `size` and `nrfiles` in the job's key `target`",
    "size": "write `size` in the job's key `target`",
    "io_size": "a trial ends by time; write the job's key `duration` or `until`",
    "number_ios": "a trial ends by time; write the job's key `duration` or `until`",
    "loops": "a trial ends by time; write the job's key `duration` or `until`",
    "runtime": "write the job's key `duration` or `until`",
    "time_based": "every trial is; write the job's key `duration` or `until`",
    "steadystate": "write the job's key `until`",
    "steadystate_duration": "write the job's key `until`",
    "steadystate_ramp_time": "write the job's key `until`",
    "ioengine": "write the job's key `ioengine`",
    "direct": "write the job's key `direct`",
    "fill_device": "write the job's key `precondition`",
    "pre_read": "write the job's key `precondition`",
    "create_only": "write the job's key `precondition`",
    "create_on_open": "write the job's key `precondition`",
    "allow_file_create": "write the job's key `precondition`",
    "fallocate": "write the job's key `precondition`",
    "unlink": "storperf removes its scratch files itself",
    "unlink_each_loop": "storperf removes its scratch files itself",
    "status-interval": "write the job's key `interval`",
    "output": "storperf reads fio's output itself",
    "output-format": "storperf reads fio's output itself",
    "append-terse": "storperf reads fio's output itself",
    "terse-version": "storperf reads fio's output itself",
    "minimal": "storperf reads fio's output itself",
    "eta": "storperf shows the progress itself",
    "eta-interval": "storperf shows the progress itself",
    "eta-newline": "storperf shows the progress itself",
    "group_reporting": "storperf sums the fio jobs itself",
    "new_group": "storperf sums the fio jobs itself",
    "unified_rw_reporting": "storperf reports each direction by itself",
    "stats": "without fio's statistics there is nothing to judge",
    "percentile_list": "percentiles come from the whole histogram",
    "clat_percentiles": "percentiles come from the whole histogram",
    "lat_percentiles": "percentiles come from the whole histogram",
    "slat_percentiles": "percentiles come from the whole histogram",
    "disable_lat": "without latencies there is nothing to judge",
    "disable_clat": "without latencies there is nothing to judge",
    "disable_slat": "without latencies there is nothing to judge",
    "disable_bw_measurement": "without bandwidths there is nothing to judge",
    "gtod_reduce": "without latencies there is nothing to judge",
    "continue_on_error": "a trial with I/O errors is a failure, never a measurement",
    "ignore_error": "a trial with I/O errors is a failure, never a measurement",
    "startdelay": "storperf starts all agents at one time",
    "stonewall": "write several workloads, or a whole job file with `fio_file`",
    "wait_for": "write several workloads, or a whole job file with `fio_file`",
    "parse-only": "storperf asks fio to check the options itself",
    "readonly": "storperf decides from `rw` and `target`",
    "section": "write the options here, or a whole job file with `fio_file`",
    "max-jobs": "write the workload's `numjobs`",
}

# Options with known teeth.  Others that nobody has looked at are treated alike, without a reason.
DANGEROUS = {
    "exec_prerun": "it runs a command",
    "exec_postrun": "it runs a command",
    "exec": "it runs a command",
    "program": "it runs a command",
    "arguments": "it runs a command",
    "trigger": "it runs a command",
    "trigger-file": "it runs a command when a file appears",
    "trigger-timeout": "it runs a command after a time",
    "trigger-remote": "it runs a command on another host",
    "external_ioengine": "it loads a program library",
    "include": "it reads another file",
    "read_iolog": "it replays a file, on whatever devices that file names",
    "read_iolog_chunked": "it replays a file, on whatever devices that file names",
    "replay_redirect": "it names another file",
    "merge_blktrace_file": "it writes a file",
    "write_iolog": "it writes a file",
    "write_bw_log": "it writes files",
    "write_lat_log": "it writes files",
    "write_iops_log": "it writes files",
    "write_hist_log": "it writes files",
    "log_avg_msec": "it shapes log files that storperf does not use",
    "log_hist_msec": "it shapes log files that storperf does not use",
    "log_hist_coarseness": "it shapes log files that storperf does not use",
    "bandwidth-log": "it writes files",
    "per_job_logs": "it shapes log files that storperf does not use",
    "opendir": "it opens every file below a directory",
    "mmapfile": "it writes a file",
    "mem": "its value can name a file that is written",
    "aux-path": "it writes files in another directory",
    "verify_state_load": "it reads a state file",
    "verify_state_save": "it writes a state file",
    "verify_only": "it writes nothing and still reports I/O",
    "verify_dump": "it writes files",
    "error_dump": "it writes to the output that storperf reads",
    "profile": "it replaces the whole workload",
    "client": "it runs the load on other hosts",
    "server": "it opens a port for other hosts",
    "daemonize": "it leaves the process that storperf watches",
    "remote-config": "it reads a file of another host",
    "debug": "it writes to the output that storperf reads",
    "cgroup": "it creates a control group",
    "cgroup_weight": "it changes a control group",
    "cgroup_nodelete": "it leaves a control group behind",
    "uid": "it changes the user",
    "gid": "it changes the group",
    "ioscheduler": "it changes a setting of the host's device",
    "lockmem": "it locks memory that others need",
    "nice": "it changes the scheduling of the host",
    "prio": "it changes the scheduling of the host",
    "prioclass": "it changes the scheduling of the host",
    "cpumask": "it ties fio to processors of the host",
    "cpus_allowed": "it ties fio to processors of the host",
    "numa_cpu_nodes": "it ties fio to processors of the host",
    "numa_mem_policy": "it ties fio to memory of the host",
    "offset": "it moves I/O out of the span that the target names",
    "offset_increment": "it moves I/O out of the span that the target names",
    "file_append": "it writes behind the span that the target names",
    "zonemode": "it resets zones of the device",
    "allow_mounted_write": "it writes to a device in use",
}

_OPTION_NAME = re.compile(r"[a-z][a-z0-9_-]{0,59}")
# No quotes ('name' in a pattern reads that file), no $, no blank, nothing a shell would read.
_HARMLESS_VALUE = re.compile(r"[A-Za-z0-9_.,:/%+=-]{1,500}")


def canonical_name(name: str) -> str:
    """The one spelling of an option that fio knows under several."""
    return ALIASES.get(name, name)


def option_fault(name: str, value: str, *, unsafe_allowed: bool) -> str | None:
    """Why a workload may not say `name: value`; None when it may."""
    if _OPTION_NAME.fullmatch(name) is None:
        return f"{name!r} is not the name of a fio option"
    reason = _decided_reason(canonical_name(name))
    if reason is not None:
        return f"fio option {name!r} is not a workload's to set: {reason}"
    if not value or not value.isprintable():
        return f"fio option {name!r} needs a value of printable characters on one line"
    return None if unsafe_allowed else _harm(name, value)


def _harm(name: str, value: str) -> str | None:
    """What keeps an option out of a job file that allows no unsafe ones."""
    if canonical_name(name) not in HARMLESS:
        why = DANGEROUS.get(canonical_name(name), "nobody has listed it as harmless")
    elif _HARMLESS_VALUE.fullmatch(value) is None:
        why = f"its value {value[:60]!r} holds more than A-Z a-z 0-9 _.,:/%+=-"
    else:
        return None
    return f"fio option {name!r} is refused: {why} (see allow_unsafe_fio_options)"


def _decided_reason(name: str) -> str | None:
    if name in DECIDED:
        return DECIDED[name]
    if name in HARMLESS or name in DANGEROUS:
        return None
    for decided, reason in (DECIDED | dict.fromkeys(ALIASES, "")).items():
        if decided.startswith(name):
            return reason or f"fio would read it as {decided!r}; write options in full"
    return None
