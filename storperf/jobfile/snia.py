"""The bounds of SNIA's steady-state rule, as keys of each section that has them."""

from __future__ import annotations

from typing import Any

from storperf.jobfile.section import key
from storperf.units import parse_share


def range_key() -> Any:
    """How far apart the rounds of a window may lie."""
    return key(
        "Largest minus smallest round, as a share of the average; SNIA's 20%.",
        parse_share("20%"),
        shown="20%",
    )


def slope_key() -> Any:
    """How far the line through a window may rise or fall."""
    return key(
        "Change of the fitted line over the window, as a share of the average; SNIA's 10%.",
        parse_share("10%"),
        shown="10%",
    )
