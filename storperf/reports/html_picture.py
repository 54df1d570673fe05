"""Small pictures inside a table, drawn here so that they need no script."""

from __future__ import annotations

from markupsafe import Markup

from storperf.model.verdict import Check

_WIDTH, _HEIGHT = 92.0, 16.0


def change_picture(check: Check, widest: float) -> Markup:
    """A dot for the change, a bar for its interval, a line at no change; `widest` is the edge.

    Empty when the change is not known.  A bar that goes beyond the edge has no end there.
    """
    if check.change is None:
        return Markup("")
    middle = _HEIGHT / 2
    parts = [f'<line class="zero" x1="{_x(0, widest)}" x2="{_x(0, widest)}" y1="1" y2="15"/>']
    if check.change_low is not None and check.change_high is not None:
        low, high = _x(check.change_low, widest), _x(check.change_high, widest)
        parts.append(f'<line class="bar" x1="{low}" x2="{high}" y1="{middle}" y2="{middle}"/>')
    parts.append(f'<circle cx="{_x(check.change, widest)}" cy="{middle}" r="3.5"/>')
    # Only numbers made here and words of ours are inside.
    return Markup(  # noqa: S704
        f'<svg class="change {check.reason.outcome.value}" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" '
        f'width="{_WIDTH:g}" height="{_HEIGHT:g}" aria-hidden="true">{"".join(parts)}</svg>'
    )


def _x(share: float, widest: float) -> str:
    """Where a change stands, kept inside the picture."""
    inside = max(-1.0, min(1.0, share / widest))
    return f"{_WIDTH / 2 + inside * (_WIDTH / 2 - 5):.1f}"
