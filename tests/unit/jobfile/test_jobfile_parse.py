"""A job file's text to a Job, and every refusal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.errors import ExitCode, JobFileError
from storperf.jobfile.parse import parse_job
from storperf.model.ending import ConfidentRule, Ending, Need, SteadyRule, StorperfRule
from storperf.model.job import Graphite, Limit, Op, Origin, Sensors, Workload
from storperf.model.target import TargetKind
from storperf.plan import plan_job

THREE_LINES = "name: nightly\ntarget: {directory: scratch, size: 1G}\nworkloads: [rr, wr]\n"
NULL_TARGET = "name: x\ntarget: {null_engine: true}\n"
DEVICE = "{device: /dev/vdb, serial: S1, destroy: true}"


def parse(text, **more):
    return parse_job(text, source="job.yaml", **more)


def faults_of(text, **more):
    with pytest.raises(JobFileError) as caught:
        parse(text, **more)
    return list(caught.value.faults)


def with_keys(extra, target="{directory: scratch, size: 1G}", workloads="[rr, wr]"):
    return f"name: x\ntarget: {target}\nworkloads: {workloads}\n{extra}\n"


def test_three_lines_are_a_whole_job():
    job = parse(THREE_LINES)
    assert (job.name, job.lab, job.origin) == ("nightly", "local", Origin.TRUSTED)
    assert (job.provider.kind, job.provider.fio) == ("local", "fio")
    (side,) = job.sides
    (target,) = side.targets
    assert side.name == "candidate"
    assert (target.kind, target.path, target.size_bytes) == ("directory", "scratch", 1 << 30)
    assert [workload.name for workload in job.workloads] == ["rr", "wr"]
    assert job.matrix.block_sizes_bytes == (4096,)
    assert job.matrix.queue_depths == (16,)
    assert (job.matrix.numjobs, job.matrix.agents) == ((1,), (1,))
    assert (job.ending.runtime_s, job.ending.until_steady) == (60, None)
    assert (job.interval_s, job.repeats, job.ioengine, job.direct) == (1, 1, "libaio", True)
    assert job.precondition.fill
    assert (job.limits, job.baseline_runs, job.graphite) == ((), 30, None)
    assert job.sensors == Sensors(interval_s=1.0, processes=())
    assert job.text == THREE_LINES


@pytest.mark.parametrize(
    ("extra", "interval_s"),
    [
        ("duration: 10s", 1.0),  # its intervals are of 250 ms
        ("interval: 5s", 5.0),
        ("sensors: {interval: 100ms}", 0.1),
        ("interval: 5s\nsensors: {interval: 2s, processes: ceph-osd}", 2.0),
    ],
)
def test_hosts_are_sampled_once_a_second_at_most_unless_it_is_asked_for(extra, interval_s):
    assert parse(with_keys(extra)).sensors.interval_s == interval_s


def test_programs_that_become_figures_are_named():
    job = parse(with_keys("sensors: {processes: [ceph-osd, qemu-system-x86]}"))
    assert job.sensors.processes == ("ceph-osd", "qemu-system-x86")


def test_how_hosts_are_watched_keeps_runs_comparable():
    plain, asked = (
        plan_job(parse(with_keys(extra))) for extra in ("", "sensors: {interval: 5s, processes: x}")
    )
    assert [step.fingerprint for step in plain.steps] == [step.fingerprint for step in asked.steps]


def test_the_whole_shape_of_the_issue_is_read():
    job = parse(
        """
name: nightly-ceph
target: {directory: scratch, size: 1G}
workloads: [rr, wr]
lab: pod9
provider: {kind: local}
precondition: {fill: true}
matrix: {block_size: [4k, 64k], queue_depth: [1, 16], numjobs: [1]}
duration: 60s
repeats: 1
graphite: {host: 127.0.0.1, port: 2003, web: "http://127.0.0.1:8080", required: false}
limits: ["iops >= 5000", "p99 clat <= 2ms"]
baseline: {runs: 30}
"""
    )
    assert job.lab == "pod9"
    assert job.matrix.block_sizes_bytes == (4096, 65536)
    assert job.matrix.queue_depths == (1, 16)
    assert job.graphite == Graphite(
        host="127.0.0.1", port=2003, web="http://127.0.0.1:8080", required=False
    )
    assert job.limits[1] == Limit(
        text="p99 clat <= 2ms", metric="clat_p99", at_least=False, bound=2_000_000
    )


def test_all_faults_come_at_once_each_with_its_line():
    faults = faults_of(
        """name: x
