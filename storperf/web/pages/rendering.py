"""Pages from templates: everything in them is the server's own, nothing comes from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from fastapi.responses import HTMLResponse

from storperf.reports.html_page import FOLDER, page_environment
from storperf.version import package_version

TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")

# Styles and scripts are files of ours; no inline ones, so that no text of a job becomes one.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A report brings a policy of its own along, with the hashes of its scripts.
KEPT_PAGE_POLICY = "frame-ancestors 'none'"


def page(template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page of the service."""
    return policed(page_text(template, **context), status=status)


def page_text(template: str, **context: Any) -> str:
    """What stands on such a page."""
    return _environment().get_template(template).render(version=package_version(), **context)


def policed(text: str, *, status: int = 200) -> HTMLResponse:
    """A page that may load what is the server's own, and nothing else."""
    return HTMLResponse(text, status, headers={"Content-Security-Policy": POLICY})


def kept_page(text: str | bytes) -> HTMLResponse:
    """A report or a history, which stands for itself."""
    return HTMLResponse(text, headers={"Content-Security-Policy": KEPT_PAGE_POLICY})


@cache
def stylesheet() -> str:
    """The reports' styles, and the service's own behind them."""
    own = (STATIC / "service.css").read_text(encoding="utf-8")
    return (FOLDER / "page.css").read_text(encoding="utf-8") + own


@cache
def _environment() -> jinja2.Environment:
    return page_environment(TEMPLATES)
