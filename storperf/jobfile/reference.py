"""The reference page of the job file, made from its models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from storperf.fio.options import DECIDED, HARMLESS, PINNED
from storperf.jobfile.limits import FIGURES, SHAPE
from storperf.jobfile.models import MAX_TRIALS
from storperf.jobfile.schema import job_schema
from storperf.jobfile.source import MAX_BYTES, MAX_DEPTH


def _words(options: Iterable[str]) -> str:
    return ", ".join(f"`{option}`" for option in options)


_HEAD = f"""# The job file

<!-- Made by storperf/jobfile/reference.py; a test fails when it is stale. -->

A job file is YAML, at most {MAX_BYTES} bytes of UTF-8 and {MAX_DEPTH} levels deep.
Three lines are a whole job:

```yaml
name: nightly
target: {{directory: scratch, size: 1G}}
workloads: [rr, wr]
```

Every other key has a default; the tables say which, and why.
All faults of a file are listed at once, each with its line.
An unknown key is a fault that names the nearest known one.

Values are read as they are written.
Only `true` and `false` are truth values; `yes`, `no`, `on` and `off` are not.
`010` is no number, and `1:30` no duration.
Keys may not stand twice; aliases (`*x`), tags (`!!x`) and empty values are refused.
A list may be written as its only element: `queue_depth: 16`.

Sizes are binary, as in fio: `4k` is 4096 bytes, `1G` is 1073741824.
`KiB`, `kB` and `k` mean the same.
Durations are written `250ms`, `60s`, `20m`, `1h30m`; a plain number is seconds.
Shares are written `20%` or `0.2`.
"""

_WORKLOADS = f"""
## Workloads of your own

An entry of `workloads` is a [shipped workload](workloads.md)'s name or a mapping of fio options:

```yaml
workloads:
  - rr
  - {{name: mixed, rw: randrw, rwmixread: 70}}
  - {{name: log, rw: write, bs: 16k, iodepth: 1, fdatasync: 1}}
```

`rw` is required.
`name` is 1 to 100 printable characters; without it the workload is called as its `rw`.
No two workloads of a job have the same name.

{_words(PINNED)} may be pinned, to one value or a list.
The matrix's values for that axis then leave this workload alone.
A list of any other option makes a workload of each value, with the value in its name:
`{{name: mix, rw: randrw, rwmixread: [0, 50, 100]}}` is `mix-rwmixread0` and so on.

A whole fio job file is a workload too, run as it is: sections, `stonewall`, includes and all.

```yaml
workloads:
  - {{name: mine, fio_file: mine.fio}}
```

It is sought beside the job file; each of its sections needs a `runtime`.
Target, size and ioengine are the job's where a section does not say them.
Sections that name files or servers of their own need `allow_unsafe_fio_options`, like the options
below.

Everybody may use these options, with values of `A-Z a-z 0-9 _.,:/%+=-`:
{_words(sorted(HARMLESS))}.

These are refused always, because the job file or storperf decides them:

| option | instead |
|---|---|
{"".join(f"| `{key}` | {why} |{chr(10)}" for key, why in DECIDED.items())}
All others need `allow_unsafe_fio_options: true`.
They run commands, name other files, change the host, or nobody has looked at them.
Options are written in full, because fio would take a beginning for the whole.
"""

_HOSTS_HEAD = """
## Hosts

`hosts` of the provider `ssh`, or of an inventory file, is a list of these.
A plain address is one, too.
"""

_HOSTS = """
Relative paths of keys and password files start at the working directory of the command.
Host keys are pinned: an unknown or a changed one ends the run, with its fingerprint and what to do.
See [Run on machines that I have](../how-to/run-on-machines-i-have.md).

`target` of a host:
"""

_PROBES_HEAD = """
## Probes

An entry of `probes` is the name of a probe that an installed package offers, or a mapping:

```yaml
probes:
  - name: recovery
    command: [ceph, -s, -f, json]
    pattern: '"recovering_bytes_per_sec":(?P<rate>\\d+)'
  - name: disk
    nagios: [/usr/lib/nagios/plugins/check_disk, -w, 10%, -c, 5%, -p, /]
    every: 1m
```
"""

_PROBES = """
A probe that fails is told once and counted, and harms nothing else.
What it may do and what it sees: [Write a probe](../how-to/write-a-probe.md).
"""

_OBSERVED = """
## Observe

