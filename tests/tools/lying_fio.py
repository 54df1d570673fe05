"""A fio for tests only: it does no I/O, and it is honest or lies as it is told.

Made by `fake_fio.make_fio(folder, mode=..., ...)`, which copies this file to `folder/fio` and
writes the settings beside it (`fio.settings.json`, read at every start, so that a test may change
them between two trials).  Every call is appended to `fio.calls` (one JSON object a line).

It answers --version, --enghelp and --parse-only like fio 3.33, and honours --output,
--status-interval, --runtime with --time_based, --size, --rw, --rwmixread, --bs, --numjobs,
--group_reporting, --rate_iops, --filename (opened, never read or written), --ioengine and
--exec_prerun.
SIGINT and SIGTERM end it as they end fio: a partial last document and exit status 128.
A call without --time_based is a filling: it claims --size bytes after `fill_s` seconds, and
writes as much, since a filled target is looked at.

Settings, all optional:
  mode        see below; `honest` if absent
  phases      which calls the mode is for: "measure", "fill"; the others are honest (["measure"])
  iops        I/Os a second, all directions and fio jobs together (2000)
  clat_us     median completion latency (200)
  noise       relative standard deviation of the rate from slice to slice (0.02)
  run_noise   the same from one process to the next (0)
  seed        makes both reproducible; null is by chance (null)
  factor      what `slow_rate`, `step` and `drifting` multiply the rate with (0.5)
  at          share of the runtime after which the mode strikes (0.5; early_end: one third)
  fill_s      seconds that a filling takes (0.2)
  version     what --version says ("fio-3.33")
  engines     what --enghelp lists (those of most builds)
  child       true: a child in its process group that ignores SIGINT and SIGTERM (false)
  deaf_to     what `hangs` does not hear (["SIGINT", "SIGTERM"])
  flood_mb_s  how fast `fills_output` prints (50)
  flood_to    "output" or "stderr" ("output")
  clock_off_s how far off the clock of its time stamps is (0)
  clock_step_s how far that clock jumps when `at` has come (0)

Modes:
  honest           steady figures                     | slow_rate   the same at rate x factor
  drifting         the rate goes to rate x factor     | step        it falls there at once
  hangs            silent after its runtime, and deaf to signals (setting deaf_to)
  dies_midway      SIGKILL of itself                  | crashes     exit 1 at once, text on stderr
  early_end        exit 0 too early                   | no_io       exit 0 and not one I/O
  rubbish          prints what is no JSON, exit 0     | nan         latencies that are NaN
  lies_about_size  measuring: twice the bytes of its I/Os; filling: success after half of --size
  error_in_json    error 5, exit 1                    | enospc      error 28, exit 1
  verify_error     error 84, exit 1, fio's words on stderr
  fills_nothing    claims --size bytes, writes none   | fills_zeros  the same, and writes zeros
  fills_output     prints without end                 | too_old     --version says fio-2.1
  no_version       --version never answers            | bad_options --parse-only says no
"""

# pathlib would add 10 ms to each start.
# ruff: noqa: PTH100, PTH123

from __future__ import annotations

import json
import math
import os
import random
import select
import signal
import subprocess
import sys
import time

DEFAULTS = {
    "mode": "honest",
    "phases": ["measure"],
    "iops": 2000,
    "clat_us": 200,
    "noise": 0.02,
    "run_noise": 0.0,
    "seed": None,
    "factor": 0.5,
    "at": None,
    "fill_s": 0.2,
    "version": "fio-3.33",
    "engines": None,
    "child": False,
    "deaf_to": ["SIGINT", "SIGTERM"],
    "flood_mb_s": 50,
    "flood_to": "output",
    "clock_off_s": 0,
    "clock_step_s": 0,
}
ENGINES = ("cpuio", "mmap", "sync", "psync", "pvsync", "pvsync2", "null", "libaio", "io_uring")
DIRECTIONS = {
    **dict.fromkeys(("read", "randread"), ("read",)),
    **dict.fromkeys(("write", "randwrite"), ("write",)),
    **dict.fromkeys(("trim", "randtrim"), ("trim",)),
    **dict.fromkeys(("rw", "readwrite", "randrw"), ("read", "write")),
}
OPS = ("read", "write", "trim")
FAILURES = {
    "error_in_json": (
        5,
        "io_u error on file {file}: Input/output error: read offset=0, buflen={bs}",
    ),
    "enospc": (
        28,
        "io_u error on file {file}: No space left on device: write offset=0, buflen={bs}",
    ),
    "verify_error": (
        84,
        "verify: bad header crc 947af393, calculated 9327a7ff at file {file} offset 8192",
    ),
}
CHILD = "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (2, 15)]; time.sleep(60)"
SETUP_S = 0.05
WAIT_S = 0.02


