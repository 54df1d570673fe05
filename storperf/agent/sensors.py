"""Host figures from /proc, read through file descriptors that stay open.

Counters become rates per second of the slice between two samples; gauges are
as found.  A figure that the host lacks is absent.  docs/reference/sensors.md lists them.
"""

from __future__ import annotations

import os
from typing import Callable, Collection, Dict, Generic, List, Mapping, Optional, TypeVar

from storperf.agent import cgroups, proc_texts
from storperf.agent.links import Links, is_lasting
from storperf.agent.proc_texts import CPU_STATES, Counters, Figures
from storperf.agent.processes import Facts, Processes
from storperf.agent.rates import DEVICE, NET, rates_of_device, rates_of_host

# The kernel hands out most of /proc in pieces of a page.
_PIECE_BYTES = 1 << 16
_NOT_HARDWARE = ("loop", "ram", "zram", "sr", "fd")
_PRESSURES = ("cpu", "io", "memory", "irq")
_IDLE = ("idle", "iowait")
# What programs and the kernel for them take; interrupts are nobody's.
_OF_PROGRAMS = ("cpu.user", "cpu.nice", "cpu.system")

Value = TypeVar("Value")


class _Source(Generic[Value]):
    """One file, opened once; it may not be there."""

    def __init__(self, path: str, parse: Callable[[str], Dict[str, Value]]) -> None:
        self._parse = parse
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._fd = -1

    def read_text(self) -> str:
        """The whole text; empty when the file cannot be read."""
        content = b""
        if self._fd < 0:
            return ""
        try:
            while piece := os.pread(self._fd, _PIECE_BYTES, len(content)):
                content += piece
        except OSError:
            return ""
        return content.decode("ascii", "replace")

    def read(self) -> Dict[str, Value]:
        """What stands in the file; nothing when it cannot be read or is not as expected."""
        return _parsed(self._parse, self.read_text())

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _parsed(parse: Callable[[str], Dict[str, Value]], text: str) -> Dict[str, Value]:
    try:
        return parse(text)
    except (ValueError, LookupError):
        return {}


class _Moment:
    """All counters at one time."""

    def __init__(self, at_s: float) -> None:
        self.at_s = at_s
        self.host: Figures = {}
        self.cores: Dict[str, List[int]] = {}
        self.cgroups: List[Figures] = []
        self.devices: Dict[str, Counters] = {}
        self.nets: Dict[str, Counters] = {}

    @property
    def busy_s(self) -> Optional[float]:
        """CPU seconds of programs and of the kernel for them."""
        if "cpu.user" not in self.host:
            return None
        return sum(self.host.get(name, 0.0) for name in _OF_PROGRAMS)


