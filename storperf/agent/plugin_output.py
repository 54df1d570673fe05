"""What a Nagios or Icinga plugin prints: a text, and figures behind a `|`.

Source: Monitoring Plugins Development Guidelines, "Plugin Output for Nagios" and
"Performance data": `'label'=value[UOM];[warn];[crit];[min];[max]`, separated by blanks.
"""

from __future__ import annotations

import math
import re
from typing import Dict, Optional, Tuple

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
MOST_FIGURES = 50
_MOST_TEXT = 300
_LONGEST_LABEL = 100

_ENTRY = re.compile(r"('(?:[^']|'')+'|[^\s'=]+)=([^\s;]*)\S*")
_VALUE = re.compile(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)([A-Za-z%]*)")
# The factor to the unit that it is kept in.  Plugins count binary: check_disk's MB is 2**20.
_UNITS: Dict[str, Tuple[float, str]] = {
    "": (1, ""),
    "s": (1, "s"),
    "ms": (1e-3, "s"),
    "us": (1e-6, "s"),
    "ns": (1e-9, "s"),
    "%": (0.01, "share"),
    "c": (1, "count"),
    "B": (1, "bytes"),
    **{
        prefix + suffix: (1024.0**power, "bytes")
        for power, prefix in enumerate("KMGTPE", start=1)
        for suffix in ("B", "iB")
    },
}


def parse_plugin(output: str) -> Tuple[str, Dict[str, float], Dict[str, str]]:
    """The text (its first line), each figure by its label, and each figure's unit.

    Times become seconds, percent a share, sizes bytes, `c` a count as it stands; another unit
    stays as it is.  A value of `U`, or one that is no number, is missing.  Thresholds are left.
    """
    lines = output.splitlines()
    text, _, performance = (lines[0] if lines else "").partition("|")
    _, _, more = "\n".join(lines[1:]).partition("|")
    figures: Dict[str, float] = {}
    units: Dict[str, str] = {}
    for found in _ENTRY.finditer(performance + " " + more):
        label = _label(found.group(1))
        value = _value(found.group(2))
        if label and value is not None and len(figures) < MOST_FIGURES:
            figures[label], units[label] = value
    return text.strip()[:_MOST_TEXT], figures, units


def _label(written: str) -> str:
    """A label as the last part of a figure's name, where a dot would begin another part."""
    if written.startswith("'"):
        written = written[1:-1].replace("''", "'")
    kept = "".join(each if each.isprintable() else "_" for each in written.strip())
    return kept.replace(".", "_")[:_LONGEST_LABEL]


def _value(written: str) -> Optional[Tuple[float, str]]:
    found = _VALUE.fullmatch(written)
    if found is None:
        return None
    factor, unit = _UNITS.get(found.group(2), (1, found.group(2)))
    value = float(found.group(1)) * factor
    return (value, unit) if math.isfinite(value) else None