An entry of `observe` is a [host](#hosts) of its own, or the word `local` for this machine.
No fio is needed there and no target is touched; a `target` is refused.
A host that cannot be reached never makes the run fail: the gap is told.
See [Watch my storage nodes](../how-to/watch-my-storage-nodes.md).

```yaml
observe:
  - 10.0.0.21
  - {address: osd-2.lab, user: lab, key: ~/.ssh/lab}
  - local
```
"""

_LIMITS = f"""
## Limits

A limit is a sentence: `{SHAPE}`.

```yaml
limits:
  - "iops >= 5000"
  - "p99 clat <= 2ms"
  - "read mixed: bandwidth >= 100MiB/s"
  - {{limit: "iops >= 1000", on: worst agent}}
  - {{limit: "iops >= 20k", on: sum}}
```

Figures: {", ".join(FIGURES)}.
Operations per second are plain numbers (`5k` is 5000).
Bandwidths are sizes per second (binary), latencies durations with a unit.
Without a direction or a workload a limit speaks of all of them.

| on | what has to keep the limit |
|---|---|
| `each step` | the figure of all agents together, in each direction: what a plain sentence means |
| `worst agent` | each agent's own figure, in each direction |
| `sum` | all agents and directions together; not for latencies |

A limit that no step of the job could break is a fault.
"""

_ORIGIN = f"""
## Trusted and untrusted job files

A job file given to the command line is trusted; one that comes through the API is not.
An untrusted one may not set `allow_unsafe_fio_options`, any key of `provider`,
`precondition.purge`, `precondition.drop_caches`, `target.mkfs`, `target.mount`, `probes` or
`observe`.
Its `target.directory` must be relative and without `..`; it may name no server (`nbd`, `rbd`).

## Bounds

A job has at most {MAX_TRIALS} trials: steps times `repeats`.
"""


def render_reference() -> str:
    """The text of docs/reference/job-file.md."""
    schema = job_schema()
    known = schema["$defs"]
    parts = [_HEAD, "\n## Keys\n", _table(schema, known)]
    for key, section in _sections(schema, known, ""):
        parts += [f"\n### {key}\n\n{section['description']}\n", _table(section, known)]
    hosts = [_HOSTS_HEAD, _table(known["HostSection"], known)]
    hosts += [_HOSTS, _table(known["HostTargetSection"], known)]
    watching = [_PROBES_HEAD, _table(known["ProbeSection"], known), _PROBES, _OBSERVED]
    return "".join((*parts, *hosts, *watching, _WORKLOADS, _LIMITS, _ORIGIN))


def _sections(
    section: dict[str, Any], known: dict[str, Any], above: str
) -> list[tuple[str, dict[str, Any]]]:
    """Each section below, by its path of keys, in the order of the file."""
    found = []
    for key, value in section["properties"].items():
        if "$ref" in value:
            inner = _referred(value, known)
            found += [(f"{above}{key}", inner), *_sections(inner, known, f"{above}{key}.")]
    return found


def _referred(value: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    section: dict[str, Any] = known[value["$ref"].rpartition("/")[2]]
    return section


def _table(section: dict[str, Any], known: dict[str, Any]) -> str:
    rows = ["\n| key | kind | default | |\n|---|---|---|---|\n"]
    for key, value in section["properties"].items():
        default = _shown(value["default"]) if "default" in value else ""
        needed = "**required**" if key in section.get("required", ()) else default
        # pydantic leaves out what is word for word the section's own description.
        text = value.get("description") or _referred(value, known)["description"]
        rows.append(f"| `{key}` | {_kind(value)} | {needed} | {text} |\n")
    return "".join(rows)


def _kind(value: dict[str, Any]) -> str:
    if "anyOf" in value:
        first = value["anyOf"][0]
        if first.get("type") == "array":
            return f"list of {_kind(first['items'])}"
        return " or ".join(_kind(each) for each in value["anyOf"])
    if "$ref" in value:
        return "mapping"
    if "const" in value:
        return f"`{_plain(value['const'])}`"
    if "enum" in value and "x-kind" not in value:
        return " or ".join(f"`{word}`" for word in value["enum"])
    words = {"integer": "whole number", "string": "text", "boolean": "true or false"}
    kind = str(value.get("x-kind") or words.get(value.get("type", ""), "mapping"))
    return f"{kind}, {value['minimum']} to {value['maximum']}" if "minimum" in value else kind


def _shown(default: Any) -> str:
    """A default as people write it; a section's own stand in its own table."""
    return "" if isinstance(default, dict) else f"`{_plain(default)}`"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_plain(each) for each in value)}]"
    return str(value)