class HostSensors:
    """Samples the host; `proc` and `sys` are other folders in tests.

    `targets` maps a target's number to the kernel's name of the device under it: its figures are
    named after the first target on it instead, so that they are the same the next night.
    `processes` are names of programs that become figures.
    """

    def __init__(
        self,
        proc: str = "/proc",
        sys: str = "/sys",
        *,
        targets: Optional[Mapping[int, str]] = None,
        processes: Collection[str] = (),
    ) -> None:
        self._sys = sys
        self._targets: Dict[str, int] = {}
        for number, device in sorted((targets or {}).items()):
            self._targets.setdefault(device, number)
        self._stat = _Source(proc + "/stat", proc_texts.parse_stat)
        self._devices = _Source(proc + "/diskstats", self._parse_devices)
        self._nets = _Source(proc + "/net/dev", proc_texts.parse_net_dev)
        self._pressures = {
            kind: _Source(proc + "/pressure/" + kind, proc_texts.parse_pressure)
            for kind in _PRESSURES
        }
        self._cgroups = [
            _Source(path, proc_texts.parse_throttling) for path in cgroups.stat_files(proc)
        ]
        self._gauges = [
            _Source(proc + "/meminfo", proc_texts.parse_meminfo),
            _Source(proc + "/loadavg", proc_texts.parse_loadavg),
        ]
        self._links = Links(sys)
        self._is_hardware: Dict[str, bool] = {}
        self._processes = Processes(proc, processes)
        self._before: Optional[_Moment] = None

    def sample(self, now_s: float, fio_pids: Collection[int] = ()) -> Optional[Figures]:
        """Rates since the last call and gauges now; None at the first call.

        `now_s` is monotonic seconds; `fio_pids` are the processes whose CPU, and that of their
        children, is fio's.  What a counter that went back means: rates.py.
        """
        stat_text = self._stat.read_text()
        now = self._read(now_s, stat_text)
        before, self._before = self._before, now
        if before is None or now_s <= before.at_s:
            return None
        # Not at the first call: that is when fio starts.
        of_processes = self._processes.look(now_s, now.busy_s, fio_pids)
        duration_s = now_s - before.at_s
        figures = rates_of_host(before.host, now.host, duration_s)
        figures.update(_of_cores(before.cores, now.cores))
        figures.update(_of_cgroups(before.cgroups, now.cgroups, duration_s))
        figures.update(self._of_devices(before, now, duration_s))
        figures.update(self._of_nets(before, now, duration_s))
        figures.update(_parsed(proc_texts.parse_blocked, stat_text))
        for source in self._gauges:
            figures.update(source.read())
        figures.update(of_processes)
        return figures

    def top(self) -> List[Facts]:
        """The processes that used most since the first sample."""
        return self._processes.top()

    def close(self) -> None:
        """Close the files."""
        for source in [*self._gauges, *self._cgroups, *self._pressures.values(), self._stat]:
            source.close()
        for devices in (self._devices, self._nets):
            devices.close()

    def _read(self, now_s: float, stat_text: str) -> _Moment:
        now = _Moment(now_s)
        now.host = _parsed(proc_texts.parse_stat, stat_text)
        now.cores = _parsed(proc_texts.parse_cores, stat_text)
        for kind, source in self._pressures.items():
            for who, waited_s in source.read().items():
                now.host["pressure.{}.{}".format(kind, who)] = waited_s
        now.cgroups = [source.read() for source in self._cgroups]
        now.devices = self._devices.read()
        now.nets = self._nets.read()
        return now

    def _parse_devices(self, text: str) -> Dict[str, Counters]:
        return proc_texts.parse_diskstats(text, self._is_wanted)

    def _is_wanted(self, device: str) -> bool:
        return device in self._targets or self._is_shown(device)

    def _of_devices(self, before: _Moment, now: _Moment, duration_s: float) -> Figures:
        figures: Figures = {}
        for name, counters in now.devices.items():
            if name not in before.devices:
                continue
            rates = rates_of_device(before.devices[name], counters, duration_s, DEVICE)
            if rates is None:
                continue
            if "in_flight" in counters:
                rates["in_flight"] = float(counters["in_flight"])
            target = self._targets.get(name)
            shown = name.replace(".", "_") if target is None else "target-{}".format(target)
            for figure, value in rates.items():
                figures["disk.{}.{}".format(shown, figure)] = value
        return figures

    def _is_shown(self, device: str) -> bool:
        """Whether it is one of the hardware; of a partition its disk tells enough."""
        if device not in self._is_hardware:
            partition = os.path.join(
                self._sys, "class/block", device.replace("/", "!"), "partition"
            )
            is_other = device.startswith(_NOT_HARDWARE) or os.path.exists(partition)
            self._is_hardware[device] = not is_other
        return self._is_hardware[device]

    def _of_nets(self, before: _Moment, now: _Moment, duration_s: float) -> Figures:
        figures: Figures = {}
        for name, counters in now.nets.items():
            if name not in before.nets or not is_lasting(name):
                continue
            rates = rates_of_device(before.nets[name], counters, duration_s, NET)
            if rates is None:
                continue
            busiest = max(rates["receive_bytes"], rates["transmit_bytes"])
            share = self._links.share_used(name, busiest, now.at_s)
            if share is not None:
                rates["link_share"] = share
            prefix = "net.{}.".format(name.replace(".", "_"))
            for figure, value in rates.items():
                figures[prefix + figure] = value
        return figures


def _of_cores(before: Dict[str, List[int]], now: Dict[str, List[int]]) -> Figures:
    """For each kind of work the share of its time that the core gave to it which gave most."""
    highest: Figures = {}
    for core, ticks in now.items():
        if len(before.get(core, ())) != len(ticks):
            continue
        spent = {
            state: max(0, after - earlier)
            for state, after, earlier in zip(CPU_STATES, ticks, before[core])
        }
        total = sum(spent.values())
        if not total:
            continue
        steal, idle = spent.get("steal", 0), sum(spent.get(state, 0) for state in _IDLE)
        of_core = {
            "core.busy": total - idle - steal,
            "core.user": spent["user"] + spent["nice"],
            "core.system": spent["system"],
            "core.interrupts": spent.get("irq", 0) + spent.get("softirq", 0),
            "core.steal": steal,
        }
        for figure, own in of_core.items():
            highest[figure] = max(highest.get(figure, 0.0), round(own / total, 6))
    return highest


def _of_cgroups(before: List[Figures], now: List[Figures], duration_s: float) -> Figures:
    """What the limit that holds back most takes; no figure where there is none."""
    figures: Figures = {}
    for earlier, later in zip(before, now):
        steps = rates_of_host(earlier, later, duration_s)
        if len(steps) < 3:
            continue
        share = steps["throttled_periods"] / steps["periods"] if steps["periods"] else 0.0
        found = {
            "cgroup.throttled": steps["throttled"],
            "cgroup.throttled_periods": round(min(1.0, share), 6),
        }
        for figure, value in found.items():
            figures[figure] = max(figures.get(figure, 0.0), value)
    return figures
