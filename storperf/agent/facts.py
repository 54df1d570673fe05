"""Static facts of the host, the load engine and the targets: what a run must remember."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from typing import Any, Dict, List, Optional

Facts = Dict[str, Any]

# Settings of a device's queue (Documentation/ABI/stable/sysfs-block); older kernels lack some.
_QUEUE = (
    *("scheduler", "rotational", "nr_requests", "nomerges", "rq_affinity", "read_ahead_kb"),
    *("logical_block_size", "physical_block_size", "max_sectors_kb", "max_hw_sectors_kb"),
    *("write_cache", "fua", "wbt_lat_usec", "io_poll", "discard_max_bytes", "zoned"),
)
# What firmware calls itself where there is a hypervisor underneath; bare metal of these
# makers lacks the word (Microsoft and Amazon sell machines, too).
_VIRTUAL_WORDS = (
    *("KVM", "QEMU", "VMware", "VirtualBox", "Xen", "Virtual Machine", "Bochs", "Parallels"),
    *("OpenStack", "BHYVE", "Google Compute Engine", "HVM domU", "Firecracker"),
)


def read_text(path: str) -> str:
    """A small file's text, empty when it is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            return source.read(65536).strip()
    except OSError:
        return ""


def run_quietly(
    argv: List[str], timeout_s: float = 10.0, env: Optional[Dict[str, str]] = None
) -> Dict[str, Any]:
    """Exit status and output of a short command; `error` says why it could not run."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
            env=env,
        )
    except subprocess.TimeoutExpired:
        return {"error": "{} did not answer within {:g} s".format(argv[0], timeout_s)}
    except (OSError, ValueError) as error:
        return {"error": "{}: {}".format(argv[0], getattr(error, "strerror", None) or error)}
    return {"exit_status": done.returncode, "output": done.stdout.decode("utf-8", "replace")}


def user_name() -> str:
    """Who this process is; the number when the user has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def fio_facts(fio: str) -> Facts:
    """Version text and engines of a fio; `error` when there is none."""
    version = run_quietly([fio, "--version"])
    if "error" in version:
        return {"error": version["error"]}
    if version["exit_status"] != 0:
        # Such as what a program for another system says of the libraries that it misses.
        said = " ".join(version["output"].split())[-200:]
        return {"error": "{} --version ended with {}: {}".format(fio, version["exit_status"], said)}
    listed = run_quietly([fio, "--enghelp"])
    engines = [line.strip() for line in listed.get("output", "").splitlines()[1:] if line.strip()]
    return {"version": version["output"].strip()[:200], "engines": engines}


def _cpu_model() -> str:
    for line in read_text("/proc/cpuinfo").splitlines():
        if line.startswith(("model name", "Model", "cpu model")):
            return line.partition(":")[2].strip()
    return ""


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def virtual_facts(root: str = "") -> Facts:
    """Whether a hypervisor lies beneath, and what it calls itself; `container` likewise."""
    product = " ".join(
        read_text(root + "/sys/class/dmi/id/" + name) for name in ("sys_vendor", "product_name")
    ).strip()
    kind = read_text(root + "/sys/hypervisor/type")
    flags = next(
        (
            line.split()
            for line in read_text(root + "/proc/cpuinfo").splitlines()
            if line.startswith("flags")
        ),
        [],
    )
    is_named = any(word.lower() in product.lower() for word in _VIRTUAL_WORDS)
    container = read_text(root + "/run/systemd/container")
    if not container and os.path.exists(root + "/.dockerenv"):
        container = "docker"
    if not container and os.path.exists(root + "/run/.containerenv"):
        container = "podman"
    return {
        "is_virtual": bool(kind) or is_named or "hypervisor" in flags,
        "name": kind or product,
        "container": container,
    }


def host_facts() -> Facts:
    """Kernel, processor, memory, distribution; what cannot be read is an empty text."""
    release = {}
    for line in read_text("/etc/os-release").splitlines():
        key, _, value = line.partition("=")
        release[key] = value.strip('"')
    return {
        "host": os.uname().nodename,
        "kernel": os.uname().release,
        "machine": os.uname().machine,
        "distribution": release.get("PRETTY_NAME", ""),
        "python": "{}.{}.{}".format(*sys.version_info),
        "cpus": os.cpu_count() or 0,
        "cpu_model": _cpu_model(),
        "memory_bytes": _memory_bytes(),
        "governor": read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "hypervisor": read_text("/sys/hypervisor/type")
        or read_text("/sys/class/dmi/id/sys_vendor"),
        "virtual": virtual_facts(),
        "firmware": read_text("/sys/class/dmi/id/bios_version"),
        "boot_id": read_text("/proc/sys/kernel/random/boot_id"),
    }


def file_system(path: str) -> Facts:
    """Type and mount options of the file system that a path lies on."""
    best = ""
    facts: Facts = {}
    for line in read_text("/proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        words = before.split()
        point = words[4].replace("\\040", " ")
        is_above = path == point or path.startswith(point.rstrip("/") + "/")
        if is_above and len(point) >= len(best):
            best = point
            kind = after.split(None, 2)
            # Of the mount, and of the file system itself, where journal and barriers stand.
            options = ",".join(dict.fromkeys([*words[5].split(","), *kind[-1].split(",")]))
            facts = {"file_system": kind[0], "mount_options": options}
    return facts


def device_folder(device: str) -> str:
    """The folder in /sys of a block device (`major:minor`), of a partition that of its disk.

    Empty where there is none: a file system may lie on no device, or on several.
    """
    folder = os.path.realpath("/sys/dev/block/" + device) if device else ""
    if not os.path.isdir(folder):
        return ""
    return os.path.dirname(folder) if os.path.exists(folder + "/partition") else folder


def target_facts(path: str, device: str) -> Facts:
    """File system, device model, scheduler and queue settings behind a target."""
    facts = file_system(os.path.realpath(path)) if path else {}
    folder = device_folder(device)
    if not folder:
        return facts
    facts.update(device_facts(folder))
    return facts


def device_facts(folder: str) -> Facts:
    """What a block device is and how its queue is set, by its folder in /sys.

    What a kernel or a device does not tell is an empty text.
    """
    facts: Facts = {"device_name": os.path.basename(folder)}
    facts["device_vendor"] = read_text(folder + "/device/vendor")
    facts["device_model"] = read_text(folder + "/device/model")
    # NVMe's name for it, and SCSI's.
    facts["device_firmware"] = read_text(folder + "/device/firmware_rev") or read_text(
        folder + "/device/rev"
    )
    try:
        facts["stacked_on"] = sorted(os.listdir(folder + "/slaves"))
    except OSError:
        facts["stacked_on"] = []
    for key in _QUEUE:
        facts[key] = read_text(folder + "/queue/" + key)
    facts["max_queue_depth"] = max_queue_depth(folder)
    return facts


def max_queue_depth(folder: str) -> Optional[int]:
    """I/Os that a block device takes at once, by its folder in /sys; None when it does not say.

    `nr_requests` is of one hardware queue (blk-mq); a SCSI device has a depth of its own.
    What is more waits in the kernel.
    """
    requests = read_text(folder + "/queue/nr_requests")
    if not requests.isdigit():
        return None
    try:
        queues = len(os.listdir(folder + "/mq"))
    except OSError:
        queues = 1
    known = [int(requests) * max(1, queues)]
    own = read_text(folder + "/device/queue_depth")
    if own.isdigit() and int(own):
        known.append(int(own))
    return min(known)