blocksize: 3
target: {directroy: x, size: 10Q}
workloads: [rr, {rw: reed, exec_prerun: touch}, zz]
matrix: {block_size: [4k, 4096], numjobs: 1:30, queue_depth: [010]}
duration: 5s
until: {steady: {}}
limits: ["p98 clat <= 2ms"]
lab:
name: y
provider: []
"""
    )
    assert [fault.split(":")[0] for fault in faults] == [
        "line 10", "line 2", "line 3", "line 3", "line 4", "line 4", "line 4", "line 5",
        "line 5", "line 5", "line 7", "line 8", "line 9", "line 11",
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["name", "target", "workloads"])
def test_each_of_the_three_keys_is_required(key):
    text = "".join(line for line in THREE_LINES.splitlines(True) if not line.startswith(key))
    assert faults_of(text) == [f"line 1: {key}: is missing"]


@pytest.mark.parametrize(
    ("extra", "fault"),
    [
        ("limit: [iops >= 1]", "line 4: limit: unknown key; did you mean 'limits'?"),
        (
            "matrix: {blocksize: 4k}",
            "line 4: matrix.blocksize: unknown key; did you mean 'block_size'?",
        ),
        ("queue_depth: 4", "line 4: queue_depth: unknown key; did you mean 'matrix.queue_depth'?"),
        ("until: {steady: {qqqq: 5}}", "line 4: until.steady.qqqq: unknown key; known are"),
        ("zzz: 1", "line 4: zzz: unknown key; known are allow_unsafe_fio_options, baseline"),
        ("<<: {lab: a}", "line 4: <<: unknown key; known are"),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one_and_the_line(extra, fault):
    (found,) = faults_of(with_keys(extra))
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ("lab: ''", "lab: is empty"),
        ("lab: true", "lab: must be text"),
        ("lab: [a]", "lab: must be a single value, not a list"),
        ("lab: {a: b}", "lab: must be a single value, not a mapping"),
        ("lab:", "lab: has no value"),
        ('lab: "a\\tb"', "lab: must be one line of printable characters"),
        ("provider: {kind: slurm}", "provider.kind: must be 'local', 'ssh' or 'heat', not 'slurm'"),
        ("provider: local", "provider: must be a mapping of kind, stack, fio"),
        ("precondition: {fill: no}", "precondition.fill: must be true, false or always, not 'no'"),
        ("precondition: {fill: 1}", "precondition.fill: must be true, false or always, not '1'"),
        ("matrix: {block_size: []}", "matrix.block_size: the list is empty"),
        ("matrix: {block_size: [4k, 4096]}", "block_size: the list holds 4096 more than once"),
        ("matrix: {block_size: 1000}", "block_size[0]: 1000 bytes is not a multiple of 512"),
        ("matrix: {block_size: 256}", "block_size[0]: 256 is not between 512 and 64M"),
        ("matrix: {block_size: 128M}", "block_size[0]: 128M is not between 512 and 64M"),
        ("matrix: {block_size: 4.x}", "'4.x' is not a size"),
        ("matrix: {queue_depth: 0}", "queue_depth[0]: 0 is not between 1 and 4096"),
        ("matrix: {queue_depth: 4097}", "4097 is not between 1 and 4096"),
        ("matrix: {queue_depth: 1.5}", "'1.5' is not a whole number"),
        ("matrix: {queue_depth: 010}", "'010' is not a whole number"),
        ("matrix: {queue_depth: 1_0}", "'1_0' is not a whole number"),
        ("matrix: {queue_depth: true}", "queue_depth[0]: must be text"),
        ("matrix: {numjobs: [1, 1]}", "numjobs: the list holds 1 more than once"),
        ("matrix: {numjobs: 513}", "513 is not between 1 and 512"),
        ("matrix: {agents: 2}", "agents[0]: provider.kind local has one agent"),
        ("matrix: {agents: 0}", "0 is not between 1 and 1024"),
        ("duration: 0.5s", "duration: 0.5s is not between 1s and 7d"),
        ("duration: 8d", "duration: 8d is not between 1s and 7d"),
        ("duration: 1:30", "'1:30' is not a duration"),
        ("duration: -5", "'-5' is not a duration"),
        ("duration: " + "9" * 5000, "is too long for a number"),
        ("until: {at_most: 0s}", "until.at_most: 0s is not between 1s and 7d"),
        ("until: {steady: {round: 9s}}", "until.steady.round: 9s is not between 10s and 1d"),
        ("until: {steady: {rounds: 2}}", "2 is not between 3 and 100"),
        ("until: {steady: {range: 120%}}", "is not between 0 and 100 %"),
        ("until: {steady: {slope: 0%}}", "a limit of 0 can never be met"),
        ("until: {at_most: 40s}", "until: 5 rounds of 10s do not fit into at_most, 40s"),
        ("duration: 60s\nuntil: {}", "until: `duration` and `until` exclude each other"),
        ("until: {confident: {half_width: 0%}}", "a limit of 0 can never be met"),
        ("until: {confident: {at_least: 49}}", "49 is not between 50 and 1000000"),
        (
            "until: {confident: {}, at_most: 4m}",
            "until.confident: 300 intervals of 1s do not fit into at_most, 4m",
        ),
        ("until: {storperf: {sample: 5s}}", "5s is not between 10s and 1d"),
        (
            "until: {storperf: {}, at_most: 5m}",
            "until: 10 samples of 1m do not fit into at_most, 5m",
        ),
        ("until: {storperf: {sample: 10s}}\ninterval: 20s", "interval: is longer than 10s"),
        ("until: {steady: {}, confident: {}, need: one}", "'one' is not one of all, any"),
        ("until: {need: any}", "until.need: combines several rules, and there is one"),
        ("until: {steady: {}, need: all}", "until.need: combines several rules, and there is one"),
        ("until: {steady: null, confident: {}}", "line 4: until.steady: has no value"),
        ("interval: 50ms", "interval: 50ms is not between 100ms and 60s"),
        ("interval: 61s", "interval: 61s is not between 100ms and 60s"),
        ("duration: 2s\ninterval: 3s", "interval: is longer than 2s, what it divides"),
        ("repeats: 0", "repeats: 0 is not between 1 and 100"),
        ("repeats: 101", "repeats: 101 is not between 1 and 100"),
        ("ioengine: libaoi", "'libaoi' is not among the engines"),
        ("ioengine: external:/tmp/x.so", "is not among the engines"),
        ("ioengine: 'null'", "the null engine is a target"),
        ("ioengine: null", "ioengine: has no value"),
        ("ioengine: mmap", "mmap goes through the page cache"),
        ("ioengine: psync\nmatrix: {queue_depth: [1, 8]}", "queue_depth[1]: psync does one I/O"),
        ("direct: off", "direct: must be true or false, not 'off'"),
        ("limits: []", "limits: the list is empty"),
        ("limits: ['iops >= fast']", "limits[0]: 'fast' is not a number of operations"),
        ("limits: ['rx: iops >= 5']", "limits[0]: the job has no workload 'rx'; known are rr, wr"),
        ("limits: ['trim iops >= 5']", "limits[0]: no workload that it speaks of does any trim"),
        ("limits: ['write rr: iops >= 5']", "no workload that it speaks of does any write"),
        ("baseline: {runs: 0}", "baseline.runs: 0 is not between 1 and 1000"),
        ("baseline: {runs: 1001}", "1001 is not between 1 and 1000"),
        ("graphite: {port: 70000}", "graphite.port: 70000 is not between 1 and 65535"),
        ("graphite: {host: 'a b'}", "graphite.host: 'a b' is not a host's name"),
        ("graphite: {web: 'ftp://x'}", "graphite.web: 'ftp://x' is not an address"),
        ("graphite: {web: 'http://u:p@x'}", "is not an address"),
        ("sensors: {interval: 50ms}", "sensors.interval: 50ms is not between 100ms and 60s"),
        ("sensors: {processes: []}", "sensors.processes: the list is empty"),
        ("sensors: {processes: [a b]}", "processes[0]: 'a b' is not the name of a program"),
        ("sensors: {processes: [qemu-system-x86_64]}", "18 characters; at most 15 are possible"),
        ("sensors: {processes: [x, x]}", "the list holds x more than once"),
        (
            f"sensors: {{processes: [{', '.join(f'p{n}' for n in range(21))}]}}",
            "has 21 names; at most 20 are possible",
        ),
        ("graphite: yes", "graphite: must be a mapping of host, port, web, required"),
        ("matrix: {block_size: 1536k}", "block_size[0]: is more than the target's 1M"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused(extra, says):
    size = "1M" if "1536k" in extra else "1G"
    faults = faults_of(with_keys(extra, target=f"{{directory: scratch, size: {size}}}"))
    assert len(faults) == 1
    assert says in faults[0]
    assert faults[0].startswith("line ")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("scratch", "must be a mapping of directory, device"),
        (
            "{}",
            "exactly one of directory, device, null_engine, nbd, rbd and volume; none",
        ),
        ("{size: 1G}", "needs exactly one of"),
        ("{directory: a, null_engine: true}", "not directory and null_engine"),
        ("{directory: a, device: /dev/vdb}", "not directory and device"),
        ("{directory: ''}", "target.directory: is empty"),
        ("{directory: a, size: 512k}", "target.size: 512k is not between 1M and 1P"),
        ("{directory: a, size: 2P}", "is not between 1M and 1P"),
        ("{directory: a, size: 1048577}", "is not a multiple of 4k"),
        ("{directory: a, serial: x}", "target.serial: belongs to a device only"),
        ("{directory: a, destroy: true}", "target.destroy: belongs to a device, to nbd and to rbd"),
        ("{device: vdb, serial: x, destroy: true}", "must be an absolute path"),
        ("{device: /dev/vdb, destroy: true}", "a device needs its `serial`"),
        ("{device: /dev/vdb, serial: x}", "a device needs `destroy: true`"),
        ("{device: /dev/vdb, serial: x, destroy: false}", "a device needs `destroy: true`"),
        ("{device: /dev/vdb, serial: x, destroy: yes}", "must be true or false, not 'yes'"),
        ("{null_engine: false}", "target.null_engine: can only be true"),
        ("{null: true}", "target.null: unknown key; did you mean 'null_engine'?"),
    ],
)
def test_a_wrong_target_is_refused(target, says):
    faults = faults_of(with_keys("", target=target))
    assert any(says in fault for fault in faults)
    assert all(fault.startswith("line 2: target") for fault in faults)


@pytest.mark.parametrize(
    ("workloads", "says"),
    [
        ("[]", "workloads: the list is empty"),
        ("[rx]", "workloads[0]: no workload is called 'rx'; known are _warm_up, random-mix"),
        ("[[rr]]", "workloads[0]: must be a workload's name or a mapping"),
        ("[rr, rr]", "workloads[1]: a second workload is called 'rr'"),
        ("[{rw: read}, {rw: 'read:8'}]", "workloads[1]: a second workload is called 'read'"),
        ("[{}]", "workloads[0]: needs `rw`"),
        ("[{bs: 4k}]", "workloads[0]: needs `rw`"),
        ("[{rw: reed}]", "workloads[0].rw: 'reed' is not a pattern of fio; did you mean 'read'?"),
        ("[{rw: 'read:x;y'}]", "workloads[0].rw"),
        ("[{rw: read, name: ''}]", "workloads[0].name: is empty"),
        ("[{rw: read, name: [a]}]", "workloads[0].name: must be a single value"),
        ("[{rw: read, bs: 3}]", "workloads[0].bs: 3 is not between 512 and 64M"),
        ("[{rw: read, bs: 4k, bssplit: 4k/50}]", "bs and bssplit say the block size twice"),
        ("[{rw: read, bs: 4k, blocksize: 8k}]", "another spelling of 'bs'"),
        ("[{rw: read, iodepth: 0}]", "workloads[0].iodepth: 0 is not between"),
        ("[{rw: read, numjobs: x}]", "workloads[0].numjobs: 'x' is not a whole number"),
        ("[{rw: read, rate: }]", "workloads[0].rate: has no value"),
        ("[{rw: read, rate: {a: 1}}]", "workloads[0].rate: must be a single value, or a list"),
        ("[{rw: read, rate: [[1]]}]", "workloads[0].rate: must be a single value, or a list"),
        ("[{rw: read, rate: [1, 1]}]", "workloads[0].rate: must be a single value, or a list"),
        ("[{rw: read, rate: []}]", "workloads[0].rate: must be a single value, or a list"),
        ("[{rw: read, iodepth: [1, 0]}]", "workloads[0].iodepth: 0 is not between"),
        ("[{rw: [read, reed]}]", "workloads[0].rw: 'reed' is not a pattern of fio"),
        ('[{rw: read, rate: "1\\n--exec_prerun=x"}]', "printable characters on one line"),
        ("[{rw: read, 'rate --x': 1}]", "is not the name of a fio option"),
        ("[{rw: read, bs: 2M}]", "'read' has a bs of 2M, which is more than the target's 1M"),
        ("[{rw: randread, verify: crc32c}]", "'randread' verifies data that it never wrote"),
        ("[{rw: read, bs: 640k}]", "has a bs of 640k, which does not divide the target's 1M: the"),
        ("[{rw: trim}]", "'trim' trims; only a device can be trimmed"),
    ],
)
def test_a_wrong_workload_is_refused(workloads, says):
    faults = faults_of(with_keys("", target="{directory: a, size: 1M}", workloads=workloads))
    assert len(faults) == 1
    assert says in faults[0]


DANGEROUS = [
    "exec_prerun: touch /tmp/x",
    "exec_postrun: x",
    "read_iolog: /etc/passwd",
    "write_iolog: x",
    "write_bw_log: x",
    "write_lat_log: x",
    "write_hist_log: x",
    "log_avg_msec: 5",
    "opendir: /etc",
    "mem: 'mmaphuge:/x'",
    "verify_state_save: 1",
    "cgroup: x",
    "profile: act",
    "trigger: x",
    "trigger-file: x",
    "client: host",
    "server: x",
    "include: x",
    "offset: 4k",
    "exec_preru: touch /tmp/x",
    "ioscheduler: none",
    "unknown_option: 1",
    "buffer_pattern: \"'/etc/passwd'\"",
    "rate: $(id)",
    "rate: '`id`'",
]


@pytest.mark.parametrize("option", DANGEROUS)
def test_a_dangerous_option_needs_the_permission(option):
    workloads = f"[{{rw: read, {option}}}]"
    (fault,) = faults_of(with_keys("", workloads=workloads))
    assert "is refused" in fault
    allowed = parse(with_keys("allow_unsafe_fio_options: true", workloads=workloads))
    assert len(allowed.workloads[0].options) == 2


@pytest.mark.parametrize("option", DANGEROUS)
def test_an_untrusted_job_file_never_gets_the_permission(option):
    text = with_keys("allow_unsafe_fio_options: true", workloads=f"[{{rw: read, {option}}}]")
    faults = faults_of(text, origin=Origin.UNTRUSTED)
    assert len(faults) == 2
    assert "is refused" in faults[0]
    assert "is not possible in an untrusted job file" in faults[1]


@pytest.mark.parametrize(
    ("option", "key"),
    [
        ("filename: /etc/passwd", "target"),
        ("directory: /", "target"),
        ("size: 1T", "target"),
        ("filesize: 1T", "target"),
        ("runtime: 5", "duration"),
        ("timeout: 5", "duration"),
        ("time_based: 0", "duration"),
        ("loops: 5", "duration"),
        ("ioengine: exec", "ioengine"),
        ("direct: 0", "direct"),
        ("buffered: 1", "direct"),
        ("output: x", "storperf reads"),
        ("output-format: json", "storperf reads"),
        ("status-interval: 5", "interval"),
        ("group_reporting: 0", "storperf sums"),
        ("gtod_reduce: 1", "nothing to judge"),
        ("continue_on_error: all", "never a measurement"),
        ("filena: /etc/passwd", "target"),
        ("outpu: x", "storperf reads"),
    ],
)
def test_an_option_that_storperf_decides_is_refused_even_with_permission(option, key):
    text = with_keys("allow_unsafe_fio_options: true", workloads=f"[{{rw: read, {option}}}]")
    (fault,) = faults_of(text)
    assert "is not a workload's to set" in fault
    assert key in fault


@pytest.mark.parametrize(
    ("extra", "target", "says"),
    [
        ("provider: {fio: /tmp/evil}", "{null_engine: true}", "may not choose the program"),
        ("", "{directory: /etc}", "may only name one below ours"),
        ("", "{directory: a/../../b}", "may only name one below ours"),
        ("ioengine: rados\nallow_unsafe_fio_options: true", "{directory: a}", "not possible"),
    ],
)
def test_an_untrusted_job_file_chooses_no_program_and_no_place(extra, target, says):
    text = with_keys(extra, target=target)
    assert parse(text)
    faults = faults_of(text, origin=Origin.UNTRUSTED)
    assert any(says in fault for fault in faults)


def test_an_untrusted_job_file_without_teeth_is_read():
    text = with_keys("", workloads="[rr, {rw: randrw, rwmixread: 70, norandommap: 1}]")
    assert parse(text, origin=Origin.UNTRUSTED).origin is Origin.UNTRUSTED


@pytest.mark.parametrize(
    ("duration", "interval_s"), [("60s", 1.0), ("59.9s", 0.25), ("1s", 0.25), ("1h", 1.0)]
)
def test_a_short_trial_reports_more_often(duration, interval_s):
    assert parse(with_keys(f"duration: {duration}")).interval_s == interval_s


@pytest.mark.parametrize(
    ("until", "rule", "at_most_s"),
    [
        ("{}", SteadyRule(round_s=48), 1200),
        ("{at_most: 1h}", SteadyRule(round_s=144), 3600),
        ("{at_most: 60s}", SteadyRule(round_s=10), 60),
        (
            "{steady: {round: 30s, rounds: 6, range: 10%, slope: 0.05}, at_most: 10m}",
            SteadyRule(round_s=30, rounds=6, range_limit=0.1, slope_limit=0.05),
            600,
        ),
    ],
)
def test_until_steady_has_snias_rule_and_a_deadline(until, rule, at_most_s):
    job = parse(with_keys(f"until: {until}"))
    assert (job.ending.until_steady, job.ending.runtime_s) == (rule, at_most_s)
    assert job.interval_s == 1


@pytest.mark.parametrize(
    ("until", "ending"),
    [
        ("{confident: {}}", Ending(runtime_s=1200, until_confident=ConfidentRule())),
        (
            "{confident: {half_width: 0.5%, at_least: 60}, at_most: 5m}",
            Ending(runtime_s=300, until_confident=ConfidentRule(half_width=0.005, at_least=60)),
        ),
        ("{storperf: {}}", Ending(runtime_s=1200, until_storperf=StorperfRule())),
        (
            "{storperf: {sample: 30s, samples: 5, range: 10%, slope: 5%}}",
            Ending(
                runtime_s=1200,
                until_storperf=StorperfRule(
                    sample_s=30, samples=5, range_limit=0.1, slope_limit=0.05
                ),
            ),
        ),
        (
            "{steady: {}, confident: {}}",
            Ending(
                runtime_s=1200,
                until_steady=SteadyRule(round_s=48),
                until_confident=ConfidentRule(),
                need=Need.ALL,
            ),
        ),
        (
            "{steady: {}, storperf: {}, need: any}",
            Ending(
                runtime_s=1200,
                until_steady=SteadyRule(round_s=48),
                until_storperf=StorperfRule(),
                need=Need.ANY,
            ),
        ),
    ],
)
def test_rules_of_an_ending_are_named_and_combined(until, ending):
    assert parse(with_keys(f"until: {until}")).ending == ending


def test_a_workload_of_ones_own_keeps_its_options_in_order():
    job = parse(
        with_keys("", workloads="[{rate: 5m, readwrite: 'randrw:8', rwmixread: 70, thread: true}]")
    )
    assert job.workloads == (
        Workload(
            name="randrw",
            options=(("rate", "5m"), ("rw", "randrw:8"), ("rwmixread", "70"), ("thread", "1")),
        ),
    )
    assert job.workloads[0].ops == (Op.READ, Op.WRITE)


def test_a_single_value_is_a_list_of_one():
    job = parse(NULL_TARGET + "workloads: rr\nmatrix: {queue_depth: 4}\nlimits: iops >= 5\n")
    assert job.matrix.queue_depths == (4,)
    assert len(job.limits) == 1


def test_a_synchronous_engine_has_depth_one_by_default():
    assert parse(with_keys("ioengine: psync")).matrix.queue_depths == (1,)


def test_mmap_is_possible_for_who_means_the_cache():
    assert parse(with_keys("ioengine: mmap\ndirect: false")).ioengine == "mmap"


def test_another_engine_needs_the_permission():
    extra = "ioengine: rados\nallow_unsafe_fio_options: true"
    assert parse(with_keys(extra)).ioengine == "rados"


def test_the_null_engine_is_a_target():
    job = parse(NULL_TARGET + "workloads: [rr]\n")
    assert job.ioengine == "null"
    assert job.sides[0].targets[0].kind is TargetKind.NULL
    assert job.sides[0].targets[0].size_bytes == 1 << 30
    (fault,) = faults_of(NULL_TARGET + "workloads: [rr]\nioengine: libaio\n")
    assert "target.null_engine already says which engine" in fault


def test_a_device_is_measured_whole_unless_a_size_is_said():
    target = parse(with_keys("", target=DEVICE)).sides[0].targets[0]
    assert (target.kind, target.path, target.size_bytes) == ("device", "/dev/vdb", None)
    assert (target.serial, target.destroy) == ("S1", True)
    sized = DEVICE.replace("}", ", size: 2G}")
    assert parse(with_keys("", target=sized)).sides[0].targets[0].size_bytes == 2 << 30
    assert parse(with_keys("", target=DEVICE, workloads="[{rw: randtrim}]"))


@pytest.mark.parametrize(
    "name", ["../../etc", "a b; rm -rf /", "ünïcødé \N{SNOWMAN}", "x" * 200, "$(id)", "0", "1.10"]
)
def test_strange_names_are_plain_text(name):
    quoted = name.replace("'", "''")
    job = parse(
        f"name: '{quoted}'\nlab: '{quoted}'\ntarget: {{directory: '{quoted}'}}\nworkloads: rr"
    )
    assert job.name == job.lab == job.sides[0].targets[0].path == name


def test_a_name_of_300_characters_is_refused():
    (fault,) = faults_of(with_keys("").replace("name: x", "name: " + "x" * 300))
    assert fault == "line 1: name: has 300 characters; at most 200 are possible"


def test_a_name_is_kept_as_it_was_written():
    assert parse(with_keys("lab: 1.10").replace("name: x", "name: no")).name == "no"
    assert parse(with_keys("lab: 1.10")).lab == "1.10"


def test_too_many_trials_are_refused():
    depths = ", ".join(map(str, range(1, 102)))
    extra = f"matrix: {{queue_depth: [{depths}]}}\nrepeats: 100"
    (fault,) = faults_of(with_keys(extra, workloads="[rr]"))
    assert "10100 trials are planned; at most 10000 are possible" in fault
    assert parse(with_keys(extra.replace("1, 2, ", "2, "), workloads="[rr]"))
    pinned = "[{rw: read, iodepth: 4}]"
    assert parse(with_keys(extra, workloads=pinned))


def test_a_file_of_nothing_but_faults_shows_the_first_hundred():
    faults = faults_of("".join(f"key{number}: 1\n" for number in range(5000)))
    assert len(faults) == 101
    assert faults[-1] == "and 4903 more faults"
    assert all(fault.startswith("line ") for fault in faults[:-1])


def test_a_fault_quotes_no_novel():
    (fault,) = faults_of(with_keys("", workloads="[" + "x" * 100_000 + "]"))
    assert len(fault) < 700


def test_the_error_names_the_file_and_ends_with_usage():
    with pytest.raises(JobFileError, match=r"^job\.yaml is not a job file") as caught:
        parse("")
    assert caught.value.exit_code is ExitCode.USAGE


KEYS = ["name", "target", "workloads", "matrix", "limits", "until", "steady", "rw", "bs", "size"]
KEYS += ["directory", "block_size", "graphite", "duration", "interval"]


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
        ),
        max_leaves=15,
    )
)
def test_any_json_is_a_job_or_a_list_of_faults(value):
    for origin in Origin:
        try:
            parse(json.dumps(value), origin=origin)
        except JobFileError as error:
            faults = error.faults
        else:
            continue
        assert faults
        assert all(fault.startswith("line ") for fault in faults)