def parse_number(text, units):
    """`4k`, `60000ms`, `1g` with the given units; a bare number is itself."""
    for unit in sorted(units, key=len, reverse=True):
        if text.lower().endswith(unit):
            return float(text[: -len(unit)]) * units[unit]
    return float(text)


def parse_size(text):
    units = {letter: 1024 ** (n + 1) for n, letter in enumerate("kmgt")}
    return int(parse_number(text, {**units, **{u + "b": v for u, v in units.items()}}))


def parse_seconds(text):
    return parse_number(text, {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600})


def bucket(value):
    """The value that fio prints for the histogram bucket of a latency in ns."""
    error_bits = max(0, int(value).bit_length() - 7)
    if error_bits == 0:
        return int(value)
    base = 1 << (error_bits + 6)
    step = (int(value) >> error_bits) % 64
    return base + int((step + 0.5) * (1 << error_bits))


class Counters:
    """One direction's cumulative figures."""

    def __init__(self, clat_ns):
        shape = [index / 8 for index in range(-24, 25)]
        weights = [math.exp(-z * z / 2) for z in shape]
        self._latencies = [bucket(clat_ns * math.exp(0.3 * z)) for z in shape]
        self._weights = [weight / sum(weights) for weight in weights]
        self.bins = {}
        self.ios = 0

    def add(self, ios):
        """Spread I/Os over the buckets so that they sum up exactly."""
        self.ios += ios
        left, share = ios, 1.0
        for latency, weight in zip(self._latencies, self._weights, strict=True):
            count = min(left, round(left * weight / share)) if share > weight else left
            share -= weight
            left -= count
            if count:
                self.bins[latency] = self.bins.get(latency, 0) + count
        if left:
            self.bins[self._latencies[-1]] = self.bins.get(self._latencies[-1], 0) + left

    def part(self, share, shares):
        """What one of several fio jobs did; the parts sum up to the whole."""
        part = Counters(1.0)
        part.bins = {v: n // shares + (share < n % shares) for v, n in self.bins.items()}
        part.bins = {v: n for v, n in part.bins.items() if n}
        part.ios = sum(part.bins.values())
        return part

    def render(self, block_bytes, runtime_ms, is_nan):
        io_bytes = int(self.ios * block_bytes)
        mean = sum(v * n for v, n in self.bins.items()) / self.ios if self.ios else 0.0
        clat = {**latency(self.bins, mean), "mean": math.nan if is_nan else mean}
        if self.bins:
            clat["bins"] = {str(value): self.bins[value] for value in sorted(self.bins)}
        return {
            "io_bytes": io_bytes,
            "io_kbytes": io_bytes >> 10,
            "bw_bytes": int(io_bytes * 1000 / runtime_ms) if runtime_ms else 0,
            "bw": int(io_bytes / 1.024 / runtime_ms) if runtime_ms else 0,
            "iops": self.ios * 1000 / runtime_ms if runtime_ms else 0.0,
            "runtime": runtime_ms if self.ios else 0,
            "total_ios": self.ios,
            "slat_ns": {"min": 0, "max": 0, "mean": 1000.0 if self.ios else 0.0, "N": self.ios},
            "clat_ns": clat,
            "lat_ns": latency(self.bins, mean + 1000.0 if self.ios else 0.0),
        }


def latency(bins, mean):
    edges = {"min": min(bins), "max": max(bins)} if bins else {"min": 0, "max": 0}
    return {**edges, "mean": mean, "stddev": mean * 0.3, "N": sum(bins.values())}


class LyingFio:
    """One call that measures or fills."""

    def __init__(self, settings, options):
        is_fill = "time_based" not in options
        phase = "fill" if is_fill else "measure"
        self.mode = settings["mode"] if phase in settings["phases"] else "honest"
        self.settings = settings
        self.options = options
        self.block_bytes = parse_size(options.get("bs", "4k").split(",")[0])
        self.size_bytes = 0 if "%" in options.get("size", "%") else parse_size(options["size"])
        self.is_fill = is_fill
        self.runtime_s = settings["fill_s"] if is_fill else parse_seconds(options["runtime"])
        self.interval_s = parse_seconds(options.get("status-interval", "1000000"))
        self.directions = DIRECTIONS[options.get("rw", options.get("readwrite", "read"))]
        self.counters = {op: Counters(settings["clat_us"] * 1000) for op in OPS}
        self.chance = random.Random(settings["seed"])  # noqa: S311 - no secret
        self.rate = settings["iops"] * (1 + settings["run_noise"] * self.chance.gauss(0, 1))
        if "rate_iops" in options:
            self.rate = min(self.rate, float(options["rate_iops"].split(",")[0]))
        self.error = 0
        self.documents = 0
        self.done_s = 0.0
        self.signal = 0
        self.output = open(options["output"], "a") if "output" in options else sys.stdout  # noqa: SIM115

    # --- figures -----------------------------------------------------------------

    def rate_at(self, now_s):
        factor, at = self.settings["factor"], self.strike()
        if self.mode == "slow_rate" or (self.mode == "step" and now_s > at * self.runtime_s):
            return self.rate * factor
        if self.mode == "drifting":
            return self.rate * (1 - (1 - factor) * min(1.0, now_s / self.runtime_s))
        return 0.0 if self.mode == "no_io" else self.rate

    def strike(self):
        return self.settings["at"] or (1 / 3 if self.mode == "early_end" else 0.5)

    def advance(self, now_s):
        """Count the I/Os up to a moment of the runtime."""
        if self.is_fill:
            size = self.size_bytes / 2 if self.mode == "lies_about_size" else self.size_bytes
            share = 1.0 if now_s >= self.runtime_s else now_s / self.runtime_s
            wanted = math.ceil(size / self.block_bytes * share)
            self.counters["write"].add(max(0, wanted - self.counters["write"].ios))
        else:
            noise = max(0.0, 1 + self.settings["noise"] * self.chance.gauss(0, 1))
            middle_s = (now_s + self.done_s) / 2
            ios = round(self.rate_at(middle_s) * (now_s - self.done_s) * noise)
            reads = round(ios * float(self.options.get("rwmixread", "50")) / 100)
            shares = [reads, ios - reads] if len(self.directions) == 2 else [ios]
            for op, share in zip(self.directions, shares, strict=True):
                self.counters[op].add(share)
        self.done_s = now_s

    def document(self, now_s):
        """Print the figures so far, as fio does."""
        self.advance(now_s)
        self.documents += 1
        now = time.time() + self.settings["clock_off_s"]
        if now_s >= self.strike() * self.runtime_s:
            now += self.settings["clock_step_s"]
        is_one = "group_reporting" in self.options
        parts = 1 if is_one else int(self.options.get("numjobs", "1"))
        document = {
            "fio version": "fio-3.33",
            "timestamp_ms": int(now * 1000),
            "jobs": [self.fio_job(index, parts, now_s) for index in range(parts)],
        }
        self.print(json.dumps(document, indent=2) + "\n")

    def print_status(self, now_s):
        self.print(RUBBISH) if self.mode == "rubbish" else self.document(now_s)

    def fio_job(self, index, parts, now_s):
        is_double = self.mode == "lies_about_size" and not self.is_fill
        block_bytes = self.block_bytes * 2 if is_double else self.block_bytes
        is_nan = self.mode == "nan" and self.documents > 1
        figures = {
            op: self.counters[op].part(index, parts).render(block_bytes, int(now_s * 1000), is_nan)
            for op in OPS
        }
        return {
            "jobname": self.options.get("name", "?"),
            "groupid": 0,
            "error": self.error,
            "elapsed": int(now_s) + 1,
            "job options": self.options,
            **figures,
            "job_runtime": int(now_s * 1000),
        }

    def print(self, text):
        self.output.write(text)
        self.output.flush()

    # --- the life of a call ------------------------------------------------------

    def run(self):
        """Print and wait until the end; the exit status."""
        signal.signal(signal.SIGINT, self.hear)
        signal.signal(signal.SIGTERM, self.hear)
        if self.mode == "crashes":
            sys.stderr.write("fio: ioengines.c:123: assertion failed\n")
            return 1
        if not self.open_target():
            return 1
        begin_s = time.monotonic() + SETUP_S
        next_s = self.interval_s - SETUP_S
        end_s = self.runtime_s * (1 if self.mode != "early_end" else self.strike())
        while True:
            now_s = max(0.0, time.monotonic() - begin_s)
            status = self.check_strike(now_s) if not self.signal else self.interrupted(now_s)
            if status is not None:
                return status
            if now_s >= end_s:
                return self.finish(end_s)
            if now_s >= next_s:
                self.print_status(now_s)
                next_s += self.interval_s
            select.select((), (), (), min(WAIT_S, max(0.0, end_s - now_s)))

    def hear(self, number, _frame):
        if self.mode != "hangs" or signal.Signals(number).name not in self.settings["deaf_to"]:
            self.signal = number

    def open_target(self):
        name = self.options.get("filename", "").replace("\\:", ":")
        if not name or self.options.get("ioengine") == "null":
            return True
        create = 0 if self.options.get("allow_file_create") == "0" else os.O_CREAT
        try:
            os.close(os.open(name, os.O_RDWR | create, 0o600))
        except OSError as error:
            where = "file:filesetup.c:687, func=open({}), error={}"
            self.say_failed(error.errno, where.format(name, error.strerror))
            self.document(0.0)
            return False
        return True

    def say_failed(self, number, words):
        self.print(f"fio: pid={os.getpid()}, err={number}/{words}\n")

    def interrupted(self, now_s):
        self.print(f"\nfio: terminating on signal {self.signal}\n")
        self.document(min(now_s, self.runtime_s))
        return 128

    def check_strike(self, now_s):
        """The exit status when the mode strikes now, else None."""
        if now_s < self.strike() * self.runtime_s:
            return None
        if self.mode == "dies_midway":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.mode == "fills_output":
            return self.flood()
        if self.mode in FAILURES:
            self.error, words = FAILURES[self.mode]
            file = self.options.get("filename", "?")
            sys.stderr.write(words.format(file=file, bs=self.block_bytes) + "\n")
            self.say_failed(self.error, "file:io_u.c:2152, func=io_u error")
            self.document(now_s)
            return 1
        return None

    def flood(self):
        sink = sys.stderr if self.settings["flood_to"] == "stderr" else self.output
        megabyte = ("x" * 63 + "\n") * 16384
        while not self.signal:
            sink.write(megabyte)
            sink.flush()
            select.select((), (), (), 1 / self.settings["flood_mb_s"])
        return 128

    def write_target(self):
        """Write what is claimed, all of it the same random megabyte."""
        name = self.options.get("filename", "").replace("\\:", ":")
        if not name or self.options.get("ioengine") == "null" or self.mode == "fills_nothing":
            return
        piece = bytes(1 << 20) if self.mode == "fills_zeros" else os.urandom(1 << 20)
        with open(name, "r+b", buffering=0) as file:
            left = self.size_bytes or file.seek(0, os.SEEK_END)
            file.seek(0)
            while left > 0:
                left -= file.write(piece[:left])

    def finish(self, end_s):
        if self.is_fill:
            self.write_target()
        while self.mode == "hangs" and not self.signal:
            select.select((), (), (), WAIT_S)
        self.print_status(end_s)
        return 0


RUBBISH = "{ this is\nno JSON }\n}\n" * 3


def parse_options(arguments):
    pairs = [word.lstrip("-").partition("=") for word in arguments if word.startswith("--")]
    return {key: value for key, _, value in pairs}


def load_settings(path):
    try:
        with open(path + ".settings.json") as source:
            return {**DEFAULTS, **json.load(source)}
    except FileNotFoundError:
        return dict(DEFAULTS)


def note_call(path, child):
    line = json.dumps({"pid": os.getpid(), "child": child, "argv": sys.argv})
    with open(path + ".calls", "a") as sink:
        sink.write(line + "\n")


def main():
    """Answer one call; the exit status."""
    path = os.path.abspath(__file__)
    settings, options = load_settings(path), parse_options(sys.argv[1:])
    measures = not {"version", "enghelp", "parse-only"} & set(options)
    child = 0
    if settings["child"] and measures:
        child = subprocess.Popen([sys.executable, "-c", CHILD]).pid
    note_call(path, child)
    if "version" in options:
        if settings["mode"] == "no_version":
            select.select((), (), (), 3600)
        print("fio-2.1" if settings["mode"] == "too_old" else settings["version"])  # noqa: T201
        return 0
    if "enghelp" in options:
        names = ENGINES if settings["engines"] is None else settings["engines"]
        print("Available IO engines:\n" + "\n".join("\t" + name for name in names))  # noqa: T201
        return 0
    rw = options.get("rw", options.get("readwrite", "read"))
    if rw not in DIRECTIONS or settings["mode"] == "bad_options":
        sys.stderr.write(f"fio: failed parsing rw={rw}\n")
        return 1
    if "parse-only" in options:
        return 0
    if "exec_prerun" in options and subprocess.call(options["exec_prerun"].split()):
        return 1
    return LyingFio(settings, options).run()


if __name__ == "__main__":
    sys.exit(main())
